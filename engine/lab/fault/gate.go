//go:build linux

package fault

import (
	"fmt"
	"strings"

	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/match"
	"netrepro/engine/tcp"
	"netrepro/engine/trace"
)

// Gate says which of the packets that match are hit.
type Gate struct {
	// Nth is the first packet hit, counted per connection among those that
	// match, in order of arrival at the wire, from 1. 0 means 1.
	Nth int
	// Every hits every so many from there on; 0 means 1.
	Every int
	// Times is how many are hit per connection; 0 means one if Nth is set
	// without Every, and all otherwise.
	Times int
	// Chance hits by chance alone, what the counts would hit; nil hits all.
	Chance *chance.Model
	// After and Before bound when the fault is active: from behind the packet
	// that is the one event up to the packet that is the other.
	After, Before *Event
}

// Event is a packet on the same wire, or the first hit of another fault.
type Event struct {
	Match *match.Match
	Fault Handle

	ask match.Packet
}

// happens reports whether the event is, or was, p.
func (e *Event) happens(p *trace.Packet) bool {
	if e.Fault != nil {
		n, err := e.Fault.Hits()
		return err == nil && n > 0
	}
	return e.Match.Matches(e.ask.Pass(p))
}

// hit reports whether the event is that its fault hit p.
func (e *Event) hit(p *trace.Packet) bool {
	h := e.Fault.First()
	return h != nil && h.Packet == p
}

// Reads reports whether the event is something said in TLS or HTTP.
func (e *Event) Reads() bool {
	return e != nil && e.Match != nil && e.Match.Asks("tls", "http")
}

// String writes e as a script would.
func (e *Event) String() string {
	if e.Fault != nil {
		return e.Fault.String()
	}
	return e.Match.String()
}

// String writes g as a script would.
func (g *Gate) String() string {
	var s []string
	add := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	if g.Nth > 0 || g.Times > 0 {
		add("nth %d", max(g.Nth, 1))
	}
	if g.Every > 1 {
		add("every %d", g.Every)
	}
	if g.Times > 1 || g.Times == 1 && g.Every > 1 {
		add("times %d", g.Times)
	}
	if g.Chance != nil {
		add("chance %s", g.Chance)
	}
	if g.After != nil {
		add("after %s", g.After)
	}
	if g.Before != nil {
		add("before %s", g.Before)
	}
	return strings.Join(s, " ")
}

// gate is a Gate at work.
type gate struct {
	Gate
	seed   uint64
	seen   map[*tcp.Conn]int
	dice   map[diceKey]*chance.Dice
	opened bool // After has happened
	closed bool // Before has happened
}

func (g Gate) open(seed uint64) *gate {
	if g.Times == 0 && g.Nth > 0 && g.Every == 0 {
		g.Times = 1
	}
	g.Nth, g.Every = max(g.Nth, 1), max(g.Every, 1)
	return &gate{Gate: g, seed: seed, seen: map[*tcp.Conn]int{}, dice: map[diceKey]*chance.Dice{},
		opened: g.After == nil}
}

// active takes in that p enters the wire and reports whether the fault is
// active for it. The packets that are the events are not hit themselves.
func (g *gate) active(p *trace.Packet) bool {
	if !g.closed && g.Before != nil && g.opened && g.Before.happens(p) {
		g.closed = true
	}
	was := g.opened
	if !g.opened && g.After.happens(p) {
		g.opened = true
		// What comes behind the event is meant: p itself too, if it was
		// another packet, perhaps on another wire, that the fault hit.
		was = g.After.Fault != nil && !g.After.hit(p)
	}
	return was && !g.closed
}

// hit counts p, which matches, and reports whether it is hit.
func (g *gate) hit(p *trace.Packet) bool {
	n := g.seen[p.Conn] + 1
	g.seen[p.Conn] = n
	k := n - g.Nth
	if k < 0 || k%g.Every != 0 || g.Times > 0 && k/g.Every >= g.Times {
		return false
	}
	return g.Chance == nil || g.roll(p).Hit()
}
