package match

import (
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/trace"
)

// Quick is the part of a match that a few comparisons decide: what it turns away
// the match does not mean. A wire asks it first, so that many faults cost a frame
// that none of them is about next to nothing.
type Quick struct {
	protos       uint8 // bits of protocol classes, 0 for any
	mask, want   packet.TCPFlags
	class        sender.Class // bits that are set
	sport, dport uint16
	least, most  int32 // payload
	ttl          [2]uint8
}

// Protocol classes.
const (
	isTCP = 1 << iota
	isUDP
	isICMPAny
	isOther
)

// protoBits are the classes by the names of protocols.
var protoBits = map[string]uint8{"TCP": isTCP, "UDP": isUDP, "ICMP": isICMPAny}

// Summary is what of a packet [Quick] looks at.
type Summary struct {
	proto        uint8
	flags        packet.TCPFlags
	ttl          uint8
	class        sender.Class
	sport, dport uint16
	payload      int32
}

// SummaryOf makes the summary of a packet that passes a wire.
func SummaryOf(p *trace.Packet) Summary {
	s := Summary{proto: isOther, flags: p.Flags, ttl: p.TTL, class: p.AtPoint.Class, sport: p.SrcPort, dport: p.DstPort,
		payload: p.PayloadLen}
	switch {
	case p.IsTCP():
		s.proto = isTCP
	case p.Proto == packet.ProtoUDP:
		s.proto = isUDP
	case p.Proto == packet.ProtoICMP || p.Proto == packet.ProtoICMPv6:
		s.proto = isICMPAny
	}
	return s
}

// May reports whether the match may mean a packet with this summary.
func (q *Quick) May(s *Summary) bool {
	return (q.protos == 0 || q.protos&s.proto != 0) && s.flags&q.mask == q.want && s.class&q.class == q.class &&
		(q.dport == 0 || q.dport == s.dport) && (q.sport == 0 || q.sport == s.sport) &&
		s.payload >= q.least && s.payload <= q.most && s.ttl >= q.ttl[0] && s.ttl <= q.ttl[1]
}

// flags adds that of the flags in mask these are set. Where two terms ask for more
// than a packet can have, each still turns away what it does not mean.
func (q *Quick) flags(mask, want packet.TCPFlags) {
	if both := q.mask & mask; q.want&both == want&both {
		q.mask, q.want = q.mask|mask, q.want|want
	}
}

// most is more payload than any packet has.
const most = 1<<31 - 1

// Quick is the quick part of m.
func (m *Match) Quick() Quick {
	q := Quick{most: most, ttl: [2]uint8{0, 255}}
	for _, t := range m.terms {
		if b := protoBits[t.Key.Proto]; b != 0 {
			q.protos = b
		}
		if t.Key.quick != nil {
			t.Key.quick(t.Value, &q)
		}
	}
	return q
}

func quickLen(v any, q *Quick) {
	r := v.(value.Range)
	q.least = max(q.least, int32(min(r.Min, most)))
	if r.Max >= 0 {
		q.most = int32(min(r.Max, most))
	}
}

func quickPayload(_ any, q *Quick) { q.least = max(q.least, 1) }

func quickField(v any, q *Quick) {
	switch f := v.(value.Field); {
	case f.Of.Name == "ttl":
		q.ttl[0] = uint8(min(f.Range.Min, 255))
		if f.Range.Max >= 0 {
			q.ttl[1] = uint8(min(f.Range.Max, 255))
		}
	case f.Of.Layer == field.TCP && !f.Absent && (f.Of.Name == "mss" || f.Of.Name == "wscale"):
		q.flags(packet.SYN, packet.SYN) // only handshakes have these options
	}
}
