package view

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

var (
	client = netip.MustParseAddr("192.0.2.1")
	edge   = netip.MustParseAddr("192.0.2.254")
	server = netip.MustParseAddr("198.51.100.2")
	names  = Names{client: "client", server: "server", edge: "edge"}
	points = []tcp.Point{{Name: "client/lan", Addrs: []netip.Addr{client}},
		{Name: "edge/lan", Addrs: []netip.Addr{edge}},
		{Name: "edge/wan", Addrs: []netip.Addr{edge}}, {Name: "server/wan", Addrs: []netip.Addr{server}}}
)

// sighting is a packet at a point.
func sighting(n int, at time.Duration, point int, d tcp.Direction, p packet.Packet) tcp.Input {
	p.Proto, p.WScale, p.EtherType = packet.ProtoTCP, -1, packet.EtherTypeIPv4
	return tcp.Input{N: n, Time: at, Point: point, Direction: d, Packet: &p}
}

func records(ins ...tcp.Input) []*tcp.Record {
	a := tcp.New(tcp.Options{})
	a.Describe(points)
	var out []*tcp.Record
	for i := range ins {
		var r tcp.Record
		a.Add(&ins[i], &r)
		out = append(out, Keep(&r))
	}
	return out
}

func journey() []*tcp.Record {
	syn := packet.Packet{Src: client, Dst: server, SrcPort: 4000, DstPort: 80, Seq: 7, Flags: packet.SYN, Window: 100,
		ID: 1, MSS: 1460}
	data := packet.Packet{Src: client, Dst: server, SrcPort: 4000, DstPort: 80, Seq: 8, Ack: 1, Flags: packet.ACK,
		Window: 100, ID: 2, PayloadLen: 10}
	lost := sighting(5, 5*time.Millisecond, 0, tcp.Out, data)
	lost.Dropped = "a fault"
	return records(sighting(1, 0, 0, tcp.Out, syn), sighting(2, time.Millisecond, 1, tcp.In, syn),
		sighting(3, time.Millisecond, 2, tcp.Out, syn),
		sighting(4, 2*time.Millisecond, 3, tcp.In, syn), lost)
}

func TestLadder(t *testing.T) {
	l := NewBuilder(names, points).Whole(journey())
	want := []string{
		"                    client  edge    server",
		"#1       +0.000000  │──────────────▶│ S  0:0(0) mss 1460",
		"#5       +0.005000  │───╳   │       │ .  1:11(10) ack 1  dropped: a fault",
	}
	if got := l.Lines(Style{}); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f := l.Rows[0].Frames; !slices.Equal(f, []int{1, 2, 3, 4}) {
		t.Errorf("frames of the first row: %v", f)
	}
	for _, width := range []int{1, 20, 60} {
		for _, line := range l.Lines(Style{Width: width, Color: true}) {
			if strings.Count(line, "\x1b[")%2 != 0 {
				t.Errorf("colour is not ended in %q", line)
			}
		}
	}
}

func TestLine(t *testing.T) {
	rs := journey()
	if got, want := Line(rs[4], names),
		"#5    +0.0050  client > server  .  1:11(10) ack 1  dropped: a fault"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestEnds(t *testing.T) {
	b := NewBuilder(names, nil)
	ls := slices.Collect(b.Flows(journey()))
	if len(ls) != 1 || ls[0].Columns[0] != "client:4000" ||
		!strings.HasPrefix(ls[0].Title, "flow 0  client:4000 > server:80") {
		t.Errorf("got %+v", ls)
	}
}

// star is a packet on its way from client to server past an edge, in a lab with nodes that
// it does not visit.
func star(t *testing.T) (*Builder, []*tcp.Record) {
	t.Helper()
	b := NewBuilder(names, slices.Concat(points, []tcp.Point{{Name: "idle/other"}, {Name: "edge/other"}}))
	return b, journey()
}

// TestColumns has only the nodes that packets visit, or those that are asked for.
func TestColumns(t *testing.T) {
	b, rs := star(t)
	for _, tt := range []struct {
		only    string
		columns []string
		rows    int
	}{
		{"", []string{"client", "edge", "server"}, 2},
		{"client,server", []string{"client", "(edge)", "server"}, 2},
		{"server", []string{"(2 nodes)", "server"}, 1}, // what was lost before it is not seen
		{"idle", []string{"(3 nodes)"}, 0},
	} {
		var err error
		if b.Only, err = b.ReadOnly(tt.only); err != nil {
			t.Fatal(err)
		}
		if l := b.Whole(rs); !slices.Equal(l.Columns, tt.columns) || len(l.Rows) != tt.rows {
			t.Errorf("%q: columns %q, %d rows", tt.only, l.Columns, len(l.Rows))
		}
	}
	if _, err := b.ReadOnly("client,nobody"); err == nil || !strings.Contains(err.Error(), "there are client, edge") {
		t.Errorf("a node that is not there: %v", err)
	}
	if _, err := NewBuilder(names, nil).ReadOnly("client"); err == nil {
		t.Error("nodes of a capture that has none")
	}
}

// TestFits has no line longer than asked, however many nodes there are, and loses no text.
func TestFits(t *testing.T) {
	b, rs := star(t)
	for _, n := range []int{3, 12, 24} {
		l := b.Whole(rs)
		for len(l.Columns) < n {
			l.Columns = append(l.Columns, "a-node-with-a-name")
		}
		for i := range l.Rows {
			l.Rows[i].To = n - 1
			l.Rows[i].Marks = append(l.Rows[i].Marks, Mark{MarkNote, strings.Repeat("many words ", 20)})
		}
		for _, width := range []int{40, 80, 120, 200} {
			lines := l.Lines(Style{Width: width})
			if words := strings.Count(strings.Join(lines, "\n"), "words"); words != 40 {
				t.Errorf("%d nodes, %d characters: %d words", n, width, words)
			}
			for _, line := range lines {
				if c := len([]rune(line)); c > width && 20+3*n < width {
					t.Errorf("%d nodes: a line has %d characters, not %d: %s", n, c, width, line)
				}
			}
		}
	}
}
