package page

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"netrepro/engine/report/inspect"
	"netrepro/engine/report/page/pack"
	"netrepro/engine/report/page/packets"
	"netrepro/engine/tcp"
	"netrepro/engine/view"
)

// MaxPackets bounds how many packets of a capture a page has, maxFlows of how many connections.
const (
	MaxPackets = 200_000
	maxFlows   = 20_000
)

// Read reads the capture at path. Remarks are what its reader must know.
func Read(ctx context.Context, path string) (c Capture, remarks []string, err error) {
	c.Name = filepath.Base(path)
	if path == "-" {
		c.Name = "standard input"
	}
	p := packets.NewWriter()
	c.packets.table = pack.Table{Bytes: []string{"frame"}, Tuples: []string{"header"}}
	var kept []*tcp.Record
	var said bytes.Buffer
	flows, more := flowTable{}, 0
	o := inspect.Options{Each: func(r *tcp.Record) error {
		if more > 0 || len(kept) == MaxPackets || len(flows.conns) == maxFlows && flows.begins(r) {
			more++
			return nil
		}
		kept = append(kept, view.Keep(r))
		flows.add(r)
		return c.packets.add(p.Append(nil, r))
	}}
	known, err := inspect.Walk(ctx, path, o, &said)
	if err != nil {
		return c, nil, err
	}
	for line := range strings.Lines(said.String()) {
		remarks = append(remarks, strings.TrimPrefix(strings.TrimSpace(line), "netrepro: "))
	}
	if more > 0 {
		remarks = append(remarks, fmt.Sprintf("the last %d packets of %s are not shown: write a part of it with "+
			"netrepro trace --filter frame=… --write", more, c.Name))
	}
	c.describe(known)
	b := view.NewBuilder(known.Names, known.Points)
	b.All = true
	l := b.Whole(kept)
	if b.Nodes() != nil {
		c.Nodes, c.Columns = l.Columns, l.Columns
	}
	for i, point := range known.Points {
		c.Points = append(c.Points, Point{Name: point.Name, Node: b.Node(i), Addrs: texts(point.Addrs)})
	}
	if err := c.draw(&l, kept); err != nil {
		return c, nil, fmt.Errorf("write rows of the ladder: %w", err)
	}
	c.Flows = flows.list(known.Names)
	return c, remarks, nil
}

// describe takes in what the file says of itself.
func (c *Capture) describe(k inspect.Known) {
	c.Nodes, c.Columns, c.Points, c.Flows, c.Fields = []string{}, []string{}, []Point{}, []Flow{}, packets.Fields()
	c.began = k.Start
	if k.Start > 0 {
		c.Start = time.Unix(0, k.Start).UTC().Format(time.RFC3339Nano)
	}
	c.Names = map[string]string{}
	for a, name := range k.Names {
		c.Names[a.String()] = name
	}
}

// Began is when its first packet was seen, in nanoseconds since 1970.
func (c *Capture) Began() int64 { return c.began }

// Packets is how many packets c has, a packet for each point that saw it.
func (c *Capture) Packets() int { return c.packets.len() }

func texts[T fmt.Stringer](of []T) (out []string) {
	for _, x := range of {
		out = append(out, x.String())
	}
	return out
}

// flowTable collects connections.
type flowTable struct {
	conns []*tcp.Conn
	scale map[int]*[2]int
	root  map[int]int
}

func (f *flowTable) add(r *tcp.Record) {
	c := r.Conn
	if c == nil {
		return
	}
	if f.scale == nil {
		f.scale, f.root = map[int]*[2]int{}, map[int]int{}
	}
	if f.scale[c.ID] == nil {
		f.conns = append(f.conns, c)
		f.scale[c.ID] = &[2]int{-1, -1}
	}
	f.root[c.ID] = r.Root().ID
	if n := int(r.Packet.WScale); n >= 0 {
		f.scale[c.ID][r.Side] = n
	}
}

// begins reports whether a record is the first of its connection.
func (f *flowTable) begins(r *tcp.Record) bool { return r.Conn != nil && f.scale[r.Conn.ID] == nil }

func (f *flowTable) list(names view.Names) []Flow {
	out := []Flow{}
	for _, c := range f.conns {
		w := Flow{ID: c.ID, Of: f.root[c.ID], Packets: c.Packets, MSS: c.MSS, WScale: *f.scale[c.ID],
			RTT: Seconds(c.HandshakeRTT())}
		for i, e := range c.Ends {
			w.Ends[i], w.Names[i] = e.String(), names.End(e)
		}
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Flow) int { return a.ID - b.ID })
	return out
}

// FromCapture is the page of the capture at path. What its reader must know is said on
// complain too.
func FromCapture(ctx context.Context, path string, complain io.Writer) (*Document, error) {
	c, remarks, err := Read(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, r := range remarks {
		fmt.Fprintf(complain, "netrepro: %s\n", r)
	}
	d := New(KindCapture, c.Name)
	d.Remarks, d.Captures = remarks, []Capture{c}
	d.Again = []string{"netrepro trace " + path, "netrepro diagnose " + path}
	return d, nil
}
