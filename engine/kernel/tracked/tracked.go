//go:build linux

// Package tracked says of packets what state the connection tracking of their node had
// their connection in.
//
// Connection tracking tells what it did and not for which packet: the flags, the numbers
// and the direction of a packet tell that (tcp_conntracks of
// net/netfilter/nf_conntrack_proto_tcp.c). Where they do not, nothing is said.
//
// Invariant: it depends on the packets and on what connection tracking did, not on when
// anybody read that.
package tracked

import (
	"net/netip"
	"time"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// teller finds out what is said of the packets of a node.
type teller struct {
	start time.Time // of the trace
	flows []*flow
	lines [2]map[tracking.Tuple]*line
	came  map[tracking.Tuple]bool // what arrives at the node, by tuple
	said  map[int]string          // by frame number
	left  map[int][]int           // the frames in which what arrived in a frame leaves
	// arrived are the packets that arrived at the node, by the frame in which they were first
	// seen anywhere, until they leave it.
	arrived map[int][]arrival
}

type arrival struct {
	frame int
	tuple tracking.Tuple
	flow  *flow // nil if the node has it not, or not any more
}

// States says of each packet of a node that is tracked what state its connection was in
// once it had come, by frame number. first is the frame in which the packet of a frame was
// first seen anywhere, start the start of the trace.
func States(packets []*trace.Packet, first func(frame int) int, start time.Time, node string,
	events []tracking.Event,
) map[int]string {
	var own []*trace.Packet
	for _, p := range packets {
		if p.Point != nil && p.Point.Node == node && (p.Dir == trace.Out || p.Dropped == "") {
			own = append(own, p)
		}
	}
	t := tellAll(own, first, start, events, nil)
	lenient := map[int]bool{}
	for _, f := range t.flows {
		if f.pending() {
			lenient[f.number] = true
		}
	}
	if len(lenient) == 0 {
		return t.said
	}
	// The node may take numbers that are not expected.
	t = tellAll(own, first, start, events, lenient)
	for _, f := range t.flows {
		for _, frame := range f.doubtful() {
			t.unsay(frame)
		}
	}
	return t.said
}

// tellAll says what there is to say of the packets of a node. The flows that are lenient, by
// number, have their state changed by segments with any numbers.
func tellAll(own []*trace.Packet, first func(frame int) int, start time.Time, events []tracking.Event,
	lenient map[int]bool,
) *teller {
	t := &teller{start: start, came: map[tracking.Tuple]bool{}, said: map[int]string{}, left: map[int][]int{},
		arrived: map[int][]arrival{}}
	t.flows, t.lines = linesOf(events)
	for _, f := range t.flows {
		f.lenient = lenient[f.number]
	}
	if len(t.flows) == 0 {
		return t
	}
	for _, p := range own {
		if p.Dir == trace.In {
			t.came[tupleOf(p)] = true
		}
	}
	for _, p := range own {
		if l := t.lines[p.Dir][tupleOf(p)]; l != nil {
			l.begin(p, start.Add(p.Time), t.came)
		}
	}
	for _, p := range own {
		t.tell(p, first(p.N))
	}
	return t
}

// tell says what there is to say of a packet. What is forwarded was told as it came.
func (t *teller) tell(p *trace.Packet, first int) {
	tuple := tupleOf(p)
	if came := t.arrived[first]; p.Dir == trace.Out && len(came) > 0 {
		t.leaves(p, tuple, came[0])
		if len(came) > 1 { // copies leave in the order in which they came
			t.arrived[first] = came[1:]
		}
		return
	}
	a := arrival{frame: p.N, tuple: tuple}
	if l := t.lines[p.Dir][tuple]; l != nil && !l.mixed {
		x := l.current(p)
		now := t.start.Add(p.Time)
		if text := x.flow.pass(p, x.direction, now); text != "" {
			t.said[p.N] = text
			if gone := x.flow.gone(); gone.IsZero() || !now.After(gone) {
				a.flow = x.flow
			}
		}
	}
	if p.Dir == trace.In {
		t.arrived[first] = append(t.arrived[first], a)
	}
}

// leaves says of a packet that leaves what was said as it came, and of one that leaves as it
// came, though the node translates its connection, that it does not.
func (t *teller) leaves(p *trace.Packet, tuple tracking.Tuple, came arrival) {
	if came.flow != nil && came.flow.translates() && tuple == came.tuple {
		t.said[came.frame] = "not translated: passed on as it came"
	}
	if text := t.said[came.frame]; text != "" {
		t.said[p.N] = text
		t.left[came.frame] = append(t.left[came.frame], p.N)
	}
}

// unsay takes back what was said of a frame, as it came and as it left.
func (t *teller) unsay(frame int) {
	delete(t.said, frame)
	for _, n := range t.left[frame] {
		delete(t.said, n)
	}
}

// tupleOf is the tuple of a packet as it is in the frame.
func tupleOf(p *trace.Packet) tracking.Tuple {
	t := tracking.Tuple{Proto: p.Proto, Src: netip.AddrPortFrom(p.Src, p.SrcPort),
		Dst: netip.AddrPortFrom(p.Dst, p.DstPort)}
	if m := p.ICMP(); m != nil {
		t.Src, t.Dst = netip.AddrPortFrom(p.Src, m.EchoKey.ID), netip.AddrPortFrom(p.Dst, m.EchoKey.ID)
	}
	return t
}

// known are the flags of a packet that tell states apart.
func known(p *trace.Packet) packet.TCPFlags {
	return p.Flags & (packet.SYN | packet.FIN | packet.RST | packet.ACK)
}
