package trace

import (
	"netrepro/engine/forge"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// Quick is the part of a match that a few comparisons decide: what it turns away
// the match does not mean. A wire asks it first, for many faults cost a frame
// that none of them is about next to nothing.
type Quick struct {
	protos       uint8 // bits of protocol classes, 0 for any
	mask, want   packet.TCPFlags
	class        tcp.Class // bits that are set
	sport, dport uint16
	least, most  int32 // payload
	ttl          [2]uint8
}

// Protocol classes.
const (
	isTCP = 1 << iota
	isUDP
	isICMP
	isOther
)

// Key is what of a packet [Quick] looks at.
type Key struct {
	proto        uint8
	flags        packet.TCPFlags
	ttl          uint8
	class        tcp.Class
	sport, dport uint16
	payload      int32
}

// Key makes the key of p.
func (p *Packet) Key() Key {
	k := Key{proto: isOther, flags: p.Flags, ttl: p.TTL, class: p.AtPoint.Class, sport: p.SrcPort, dport: p.DstPort, payload: p.PayloadLen}
	switch {
	case p.IsTCP():
		k.proto = isTCP
	case p.Proto == packet.ProtoUDP:
		k.proto = isUDP
	case p.Proto == packet.ProtoICMP || p.Proto == packet.ProtoICMPv6:
		k.proto = isICMP
	}
	return k
}

// May reports whether the match may mean a packet with this key.
func (q *Quick) May(k *Key) bool {
	return (q.protos == 0 || q.protos&k.proto != 0) && k.flags&q.mask == q.want && k.class&q.class == q.class &&
		(q.dport == 0 || q.dport == k.dport) && (q.sport == 0 || q.sport == k.sport) &&
		k.payload >= q.least && k.payload <= q.most && k.ttl >= q.ttl[0] && k.ttl <= q.ttl[1]
}

// kindFlags are the flags of kinds that flags decide: those looked at, and those
// of them that are set.
var kindFlags = map[Kind][2]packet.TCPFlags{
	KindSYN: {packet.SYN | packet.ACK, packet.SYN}, KindSYNACK: {packet.SYN | packet.ACK, packet.SYN | packet.ACK},
	KindFIN: {packet.FIN, packet.FIN}, KindRST: {packet.RST, packet.RST},
}

// kindClass are the classes of kinds that they decide.
var kindClass = map[Kind]tcp.Class{
	KindData: tcp.Data, KindAck: tcp.PureAck, KindRexmit: tcp.Rexmit, KindRTO: tcp.RTO, KindFast: tcp.Fast,
	KindTLP: tcp.TLP, KindRACK: tcp.RACK, KindRecovery: tcp.Recovery, KindKeepAlive: tcp.Probe, KindWindowProbe: tcp.WindowProbe,
}

// Quick is the quick part of m.
func (m *Match) Quick() Quick {
	const most = 1<<31 - 1
	q := Quick{sport: uint16(m.SPort), dport: uint16(m.DPort), most: most, ttl: [2]uint8{0, 255}}
	switch {
	case m.tcpOnly():
		q.protos = isTCP
	case m.UDP:
		q.protos = isUDP
	case m.ICMP != "":
		q.protos = isICMP
	}
	if f, ok := kindFlags[m.TCP]; ok {
		q.mask, q.want = f[0], f[1]
	}
	q.class = kindClass[m.TCP]
	if f, ok := packet.ParseFlags(m.Flags); ok && m.Flags != "" {
		q.mask, q.want = 0xff, f
	}
	if m.Len != nil {
		q.least = int32(min(m.Len.Min, most))
		if m.Len.Max >= 0 {
			q.most = int32(min(m.Len.Max, most))
		}
	}
	if m.Payload != "" || m.TLS != "" || m.HTTP != "" || m.TCP == KindAny {
		q.least = max(q.least, 1)
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		switch f.Field.Layer {
		case forge.TCP:
			q.protos = isTCP
		case forge.UDP:
			q.protos = isUDP
		case forge.ICMP:
			q.protos = isICMP
		}
		if f.Field.Name == "ttl" {
			q.ttl[0] = uint8(min(f.Range.Min, 255))
			if f.Range.Max >= 0 {
				q.ttl[1] = uint8(min(f.Range.Max, 255))
			}
		}
		// Of the options that only handshakes have.
		if name := f.Field.Name; !f.Absent && (name == "mss" || name == "wscale") {
			q.mask |= packet.SYN
			q.want |= packet.SYN
		}
	}
	return q
}
