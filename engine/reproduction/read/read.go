// Package read reads a capture file as an incident: it chooses the connections that are
// worth it and has the rooms beside it look at them.
//
// Invariant: what it keeps of a capture is bounded.
package read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Options of reading.
type Options struct {
	// Flow is the number of the one connection that is wanted, -1 for what [File]
	// finds worth it.
	Flow int
	// Payload has the payload kept.
	Payload bool
	// At has only the capture points of this node looked at; empty for all.
	At string
	// All has every connection taken, whatever their number.
	All bool
}

// ErrNone is what a capture without a TCP connection fails with.
var ErrNone = errors.New("there is no TCP connection in the capture")

const (
	// maxFlows is how many connections make a scenario that a person can read.
	maxFlows = 12
	// maxRecords bounds what is kept of a capture, in packets, maxConns in connections.
	maxRecords = 200_000
	maxConns   = 20_000
	// maxPayload bounds what is kept of payload, in bytes.
	maxPayload = 8 << 20
)

// tally is what a connection is chosen by.
type tally struct {
	conn    *tcp.Conn
	packets int
	begun   bool
	score   int
	recent  []*tcp.Record // the last few
}

// gathered is what is kept of a capture.
type gathered struct {
	records []*tcp.Record
	conns   []*tally // in the order they began
	byConn  map[*tcp.Conn]*tally
	passed  map[int]bool // connections that are not wanted, by number
	names   []string
	other   map[string]int // what there was besides TCP
	payload int
	dropped bool // there was more than is kept
	asked   bool
	over    time.Duration // when it ended
}

// File reads the capture at path.
func File(ctx context.Context, path string, o Options) (*reproduction.Incident, error) {
	capture.LimitMemory()
	g, err := gather(ctx, path, o)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(g, o)
	if err != nil {
		return nil, err
	}
	return infer(g, chosen, o)
}

// gather reads the whole capture.
func gather(ctx context.Context, path string, o Options) (g *gathered, err error) {
	s, err := capture.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	g = &gathered{byConn: map[*tcp.Conn]*tally{}, passed: map[int]bool{}, other: map[string]int{}}
	a := tcp.New(tcp.Options{})
	last := 0
	var in tcp.Input
	var r tcp.Record
	for {
		if err := s.Next(&in); err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("read %s: after frame %d: %w", path, last, err)
			}
			break
		}
		last = in.N
		points := s.Points()
		if o.At != "" {
			if in.Point >= len(points) || !strings.HasPrefix(points[in.Point].Name, o.At+"/") {
				continue
			}
			// What one node saw is all there is: as in a capture that was made there.
			in.Point, in.SameAs, in.Paired, in.More, in.Dropped = 0, 0, false, false, ""
		} else {
			a.Describe(points)
		}
		a.Add(&in, &r)
		g.over = in.Time
		g.add(&r, o)
	}
	for _, n := range s.Names() {
		g.names = append(g.names, n.Host, n.Addr.String())
	}
	return g, nil
}

// add takes in a record.
func (g *gathered) add(r *tcp.Record, o Options) {
	c := r.Root()
	if c == nil {
		g.other[protocol(r.Packet)]++
		return
	}
	g.asked = g.asked || r.Kernel != nil || r.Asked
	if o.Flow >= 0 && c.ID != o.Flow {
		g.passed[c.ID] = true
		return
	}
	t := g.byConn[c]
	if g.dropped || len(g.records) == maxRecords || t == nil && len(g.conns) == maxConns {
		g.drop(o)
		return
	}
	if t == nil {
		t = &tally{conn: c}
		g.byConn[c] = t
		g.conns = append(g.conns, t)
	}
	if r.Copy == 0 && t.twice(r) {
		return
	}
	if t.packets++; t.packets == 1 && strings.HasPrefix(r.Fault, segment.Forged) {
		t.begun = true
	}
	t.count(r)
	k := *r
	k.Packet, k.Frame = packet.Clone(r.Packet), nil
	k.Payload, k.App = nil, nil
	if o.Payload && len(r.Payload) > 0 && r.Copy == 0 && g.payload+len(r.Payload) <= maxPayload {
		g.payload += len(r.Payload)
		k.Payload = slices.Clone(r.Payload)
	}
	if o.Payload {
		k.App = slices.Clone(r.App)
	}
	g.records = append(g.records, &k)
	t.recent = append(t.recent[max(len(t.recent)-few, 0):], &k)
}

// few is how many packets of a connection are looked at for one that was seen twice.
const few = 5

// twice reports whether the capture has a segment once more: nobody sent that, and nothing was lost.
// A kernel sends the same reset for each segment that it does not want, and on a short path it sends
// again soon; then only its identification tells.
func (t *tally) twice(r *tcp.Record) bool {
	const atOnce = 100 * time.Microsecond
	return slices.ContainsFunc(t.recent, func(o *tcp.Record) bool {
		return o.Conn == r.Conn && o.Side == r.Side && o.Copy == 0 && o.Point == r.Point &&
			packet.SeenTwice(o.Packet, r.Packet, r.Time-o.Time) && (r.Packet.ID != 0 ||
			r.Time-o.Time < atOnce && !r.Packet.Flags.Has(packet.RST))
	})
}

// drop lets go of what is too much. Of one connection what is kept is enough.
func (g *gathered) drop(o Options) {
	g.dropped = true
	if o.Flow < 0 {
		g.records, g.conns, g.byConn = nil, nil, nil
	}
}

// count takes in what makes a connection worth a look.
func (t *tally) count(r *tcp.Record) {
	if r.Conn == nil {
		t.score += 20 // an ICMP error is about it
		return
	}
	f := r.Packet.Flags
	switch {
	case f.Has(packet.RST):
		t.score += 100
	case f.Has(packet.SYN) && !f.Has(packet.ACK):
		t.begun = true
	}
	if r.Class&sender.Rexmit != 0 {
		t.score += 10
	}
}

func protocol(p *packet.Packet) string {
	switch {
	case !p.Src.IsValid():
		return "frames that are not IP"
	case p.Proto == packet.ProtoUDP:
		return "UDP"
	case p.ICMP() != nil:
		return "ICMP"
	case p.Proto == packet.ProtoTCP:
		return "parts of TCP segments"
	}
	return fmt.Sprintf("IP protocol %d", p.Proto)
}

// choose chooses the connections that become a scenario.
func choose(g *gathered, o Options) ([]*tally, error) {
	switch {
	case g.dropped && o.Flow < 0:
		return nil, fmt.Errorf("the capture has more than %d TCP packets, or more than %d connections: choose a "+
			"connection with --flow, netrepro trace shows their numbers", maxRecords, maxConns)
	case len(g.conns)+len(g.passed) == 0:
		return nil, fmt.Errorf("%w: it has %s", ErrNone, g.found())
	case o.Flow >= 0 && len(g.conns) == 0:
		return nil, fmt.Errorf("there is no flow %d: netrepro trace shows their numbers", o.Flow)
	case o.Flow >= 0:
		return g.conns, nil
	}
	// What began before the capture is left out, but for what some hand made.
	whole := slices.DeleteFunc(slices.Clone(g.conns), func(t *tally) bool { return !t.begun })
	if len(whole) == 0 {
		whole = g.conns
	}
	if len(whole) <= maxFlows || o.All {
		return whole, nil
	}
	best := whole[0]
	for _, t := range whole {
		if t.score > best.score {
			best = t
		}
	}
	return []*tally{best}, nil
}

// found says what a capture has.
func (g *gathered) found() string {
	if len(g.other) == 0 {
		return "no packets"
	}
	var out []string
	for what, n := range g.other {
		out = append(out, fmt.Sprintf("%s (%d)", what, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
