//go:build linux

package tracked

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// A gateway translates the source of a client that has 192.0.2.1:4000 to its own.
var (
	client, gateway = netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("203.0.113.1:5000")
	server          = netip.MustParseAddrPort("198.51.100.2:80")
	orig            = tracking.Tuple{Proto: packet.ProtoTCP, Src: client, Dst: server}
	reply           = tracking.Tuple{Proto: packet.ProtoTCP, Src: server, Dst: gateway}
	began           = time.Unix(1700000000, 0)
)

const (
	says = "192.0.2.1:4000 > 198.51.100.2:80, answers 198.51.100.2:80 > 203.0.113.1:5000"
	syn  = packet.SYN
	ack  = packet.ACK
	fin  = packet.FIN | packet.ACK
	rst  = packet.RST
)

// numbers are those that both sides have reached, by whether they answer.
var numbers = map[bool]uint32{false: 1000, true: 1 << 31}

// crossing is a packet that the gateway forwards: it arrives and leaves.
type crossing struct {
	at     time.Duration
	answer bool
	flags  packet.TCPFlags
	want   string
}

// forwarded are the records of packets that cross the gateway.
func forwarded(all []crossing) (out []*trace.Packet) {
	point := &trace.Point{Node: "gateway"}
	for _, c := range all {
		for _, dir := range []trace.Dir{trace.In, trace.Out} {
			t := orig
			switch {
			case c.answer && dir == trace.In:
				t = reply
			case c.answer:
				t = orig.Reversed()
			case dir == trace.Out:
				t = reply.Reversed()
			}
			out = append(out, &trace.Packet{N: len(out) + 1, Time: c.at, Point: point, Dir: dir,
				Segment: &trace.Segment{Packet: packet.Packet{Proto: t.Proto, Src: t.Src.Addr(), Dst: t.Dst.Addr(),
					SrcPort: t.Src.Port(), DstPort: t.Dst.Port(), Flags: c.flags, WScale: -1, Window: 1000,
					Seq: numbers[c.answer], Ack: numbers[!c.answer]}}})
			if last := out[len(out)-1]; c.flags == rst && !c.answer {
				last.Seq += 1 << 20
			}
		}
	}
	return out
}

// arrived is the frame in which a packet that is forwarded was first seen, alone that of
// packets which are seen once.
func arrived(frame int) int { return frame - (frame-1)%2 }
func alone(frame int) int   { return frame }

func event(kind tracking.Kind, id uint32, state string, status uint32) tracking.Event {
	return tracking.Event{Kind: kind, ID: id, Orig: orig, Reply: reply, State: state, Status: status}
}

func at(e tracking.Event, start, stop time.Duration) tracking.Event {
	e.Start = began.Add(start)
	if stop > 0 {
		e.Stop = began.Add(stop)
	}
	return e
}

func zoned(e tracking.Event) tracking.Event {
	e.Zone = 7
	return e
}

const ms = time.Millisecond

func TestStates(t *testing.T) {
	const seen, assured = tracking.SeenReply, tracking.SeenReply | tracking.Assured
	open := []tracking.Event{
		at(event(tracking.New, 1, "SYN_SENT", 0), 11*ms, 0), event(tracking.Update, 1, "SYN_RECV", seen),
		event(tracking.Update, 1, "ESTABLISHED", assured),
	}
	opened := []crossing{
		{0, false, syn, ""}, // it was dropped on its way, and tracked by the next
		{10 * ms, false, syn, "SYN_SENT [UNREPLIED] " + says},
		{20 * ms, true, syn | ack, "SYN_RECV " + says},
		{30 * ms, false, ack, "ESTABLISHED [ASSURED] " + says},
	}
	for _, tt := range []struct {
		name    string
		events  []tracking.Event
		packets []crossing
	}{
		{"none", nil, []crossing{{0, false, syn, ""}}},
		{"opened", open, opened},
		{"closed", append(slices.Clone(open), event(tracking.Update, 1, "FIN_WAIT", assured),
			event(tracking.Update, 1, "CLOSE_WAIT", assured), event(tracking.Update, 1, "LAST_ACK", assured),
			event(tracking.Update, 1, "TIME_WAIT", assured)),
			append(slices.Clone(opened),
				crossing{40 * ms, true, fin, "FIN_WAIT [ASSURED] " + says},
				crossing{41 * ms, false, ack, "CLOSE_WAIT [ASSURED] " + says},
				crossing{42 * ms, true, ack, "CLOSE_WAIT [ASSURED] " + says},
				crossing{50 * ms, false, fin, "LAST_ACK [ASSURED] " + says},
				crossing{60 * ms, true, ack, "TIME_WAIT [ASSURED] " + says})},
		{"only the status", append(slices.Clone(open[:1]), event(tracking.Update, 1, "", seen)),
			[]crossing{opened[1], {20 * ms, true, ack, "SYN_SENT " + says}}},
		// The second is taken up in its middle, by a packet that nobody knows.
		{"forgotten", append(slices.Clone(open), at(event(tracking.Destroy, 1, "ESTABLISHED", assured), 11*ms, 100*ms),
			at(event(tracking.New, 2, "ESTABLISHED", 0), 221*ms, 0)),
			append(slices.Clone(opened),
				crossing{90 * ms, true, ack, "ESTABLISHED [ASSURED] " + says},
				crossing{150 * ms, true, ack, "none: forgotten 0.050s before"},
				crossing{220 * ms, false, ack, "ESTABLISHED [UNREPLIED] " + says})},
		// A reset that nobody waits for is invalid, the one after it is not.
		{"forged", append(slices.Clone(open), event(tracking.Update, 1, "CLOSE", assured)),
			append(slices.Clone(opened), crossing{40 * ms, false, rst, "ESTABLISHED [ASSURED] " + says},
				crossing{50 * ms, true, rst, "CLOSE [ASSURED] " + says})},
		{"at once from both sides", []tracking.Event{open[0], event(tracking.Update, 1, "SYN_SENT2", seen),
			event(tracking.Update, 1, "SYN_RECV", seen)},
			[]crossing{opened[1], {20 * ms, true, syn, "SYN_SENT2 " + says}, {30 * ms, false, syn | ack, "SYN_RECV " + says}}},
		{"zones", []tracking.Event{open[0], zoned(event(tracking.New, 2, "SYN_SENT", 0))}, []crossing{{0, false, syn, ""}}},
		{"reset", append(slices.Clone(open), event(tracking.Update, 1, "CLOSE", assured)),
			append(slices.Clone(opened), crossing{40 * ms, true, rst, "CLOSE [ASSURED] " + says})},
		// The kernel does not say when: what may have been forgotten has no state.
		{"no times", append(slices.Clone(open[1:]), event(tracking.Destroy, 1, "", 0)), []crossing{{0, false, ack, ""}}},
		{"no time of its end", append(slices.Clone(open), event(tracking.Destroy, 1, "", 0)),
			append(slices.Clone(opened[:3]), crossing{30 * ms, false, ack, ""}, crossing{90 * ms, true, ack, ""})},
	} {
		packets := forwarded(tt.packets)
		got := States(packets, arrived, began, "gateway", tt.events)
		for i, c := range tt.packets {
			for n := 2*i + 1; n <= 2*i+2; n++ { // as it came, and as it left
				if got[n] != c.want {
					t.Errorf("%s: packet %d: %q, want %q", tt.name, n, got[n], c.want)
				}
			}
		}
		if other := States(packets, arrived, began, "client", tt.events); len(other) > 0 {
			t.Errorf("%s: another node has %v", tt.name, other)
		}
	}
}

// TestOwn has a node that tracks what it sends itself: packets leave, and answers arrive.
func TestOwn(t *testing.T) {
	udp := tracking.Tuple{Proto: packet.ProtoUDP, Src: client, Dst: server}
	e := tracking.Event{ID: 1, Orig: udp, Reply: udp.Reversed(), Start: began.Add(9 * ms)}
	answered := e
	answered.Kind, answered.Status = tracking.Update, tracking.SeenReply
	point := &trace.Point{Node: "client"}
	record := func(n int, at time.Duration, dir trace.Dir, t tracking.Tuple) *trace.Packet {
		return &trace.Packet{N: n, Time: at, Point: point, Dir: dir, Segment: &trace.Segment{Packet: packet.Packet{
			Proto: t.Proto, Src: t.Src.Addr(), Dst: t.Dst.Addr(), SrcPort: t.Src.Port(), DstPort: t.Dst.Port()}}}
	}
	got := States([]*trace.Packet{record(1, 10*ms, trace.Out, udp), record(2, 20*ms, trace.Out, udp),
		record(3, 30*ms, trace.In, udp.Reversed())}, alone, began, "client", []tracking.Event{e, answered})
	for n, unreplied := range map[int]bool{1: true, 2: true, 3: false} {
		if got[n] == "" || strings.Contains(got[n], "[UNREPLIED]") != unreplied {
			t.Errorf("packet %d: %q", n, got[n])
		}
	}
}

// TestUntranslated has a packet leave as it came: connection tracking called it invalid.
func TestUntranslated(t *testing.T) {
	packets := forwarded([]crossing{{at: 0, flags: syn}, {at: 10 * ms, flags: ack}})
	packets[3].Segment = packets[2].Segment
	e := at(event(tracking.New, 1, "SYN_SENT", 0), ms, 0)
	got := States(packets, arrived, began, "gateway", []tracking.Event{e})
	for n, want := range []string{"SYN_SENT", "SYN_SENT", "not translated:", "not translated:"} {
		if !strings.HasPrefix(got[n+1], want) {
			t.Errorf("packet %d: %q, want %s", n+1, got[n+1], want)
		}
	}
}

// TestBatch has the first of several datagrams that come at once taken up, and a stream of
// UDP assured only once it is old.
func TestBatch(t *testing.T) {
	udp := tracking.Tuple{Proto: packet.ProtoUDP, Src: client, Dst: server}
	e := tracking.Event{ID: 1, Orig: udp, Reply: udp.Reversed(), Start: began.Add(100 * time.Microsecond)}
	old := e
	old.Kind, old.Status = tracking.Update, tracking.SeenReply|tracking.Assured
	replied := e
	replied.Kind, replied.Status = tracking.Update, tracking.SeenReply
	point := &trace.Point{Node: "gateway"}
	var packets []*trace.Packet
	for i, at := range []time.Duration{0, 10 * time.Microsecond, 20 * time.Microsecond, ms, 1900 * ms, 2500 * ms} {
		x := udp
		if i >= 3 {
			x = udp.Reversed()
		}
		packets = append(packets, &trace.Packet{N: i + 1, Time: at, Point: point, Dir: trace.In,
			Segment: &trace.Segment{Packet: packet.Packet{Proto: x.Proto, Src: x.Src.Addr(), Dst: x.Dst.Addr(),
				SrcPort: x.Src.Port(), DstPort: x.Dst.Port()}}})
	}
	got := States(packets, alone, began, "gateway", []tracking.Event{e, replied, old})
	for n, want := range []string{"[UNREPLIED]", "[UNREPLIED]", "[UNREPLIED]", "192.0.2.1", "192.0.2.1", "[ASSURED]"} {
		if !strings.HasPrefix(got[n+1], want) {
			t.Errorf("packet %d: %q, want %s", n+1, got[n+1], want)
		}
	}
}
