//go:build linux

// Package fault breaks wires in exact ways: a match, a count, an action, and
// a handle that knows what was hit.
//
// It does not filter on routers; package firewall does.
//
// Invariant: whether a packet is hit depends on the packets before it alone,
// never on time or chance.
package fault

import (
	"fmt"
	"sync"

	"netrepro/engine/trace"
	"netrepro/engine/wire"
)

// Spec is a fault as the script wrote it.
type Spec struct {
	Match trace.Match
	// Nth is the first packet hit, counted per connection among those that
	// match, in order of arrival at the wire, from 1. 0 means 1.
	Nth int
	// Times is how many packets in a row are hit per connection; 0 means
	// one if Nth is set and all otherwise.
	Times int
	// Name is shown wherever the fault is; empty derives one.
	Name string
	// Optional faults may stay unused.
	Optional bool
	Where    string // the wire
	Line     int    // in the script
}

// Handle is what a script keeps of a fault, on a wire or a router.
type Handle interface {
	// Hits is how many packets were hit so far.
	Hits() (int, error)
	// First is the first segment hit, nil if none or not on a wire.
	First() *trace.Hit
	// String names the fault.
	String() string
	// Idle reports whether the fault must have fired and has not.
	Idle() (bool, error)
	// Line is where the script made it.
	Line() int
}

// Drop is a live fault that drops what it hits.
type Drop struct {
	spec Spec
	name string

	mu    sync.Mutex
	seen  map[*trace.Conn]int
	hits  int
	first *trace.Hit
}

// NewDrop makes a fault of s; add it to a wire to arm it.
func NewDrop(s Spec) *Drop {
	if s.Times == 0 && s.Nth > 0 {
		s.Times = 1
	}
	s.Nth = max(s.Nth, 1)
	name := s.Name
	if name == "" {
		name = fmt.Sprintf("%s:drop %s", s.Where, s.describe())
	}
	return &Drop{spec: s, name: name, seen: map[*trace.Conn]int{}}
}

// describe is the match with its counts.
func (s *Spec) describe() string {
	d := s.Match.String()
	if s.Nth > 1 || s.Times > 0 {
		d += fmt.Sprintf(" nth %d", s.Nth)
	}
	if s.Times > 1 {
		d += fmt.Sprintf(" times %d", s.Times)
	}
	return d
}

// Apply implements [wire.Fault].
func (d *Drop) Apply(p *trace.Packet, v *wire.Verdict) {
	if !d.spec.Match.Matches(p) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.seen[p.Conn] + 1
	d.seen[p.Conn] = n
	if n < d.spec.Nth || d.spec.Times > 0 && n >= d.spec.Nth+d.spec.Times {
		return
	}
	d.hits++
	if d.first == nil {
		d.first = &trace.Hit{Seq: p.RelSeq, End: p.End(), Conn: p.Conn}
	}
	v.Drop = d.name
}

// Hits implements [Handle].
func (d *Drop) Hits() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hits, nil
}

// First implements [Handle].
func (d *Drop) First() *trace.Hit {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first
}

// Idle implements [Handle].
func (d *Drop) Idle() (bool, error) {
	n, err := d.Hits()
	return n == 0 && !d.spec.Optional, err
}

// String implements [Handle].
func (d *Drop) String() string { return d.name }

// Line implements [Handle].
func (d *Drop) Line() int { return d.spec.Line }
