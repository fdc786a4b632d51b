// Package expect judges traces and values. An expectation is plain data; its
// outcome carries the evidence it used, in the notation of package trace.
//
// It neither waits nor prints.
//
// Invariant: an outcome that fails says what was expected, what was seen, and
// the packets it looked at.
package expect

import (
	"fmt"
	"strconv"
	"strings"

	"netrepro/engine/tcp"
	"netrepro/engine/trace"
	"netrepro/engine/view"
)

// Outcome is a judgement.
type Outcome struct {
	Pass bool
	// Timed says that the failure is a missed time bound and nothing else:
	// on a stalled host it proves nothing.
	Timed bool
	// Expected and Saw make the message "expected …, saw …".
	Expected, Saw string
	// Packets are what was looked at: a piece of the ladder, at most
	// maxEvidence packets.
	Packets []string
	// Frames are their numbers in trace.pcapng.
	Frames []int
}

// Message is the outcome in one line.
func (o Outcome) Message() string { return fmt.Sprintf("expected %s, saw %s", o.Expected, o.Saw) }

// Spec is an expectation on a trace.
type Spec interface {
	Judge(v *trace.View) Outcome
	// Early reports whether a pass can be believed before the wires are
	// idle: later packets cannot turn it into a failure.
	Early() bool
}

// maxEvidence is how many packets an outcome shows.
const maxEvidence = 12

// evidence adds packets to o as a piece of the trace's ladder, each with a
// remark if there is one.
func (o *Outcome) evidence(t *trace.Trace, ps []*trace.Packet, remark map[*trace.Packet]string) {
	if len(ps) == 0 {
		return
	}
	all := t.Findings()
	chosen := map[int]*trace.Packet{} // by the packet's first frame
	more := map[int]bool{}
	for _, p := range ps {
		first := all[p.N-1].First()
		if chosen[first] == nil && len(chosen) == maxEvidence {
			more[first] = true
			continue
		}
		o.Frames = append(o.Frames, p.N)
		if chosen[first] == nil || remark[p] != "" {
			chosen[first] = p
		}
	}
	// Every sighting of them, to draw how far they came.
	var rs []*tcp.Record
	for _, r := range all {
		if chosen[r.First()] != nil {
			rs = append(rs, r)
		}
	}
	l := view.NewBuilder(t.Hosts(), t.CapturePoints()).Whole(rs)
	for i := range l.Rows {
		row := &l.Rows[i]
		if p := chosen[row.Frames[0]]; p != nil {
			row.Frames[0], row.Time = p.N, p.Time
			if s := remark[p]; s != "" {
				row.Marks = append(row.Marks, view.Mark{Kind: view.MarkRemark, Text: "<- " + s})
			}
		}
	}
	o.Packets = l.Lines(view.Style{})
	if len(more) > 0 {
		o.Packets = append(o.Packets, fmt.Sprintf("… and %d more", len(more)))
	}
}

// seen says how many sightings there are, and of how many packets if some were
// seen at several points.
func seen(t *trace.Trace, ps []*trace.Packet) string {
	if len(ps) < 2 {
		return number(len(ps))
	}
	packets, all := map[int]bool{}, t.Findings()
	for _, p := range ps {
		packets[all[p.N-1].First()] = true
	}
	switch len(packets) {
	case len(ps):
		return number(len(ps))
	case 1:
		return fmt.Sprintf("%d sightings of one packet", len(ps))
	}
	return fmt.Sprintf("%d sightings of %d packets", len(ps), len(packets))
}

func number(n int) string {
	switch n {
	case 0:
		return "none"
	case 1:
		return "one"
	}
	return strconv.Itoa(n)
}

// Count is a number of times: exactly Min, or Min and more.
type Count struct {
	Min    int
	OrMore bool
}

// ParseCount reads "3" or ">= 3".
func ParseCount(s string) (Count, error) {
	text := strings.TrimSpace(s)
	rest, more := strings.CutPrefix(text, ">=")
	n, err := strconv.Atoi(strings.TrimSpace(rest))
	if err != nil || n < 0 || n > 1<<30 {
		return Count{}, fmt.Errorf(`%q is not a count: write 3 or ">= 3"`, s)
	}
	return Count{n, more}, nil
}

// Allows reports whether n is in c.
func (c Count) Allows(n int) bool { return n == c.Min || c.OrMore && n > c.Min }

// String writes c in words: "3 times", "3 times or more".
func (c Count) String() string {
	s := fmt.Sprintf("%d times", c.Min)
	if c.Min == 1 {
		s = "once"
	}
	if c.OrMore {
		s += " or more"
	}
	return s
}
