package trace

import (
	"fmt"
	"strings"

	"netrepro/engine/analysis"
	"netrepro/engine/packet"
)

// View is a part of a trace. It is a recipe: packets recorded later appear in
// it too.
type View struct {
	Trace  *Trace
	Label  string // how the script said it
	filter []func(*Packet) bool
}

// All is the whole trace: each packet once where it left and once where it
// arrived, on every wire it crossed.
func (t *Trace) All() *View { return &View{Trace: t, Label: "trace"} }

// Where narrows v.
func (v *View) Where(label string, keep func(*Packet) bool) *View {
	f := append(append([]func(*Packet) bool(nil), v.filter...), keep)
	return &View{Trace: v.Trace, Label: v.Label + label, filter: f}
}

// At narrows v to what a node's own devices saw.
func (v *View) At(node string) *View {
	return v.Where(":at("+node+")", func(p *Packet) bool { return p.Point.Node == node })
}

// Packets returns the packets in v now.
func (v *View) Packets() []*Packet {
	all := v.Trace.Packets()
	if len(v.filter) == 0 {
		return all
	}
	var out []*Packet
next:
	for _, p := range all {
		for _, keep := range v.filter {
			if !keep(p) {
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}

// Format writes p on one line, in the notation every message uses: frame
// number, time in seconds, who, flags, relative sequence numbers and length,
// what it was, and what became of it.
func (t *Trace) Format(p *Packet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%-4d %+.4f  %s > %s  ", p.N, p.Time.Seconds(), t.Name(p.Src), t.Name(p.Dst))
	switch {
	case p.IsTCP():
		formatTCP(&b, p)
	case p.ICMP() != nil:
		fmt.Fprintf(&b, "ICMP %s", icmpName(p))
	case p.Proto == packet.ProtoUDP:
		fmt.Fprintf(&b, "UDP %d > %d len %d", p.SrcPort, p.DstPort, p.PayloadLen)
	case p.Src.IsValid():
		fmt.Fprintf(&b, "IP protocol %d len %d", p.Proto, p.IPLen)
	default:
		fmt.Fprintf(&b, "frame of type 0x%04x, %d bytes", p.EtherType, p.Length)
	}
	if why := p.Malformed(); why != "" {
		fmt.Fprintf(&b, "  malformed: %s", why)
	}
	if p.Dropped != "" {
		fmt.Fprintf(&b, "  dropped: %s", p.Dropped)
	}
	return b.String()
}

func formatTCP(b *strings.Builder, p *Packet) {
	fmt.Fprintf(b, "%-3s", p.Flags)
	if p.PayloadLen > 0 || p.Flags.Any(packet.SYN|packet.FIN|packet.RST) {
		fmt.Fprintf(b, " %d:%d(%d)", p.RelSeq, p.RelSeq+uint32(p.PayloadLen), p.PayloadLen)
	}
	if p.Flags.Has(packet.ACK) {
		fmt.Fprintf(b, " ack %d", p.RelAck)
	}
	for _, s := range p.SACK() {
		base := p.Ack - p.RelAck
		fmt.Fprintf(b, " sack %d:%d", s.Left-base, s.Right-base)
	}
	switch {
	case p.Is(analysis.RTO):
		fmt.Fprintf(b, "  rexmit %d (rto)", p.Resent)
	case p.Is(analysis.Fast):
		fmt.Fprintf(b, "  rexmit %d (fast)", p.Resent)
	case p.Is(analysis.Rexmit):
		fmt.Fprintf(b, "  rexmit %d", p.Resent)
	case p.Is(analysis.Probe):
		b.WriteString("  keep-alive")
	}
}

func icmpName(p *Packet) string {
	m := p.ICMP()
	best := fmt.Sprintf("type %d code %d", m.Type, m.Code)
	if p.Proto == packet.ProtoICMP {
		for name, tc := range ICMPNames {
			// The name with a code of its own is the most exact.
			if tc[0] == int(m.Type) && (tc[1] == int(m.Code) || tc[1] < 0 && strings.HasPrefix(best, "type")) {
				best = name
			}
		}
	}
	if m.MTU > 0 {
		best += fmt.Sprintf(" mtu %d", m.MTU)
	}
	return best
}
