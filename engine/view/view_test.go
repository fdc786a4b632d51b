package view

import (
	"encoding/json"
	"errors"
	"io"
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

func TestJSON(t *testing.T) {
	for _, r := range journey() {
		r.Notes = []string{"a \"quoted\" remark\n\x01 and \xff"}
		var v map[string]any
		line := AppendJSON(nil, r)
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if v["src"] != "192.0.2.1:4000" || v["n"] != float64(r.N) {
			t.Errorf("got %s", line)
		}
	}
}

func TestPrinter(t *testing.T) {
	r := journey()[0]
	var b strings.Builder
	p := NewPrinter(&b)
	const n = 3*batchSize + 5
	for i := range n {
		r.N = i + 1
		if err := p.Print(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "\n"); got != n || !strings.HasPrefix(b.String(), `{"n":1,`) {
		t.Errorf("%d lines, want %d", got, n)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestPrinterFails(t *testing.T) {
	r := journey()[0]
	p := NewPrinter(broken{})
	var err error
	for i := 0; i < 100*batchSize && err == nil; i++ {
		err = p.Print(r)
	}
	if err = errors.Join(err, p.Close()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
