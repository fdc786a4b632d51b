// Package compare puts two captures beside each other: the same connections, and in them
// the same segments, by who sent them, their flags and their relative numbers.
//
// Times and addresses are not compared, and bare acknowledgements that only one of the two
// has are no difference: when TCP sends them is a matter of chance. It judges nothing.
// Invariant: every row of both ladders is in exactly one pair, in its order within its
// connection.
package compare

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/pattern"
	"netrepro/engine/report/inspect"
	"netrepro/engine/tcp"
	"netrepro/engine/view"
)

// Row is a row of a ladder.
type Row struct {
	Number int // of the row, from 0
	Frame  int
	Way    string // "client > server"
	Label  string
	Marks  []string // what is remarkable about it

	key    string // what it is, by its meaning
	flow   string // what its connection is
	chance bool   // whether it comes is a matter of chance
}

// Pair is what stands beside each other; A or B is nil where only the other capture has it.
type Pair struct {
	A, B *Row
	// Differs says how B differs from A, if both are there.
	Differs []string
}

// Same reports whether there is nothing to see.
func (p *Pair) Same() bool {
	switch {
	case p.A == nil:
		return p.B.chance
	case p.B == nil:
		return p.A.chance
	}
	return len(p.Differs) == 0
}

// Flow is a connection that both have, or one of them.
type Flow struct {
	Title string
	Pairs []Pair
}

// Comparison is two captures beside each other.
type Comparison struct {
	Flows []Flow
	// OnlyA and OnlyB count the packets that one of them alone has, Changed those that
	// became others, Same those that mean the same.
	OnlyA, OnlyB, Changed, Same int
}

// Files compares the captures at two paths, and says on complain what their reader must
// know of them.
func Files(ctx context.Context, a, b string, complain io.Writer) (*Comparison, error) {
	left, err := read(ctx, a, complain)
	if err != nil {
		return nil, err
	}
	right, err := read(ctx, b, complain)
	if err != nil {
		return nil, err
	}
	return compare(left, right), nil
}

// compare puts rows beside each other, connection by connection.
func compare(a, b []*Row) *Comparison {
	c := &Comparison{}
	left, order := byFlow(a)
	right, more := byFlow(b)
	for _, flow := range more {
		if left[flow] == nil {
			order = append(order, flow)
		}
	}
	for _, flow := range order {
		f := Flow{Title: flow, Pairs: align(left[flow], right[flow])}
		for i := range f.Pairs {
			p := &f.Pairs[i]
			switch {
			case p.Same():
				c.Same++
			case p.A == nil:
				c.OnlyB++
			case p.B == nil:
				c.OnlyA++
			default:
				c.Changed++
			}
		}
		c.Flows = append(c.Flows, f)
	}
	return c
}

func byFlow(rows []*Row) (by map[string][]*Row, order []string) {
	by = map[string][]*Row{}
	for _, r := range rows {
		if by[r.flow] == nil {
			order = append(order, r.flow)
		}
		by[r.flow] = append(by[r.flow], r)
	}
	return by, order
}

// mostRows bounds how many rows of a capture are compared, mostFlows of how many connections.
const (
	mostRows  = 200_000
	mostFlows = 20_000
)

// read reads the rows of a capture.
func read(ctx context.Context, path string, complain io.Writer) ([]*Row, error) {
	var kept []*tcp.Record
	conns := map[int]bool{}
	var said bytes.Buffer
	known, err := inspect.Walk(ctx, path, inspect.Options{Each: func(r *tcp.Record) error {
		if c := r.Root(); c != nil {
			conns[c.ID] = true
		}
		if len(kept) == mostRows || len(conns) > mostFlows {
			return fmt.Errorf("%s has more than %d packets, or more than %d connections: write parts of both with "+
				"netrepro trace --filter frame=… --write, and compare these", path, mostRows, mostFlows)
		}
		kept = append(kept, view.Keep(r))
		return nil
	}}, &said)
	if _, err := io.Copy(complain, &said); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	b := view.NewBuilder(known.Names, known.Points)
	b.All = true
	l := b.Whole(kept)
	flows := naming{names: known.Names, titles: map[int]string{}, count: map[string]int{}}
	out, at := make([]*Row, 0, len(l.Rows)), 0
	for i := range l.Rows {
		r := &l.Rows[i]
		for kept[at].N != r.Frames[0] {
			at++
		}
		out = append(out, flows.row(i, r, kept[at]))
	}
	return out, nil
}

// naming gives connections names that do not depend on addresses and numbers.
type naming struct {
	names  view.Names
	titles map[int]string
	count  map[string]int
}

// flow is what the connection of r is: the how manyeth of a client to a server's port.
func (n *naming) flow(r *tcp.Record) string {
	c := r.Root()
	if c == nil {
		return "no connection"
	}
	if t := n.titles[c.ID]; t != "" {
		return t
	}
	host := func(i int) string { name, _, _ := cutPort(n.names.End(c.Ends[i])); return name }
	t := fmt.Sprintf("%s > %s port %d", host(0), host(1), c.Ends[1].Port())
	n.count[t]++
	if k := n.count[t]; k > 1 {
		t += fmt.Sprintf(", the %s", ordinal(k))
	}
	n.titles[c.ID] = t
	return t
}

func cutPort(end string) (host, port string, found bool) {
	i := strings.LastIndexByte(end, ':')
	if i < 0 {
		return end, "", false
	}
	return strings.Trim(end[:i], "[]"), end[i+1:], true
}

func ordinal(n int) string {
	switch {
	case n%100/10 == 1:
	case n%10 == 1:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// frameNumber is what a mark says of other packets: in another capture it is another.
var frameNumber = pattern.New(`,? ?(answers |copy of |of )?#\d+`)

func (n *naming) row(i int, r *view.Row, first *tcp.Record) *Row {
	out := &Row{Number: i, Frame: r.Frames[0], Label: r.Label, flow: n.flow(first)}
	host := func(a netip.Addr) string {
		if name := n.names[a]; name != "" {
			return name
		}
		return a.String()
	}
	out.Way = host(first.Packet.Src) + " > " + host(first.Packet.Dst)
	for _, m := range r.Marks {
		if m.Kind == view.MarkSign || m.Kind == view.MarkRemark {
			continue
		}
		if text := frameNumber.ReplaceAllString(m.Text, ""); text != "" && !slices.Contains(out.Marks, text) {
			out.Marks = append(out.Marks, text)
		}
	}
	if r.Unseen {
		out.Marks = append(out.Marks, "not seen to arrive")
	}
	p := first.Packet
	if first.Conn != nil {
		out.key = fmt.Sprintf("%d %s %d %d", first.Side, p.Flags, first.Seq, p.PayloadLen)
		out.chance = p.Flags == packet.ACK && p.PayloadLen == 0 && len(out.Marks) == 0
	} else {
		out.key = out.Way + " " + out.Label
	}
	return out
}
