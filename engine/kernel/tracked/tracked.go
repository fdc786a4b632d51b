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
	lines [2]map[tracking.Tuple]*line
	came  map[tracking.Tuple]bool // what arrives at the node, by tuple
	said  map[int]string          // by frame number
	// arrived is the frame in which a packet arrived at the node, by the frame in which it
	// was first seen anywhere, with the tuple that it had.
	arrived map[int]arrival
}

type arrival struct {
	frame int
	tuple tracking.Tuple
	flow  *flow
}

// States says of each packet of a node that is tracked what state its connection was in
// once it had come, by frame number. first is the frame in which the packet of a frame was
// first seen anywhere, start the start of the trace.
func States(packets []*trace.Packet, first func(frame int) int, start time.Time, node string,
	events []tracking.Event,
) map[int]string {
	t := &teller{start: start, lines: linesOf(events), came: map[tracking.Tuple]bool{}, said: map[int]string{},
		arrived: map[int]arrival{}}
	if len(t.lines[trace.In]) == 0 {
		return nil
	}
	var own []*trace.Packet
	for _, p := range packets {
		if p.Point == nil || p.Point.Node != node || p.Dir == trace.In && p.Dropped != "" {
			continue
		}
		own = append(own, p)
		if p.Dir == trace.In {
			t.came[tupleOf(p)] = true
		}
	}
	for _, p := range own {
		if l := t.lines[p.Dir][tupleOf(p)]; l != nil {
			l.begin(p, t.start.Add(p.Time), t.came)
		}
	}
	for _, p := range own {
		t.tell(p, first(p.N))
	}
	return t.said
}

// tell says what there is to say of a packet. What is forwarded was told as it came.
func (t *teller) tell(p *trace.Packet, first int) {
	tuple := tupleOf(p)
	if a, forwarded := t.arrived[first]; forwarded && p.Dir == trace.Out {
		if a.flow != nil && a.flow.translates() && tuple == a.tuple {
			t.said[a.frame] = "invalid: passed on without being translated"
		}
		if text := t.said[a.frame]; text != "" {
			t.said[p.N] = text
		}
		return
	}
	a := arrival{frame: p.N, tuple: tuple}
	if l := t.lines[p.Dir][tuple]; l != nil && !l.mixed {
		x := l.current(p)
		if text := x.flow.pass(p, x.direction, t.start.Add(p.Time)); text != "" {
			t.said[p.N], a.flow = text, x.flow
		}
	}
	if p.Dir == trace.In {
		t.arrived[first] = a
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

// own reports whether what a flow sends in a direction is the node's own: it does not
// arrive there.
func own(f *flow, direction int, came map[tracking.Tuple]bool) bool {
	return !came[[2]tracking.Tuple{f.events[0].Orig, f.events[0].Reply}[direction]]
}

// known reports whether the flags of a packet are those that tell states apart.
func known(p *trace.Packet) packet.TCPFlags {
	return p.Flags & (packet.SYN | packet.FIN | packet.RST | packet.ACK)
}
