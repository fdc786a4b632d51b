package trace

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

var (
	client = netip.MustParseAddr("192.0.2.1")
	server = netip.MustParseAddr("198.51.100.2")
)

// wire is a trace of one wire between client and server, fed by hand.
type wire struct {
	*Trace
	c, s *Point
	now  time.Duration
}

func newWire() *wire {
	c := &Point{Index: 0, Node: "client", Wire: "wan", Addrs: []netip.Addr{client}}
	s := &Point{Index: 1, Node: "server", Wire: "wan", Addrs: []netip.Addr{server}}
	return &wire{Trace: New(time.Unix(0, 0), []*Point{c, s}, nil), c: c, s: s}
}

// Sequence numbers begin close to where they wrap.
const isnC, isnS = 1<<32 - 10, 5000

// step is a segment from one side; numbers are relative.
type step struct {
	at       time.Duration // since the one before
	from     byte          // 'c' or 's'
	flags    packet.TCPFlags
	seq, ack uint32
	n        int32
	lost     bool
}

// send sends one segment, arriving at once unless lost.
func (w *wire) send(g step) *Packet {
	w.now += g.at
	d := packet.Packet{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: isnC + g.seq, Ack: isnS + g.ack,
		Proto: packet.ProtoTCP,
		Flags: g.flags, Window: 500, PayloadLen: g.n, WScale: -1}
	from, to := w.c, w.s
	if g.from == 's' {
		d.Src, d.Dst, d.SrcPort, d.DstPort, d.Seq, d.Ack = server, client, 80, 40000, isnS+g.seq, isnC+g.ack
		from, to = w.s, w.c
	}
	if !g.flags.Has(packet.ACK) {
		d.Ack = 0
	}
	p := w.Arrive(from, w.now, &d, nil, nil)
	if g.lost {
		p.Dropped = "a fault"
		w.Record(p, nil)
		return p
	}
	w.Record(p, nil)
	w.Record(w.Reach(&Arrival{Sent: p, Point: to, At: w.now}), nil)
	return p
}

const (
	ms  = time.Millisecond
	fS  = packet.SYN
	fSA = packet.SYN | packet.ACK
	fA  = packet.ACK
	fPA = packet.PSH | packet.ACK
	fFA = packet.FIN | packet.ACK
)

var handshake = []step{{0, 'c', fS, 0, 0, 0, false}, {ms, 's', fSA, 0, 1, 0, false}, {ms, 'c', fA, 1, 1, 0, false}}

func TestClass(t *testing.T) {
	tests := []struct {
		name string
		segs []step
		last sender.Class
		sent int32
	}{
		{"new data", []step{{ms, 'c', fPA, 1, 1, 100, false}}, sender.Data, 0},
		{"pure ack", []step{{ms, 'c', fPA, 1, 1, 100, false}, {ms, 's', fA, 1, 101, 0, false}}, sender.PureAck, 0},
		{"fin is neither", []step{{ms, 'c', fFA, 1, 1, 0, false}}, 0, 0},
		{"timeout", []step{{ms, 'c', fPA, 1, 1, 100, true}, {210 * ms, 'c', fPA, 1, 1, 100, false}},
			sender.Rexmit | sender.RTO, 1},
		{"second timeout", []step{{ms, 'c', fPA, 1, 1, 100, true}, {210 * ms, 'c', fPA, 1, 1, 100, true},
			{420 * ms, 'c', fPA, 1, 1, 100, false}}, sender.Rexmit | sender.RTO, 2},
		{"syn again", nil, sender.Rexmit | sender.RTO, 1},
		{"fast, by duplicate acks",
			[]step{{ms, 'c', fA, 1, 1, 100, true}, {0, 'c', fA, 101, 1, 100, false}, {0, 'c', fA, 201, 1, 100, false},
				{ms, 's', fA, 1, 1, 0, false}, {0, 's', fA, 1, 1, 0, false}, {ms, 'c', fA, 1, 1, 100, false}},
			sender.Rexmit | sender.Fast | sender.RACK, 1},
		{"probe of the tail", []step{{ms, 'c', fA, 1, 1, 100, false}, {0, 'c', fPA, 101, 1, 100, true},
			{10 * ms, 'c', fPA, 101, 1, 100, false}}, sender.Rexmit | sender.TLP, 1},
		{"a smaller piece of what was sent", []step{{ms, 'c', fA, 1, 1, 1448, true},
			{210 * ms, 'c', fA, 1, 1, 1024, false}}, sender.Rexmit | sender.RTO, 1},
		{"keep-alive", []step{{ms, 'c', fPA, 1, 1, 100, false}, {ms, 's', fA, 1, 101, 0, false},
			{time.Second, 'c', fA, 100, 1, 0, false}}, sender.KeepAlive, 0},
		{"rst is none", []step{{ms, 'c', packet.RST | packet.ACK, 1, 1, 0, false}}, 0, 0},
		{"after an answer the timer is not what resends",
			[]step{{ms, 'c', fA, 1, 1, 100, true}, {0, 'c', fA, 101, 1, 100, true},
				{210 * ms, 'c', fA, 1, 1, 100, false}, {ms, 's', fA, 1, 101, 0, false},
				{0, 'c', fA, 101, 1, 100, false}}, sender.Rexmit | sender.Recovery, 1},
		{"one byte, not yet acknowledged, is no keep-alive",
			[]step{{ms, 'c', fPA, 1, 1, 100, false}, {ms, 's', fA, 1, 101, 0, false},
				{ms, 'c', fPA, 101, 1, 1, true}, {210 * ms, 'c', fPA, 101, 1, 1, false}}, sender.Rexmit | sender.RTO,
			1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire()
			for _, g := range handshake {
				w.send(g)
			}
			segs := tt.segs
			if segs == nil {
				w = newWire()
				segs = []step{{0, 'c', fS, 0, 0, 0, true}, {time.Second, 'c', fS, 0, 0, 0, false}}
			}
			var last *Packet
			for _, g := range segs {
				last = w.send(g)
			}
			if last.AtPoint.Class != tt.last || last.AtPoint.Resent != tt.sent {
				t.Errorf("class %b sent before %d, want %b %d: %s", last.AtPoint.Class, last.AtPoint.Resent, tt.last,
					tt.sent, last.Flags)
			}
		})
	}
}

func TestRelative(t *testing.T) {
	w := newWire()
	for _, g := range handshake {
		w.send(g)
	}
	p := w.send(step{ms, 'c', fPA, 1, 1, 50, false}) // crosses the wrap
	if p.RelSeq != 1 || p.RelAck != 1 || p.End() != 51 || p.Side != 0 {
		t.Errorf("got %+v", p.Segment)
	}
	q := w.send(step{ms, 's', fPA, 1, 51, 10, false})
	if q.RelSeq != 1 || q.RelAck != 51 || q.Side == 0 || q.Conn != p.Conn {
		t.Errorf("got %+v", q.Segment)
	}
}

func TestMidStream(t *testing.T) {
	w := newWire()
	p := w.send(step{0, 's', fPA, 700, 40, 10, false})
	if p.RelSeq != 1 || p.RelAck != 1 {
		t.Errorf("the first segment seen counts from 1: got %d, ack %d", p.RelSeq, p.RelAck)
	}
}

func TestPortsAgain(t *testing.T) {
	w := newWire()
	first := w.send(handshake[0])
	again := w.send(step{time.Second, 'c', fS, 0, 0, 0, false})
	other := w.send(step{time.Second, 'c', fS, 99, 0, 0, false})
	if again.Conn != first.Conn {
		t.Error("a SYN sent again is another connection")
	}
	if other.Conn == first.Conn || other.RelSeq != 0 {
		t.Errorf("a SYN with another number is the same connection, or seq %d", other.RelSeq)
	}
}

func TestRecordsBothEnds(t *testing.T) {
	w := newWire()
	w.send(handshake[0])
	w.send(step{ms, 'c', fS, 0, 0, 0, true})
	ps := w.Packets()
	var got []string
	for _, p := range ps {
		got = append(got, p.Point.Name()+map[Dir]string{Out: " out ", In: " in "}[p.Dir]+p.Dropped)
	}
	if want := "client/wan out |server/wan in |client/wan out a fault"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
	if got := len(w.All().At("server").Packets()); got != 1 {
		t.Errorf("at the server: %d packets, want 1", got)
	}
	for i, p := range ps {
		if p.N != i+1 {
			t.Errorf("frame %d has number %d", i+1, p.N)
		}
	}
}

func TestTruncated(t *testing.T) {
	w := newWire()
	w.packets = make([]*Packet, Limit)
	w.send(handshake[0])
	if !w.Truncated() || len(w.Packets()) != Limit {
		t.Errorf("truncated %t, %d packets", w.Truncated(), len(w.Packets()))
	}
}
