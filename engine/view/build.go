// Package view draws ladders of records: who sent what when, to be read by people.
//
// Invariant: it writes what records say and adds nothing.
package view

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"netrepro/engine/tcp"
)

// Builder makes ladders of records.
type Builder struct {
	Names  Names
	Points []tcp.Point
	// Only is which nodes are columns. See [Builder.ReadOnly].
	Only Only
	// All has every node as a column, whether packets visit it or not: what is drawn
	// later may visit others.
	All bool

	nodes []string // columns, if packets are seen on their way
	node  []int    // of a point, its column
	far   []int    // of a point, the column at the other end of its wire
}

// maxColumns is how many nodes are columns at most: more are not seen at once.
const maxColumns = 64

// NewBuilder makes a builder for a capture with these points. Points named
// "node/wire" make the nodes columns.
func NewBuilder(names Names, points []tcp.Point) *Builder {
	b := &Builder{Names: names, Points: points}
	wires := map[string][]int{}
	columns := map[string]int{}
	for i, p := range points {
		node, wire, ok := strings.Cut(p.Name, "/")
		if !ok {
			b.nodes, b.node = nil, nil
			return b
		}
		at, known := columns[node]
		if !known {
			if len(b.nodes) == maxColumns {
				b.nodes, b.node = nil, nil
				return b
			}
			at = len(b.nodes)
			b.nodes = append(b.nodes, node)
			columns[node] = at
		}
		b.node = append(b.node, at)
		wires[wire] = append(wires[wire], i)
	}
	if len(b.nodes) < 2 {
		b.nodes, b.node = nil, nil
		return b
	}
	b.far = slices.Clone(b.node)
	for _, ends := range wires {
		if len(ends) == 2 {
			b.far[ends[0]], b.far[ends[1]] = b.node[ends[1]], b.node[ends[0]]
		}
	}
	return b
}

// Nodes are the columns, nil if the capture does not say which nodes its packets pass.
func (b *Builder) Nodes() []string { return b.nodes }

// Node is the column of a point, -1 if it has none.
func (b *Builder) Node(point int) int {
	if b.nodes == nil {
		return -1
	}
	return b.node[point]
}

// Row makes the row of one record, as far as it is known from it alone.
func (b *Builder) Row(r *tcp.Record) Row {
	row := Row{Frames: []int{r.N}, Time: r.Time, Flow: -1, Label: label(r), Marks: marks(r, b.nodes != nil || r.Copy > 0)}
	if b.nodes == nil && r.Copy > 0 {
		row.Marks = append(row.Marks, Mark{MarkNote, b.again(r)})
	}
	if r.Conn != nil {
		row.Flow = r.Conn.ID
	} else if r.About != nil {
		row.Flow = r.About.ID
	}
	switch {
	case b.nodes != nil:
		here, there := b.node[r.Point], b.far[r.Point]
		row.From, row.To = here, there
		if r.Direction == tcp.In {
			row.From, row.To = there, here
		}
		row.fate(r)
	case r.Side == 0:
		row.To = 1
	default:
		row.From = 1
	}
	return row
}

// again says that a packet was seen before, and where this was.
func (b *Builder) again(r *tcp.Record) string {
	s := fmt.Sprintf("#%d again", r.Copy)
	if r.Point < len(b.Points) && b.Points[r.Point].Name != "" {
		s += ", at " + b.Points[r.Point].Name
	}
	return s
}

// arrived takes in that the packet of row was seen again.
func (b *Builder) arrived(row *Row, r *tcp.Record) {
	row.Frames = append(row.Frames, r.N)
	if r.Direction == tcp.In {
		row.To = b.node[r.Point]
	} else {
		row.To = b.far[r.Point]
	}
	row.fate(r)
	for _, m := range marks(r, true) {
		if !slices.Contains(row.Marks, m) && (m.Kind == MarkDropped || m.Kind == MarkFault || m.Kind == MarkNote) {
			row.Marks = append(row.Marks, m)
		}
	}
}

// fate takes in what a sighting tells of whether the packet came to where it was
// going. What is lost says so; of anything else it is only not seen yet.
func (row *Row) fate(r *tcp.Record) {
	row.Stopped = r.Dropped != ""
	row.Unseen = !row.Stopped && r.Direction != tcp.In
}

// Whole makes one ladder of all records, the packets in the order in which they
// were first seen.
func (b *Builder) Whole(rs []*tcp.Record) Ladder {
	l := Ladder{Columns: b.nodes}
	if b.nodes == nil {
		l.Columns = []string{"", ""}
	}
	at := map[int]int{} // row of a first frame
	seen := make([]bool, len(b.nodes))
	for _, r := range rs {
		i, ok := at[r.Copy]
		if ok && r.Copy > 0 && b.nodes != nil {
			b.arrived(&l.Rows[i], r)
			at[r.N] = i
		} else {
			i = len(l.Rows)
			at[r.N] = i
			l.Rows = append(l.Rows, b.Row(r))
		}
		if b.nodes != nil {
			b.visits(seen, &l.Rows[i], r.Point)
		}
	}
	if b.nodes != nil && len(rs) > 0 && !b.All {
		b.fold(&l, seen)
	}
	return l
}

// Flows makes one ladder a connection, and one of what belongs to none, in the
// order in which they began, one after the other.
func (b *Builder) Flows(rs []*tcp.Record) iter.Seq[Ladder] {
	by := map[int][]*tcp.Record{}
	var order []int
	conns := map[int]*tcp.Conn{}
	for _, r := range rs {
		id := -1
		if c := r.Root(); c != nil {
			id, conns[c.ID] = c.ID, c
		}
		if by[id] == nil {
			order = append(order, id)
		}
		by[id] = append(by[id], r)
	}
	return func(yield func(Ladder) bool) {
		for _, id := range order {
			if !yield(b.flow(conns[id], by[id])) {
				return
			}
		}
	}
}

// flow is the ladder of c, or of what belongs to no connection.
func (b *Builder) flow(c *tcp.Conn, rs []*tcp.Record) Ladder {
	l := b.Whole(rs)
	switch {
	case c != nil:
		l.Title = b.title(c)
		if b.nodes == nil {
			l.Columns = []string{b.Names.End(c.Ends[0]), b.Names.End(c.Ends[1])}
		}
	case b.nodes == nil:
		l.Title = "no connection"
		b.pairs(&l, rs)
	default:
		l.Title = "no connection"
	}
	return l
}

// pairs says in the label who sent what to whom, where columns cannot.
func (b *Builder) pairs(l *Ladder, rs []*tcp.Record) {
	l.Columns = []string{"", ""}
	for i, r := range rs {
		l.Rows[i].From, l.Rows[i].To = 0, 1
		if r.Packet.Src.IsValid() {
			l.Rows[i].Label = fmt.Sprintf("%s > %s: %s", b.Names.host(r.Packet.Src), b.Names.host(r.Packet.Dst),
				l.Rows[i].Label)
		}
	}
}

func (b *Builder) title(c *tcp.Conn) string {
	s := fmt.Sprintf("flow %d  %s > %s  %d and %d packets", c.ID, b.Names.End(c.Ends[0]), b.Names.End(c.Ends[1]),
		c.Packets[0], c.Packets[1])
	if c.MSS[0] > 0 || c.MSS[1] > 0 {
		s += fmt.Sprintf("  mss %d and %d", c.MSS[0], c.MSS[1])
	}
	if d := c.HandshakeRTT(); d > 0 {
		s += fmt.Sprintf("  handshake %s", short(d))
	}
	return s
}
