package view

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/sanitize"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Ladder is a part of a capture ready to be drawn: who stands where, and what
// passed between them. It is plain data, so that a page or a plot can be drawn
// from it as well as text.
type Ladder struct {
	Title string
	// Columns are the hosts, from left to right: the nodes that packets pass
	// where several capture points are known, else the two ends.
	Columns []string
	// Folded are the columns that stand for nodes which nobody asked for.
	Folded []int
	Rows   []Row
}

// Row is one packet on its way.
type Row struct {
	// Frames are the frame numbers of the packet, at each capture point that
	// saw it.
	Frames []int
	Time   time.Duration
	Flow   int // the connection's number, -1 for none
	// From and To are columns: where the packet was first seen and how far it
	// came.
	From, To int
	// Stopped says that it is known not to have arrived at To, Unseen that
	// nobody saw it arrive there: it may have, later or elsewhere.
	Stopped, Unseen bool
	Label           string // flags, numbers and length
	Marks           []Mark
}

// Mark is something that is remarkable about a packet.
type Mark struct {
	Kind string // one of the kinds below
	Text string
}

// Kinds of mark.
const (
	MarkSent    = "sent"    // why it was sent again
	MarkFlag    = "flag"    // Wireshark's flags
	MarkDropped = "dropped" // what dropped it
	MarkFault   = "fault"   // what else a fault did to it
	MarkReset   = "reset"   // the verdict on a reset
	MarkApp     = "app"     // TLS and HTTP
	MarkNote    = "note"
	MarkSign    = "sign" // what speaks for a verdict
	MarkRemark  = "remark"
)

// Names gives names to addresses.
type Names map[netip.Addr]string

func (n Names) host(a netip.Addr) string {
	if s, ok := n[a]; ok {
		return s
	}
	return a.String()
}

// End is the name of an end of a connection.
func (n Names) End(e netip.AddrPort) string {
	if s, ok := n[e.Addr()]; ok {
		return fmt.Sprintf("%s:%d", s, e.Port())
	}
	return e.String()
}

// Line writes r on one line, without a ladder around it: frame number, time in
// seconds, who, flags, relative numbers and length, and what is remarkable.
func Line(r *tcp.Record, n Names) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%-4d %+.4f  %s > %s  %s", r.N, r.Time.Seconds(), n.host(r.Packet.Src), n.host(r.Packet.Dst),
		label(r))
	for _, m := range marks(r, true) {
		if m.Kind != MarkSign {
			b.WriteString("  " + m.Text)
		}
	}
	return sanitize.Text(b.String())
}

// Remarks are what is remarkable about r beyond what its capture says, a line
// each.
func Remarks(r *tcp.Record) []string {
	var out []string
	for _, m := range marks(r, true) {
		if (m.Kind != MarkDropped || strings.HasPrefix(m.Text, "dropped by the kernel")) && m.Kind != MarkFault &&
			m.Kind != MarkApp {
			out = append(out, sanitize.Text(m.Text))
		}
	}
	return out
}

// label writes a packet's flags, numbers and length.
func label(r *tcp.Record) string {
	var b strings.Builder
	p := r.Packet
	switch {
	case r.Conn != nil:
		labelTCP(&b, r)
	case p.ICMP() != nil:
		m := p.ICMP()
		fmt.Fprintf(&b, "ICMP %s", m.Name(p.Proto))
		if q := m.Quoted; q != nil && q.Proto == packet.ProtoTCP {
			fmt.Fprintf(&b, " of %s:%d > %s:%d", q.Src, q.SrcPort, q.Dst, q.DstPort)
		}
	case p.Fragment:
		fmt.Fprintf(&b, "fragment of protocol %d", p.Proto)
	case p.Proto == packet.ProtoUDP:
		fmt.Fprintf(&b, "UDP %d > %d (%d)", p.SrcPort, p.DstPort, p.PayloadLen)
	case p.Proto == packet.ProtoTCP: // its header is cut short, or it has no ports
		fmt.Fprintf(&b, "TCP without ports (%d)", p.IPLen)
	case p.Src.IsValid():
		fmt.Fprintf(&b, "IP protocol %d (%d)", p.Proto, p.IPLen)
	default:
		fmt.Fprintf(&b, "frame of type 0x%04x (%d)", p.EtherType, p.Length)
	}
	if why := p.Malformed(); why != "" {
		fmt.Fprintf(&b, " malformed: %s", why)
	}
	return b.String()
}

func labelTCP(b *strings.Builder, r *tcp.Record) {
	p := r.Packet
	fmt.Fprintf(b, "%-2s", p.Flags)
	switch takes := p.PayloadLen > 0 || p.Flags.Any(packet.SYN|packet.FIN|packet.RST); {
	case p.Missing.Has(packet.NoSeq) && p.PayloadLen > 0:
		fmt.Fprintf(b, " (%d)", p.PayloadLen)
	case takes && !p.Missing.Has(packet.NoSeq):
		fmt.Fprintf(b, " %d:%d(%d)", r.Seq, r.Seq+uint32(p.PayloadLen), p.PayloadLen)
	}
	if p.Flags.Has(packet.ACK) && !p.Missing.Has(packet.NoAck) {
		fmt.Fprintf(b, " ack %d", r.Ack)
	}
	if p.Flags.Has(packet.SYN) {
		if p.MSS > 0 {
			fmt.Fprintf(b, " mss %d", p.MSS)
		}
		if p.WScale >= 0 {
			fmt.Fprintf(b, " wscale %d", p.WScale)
		}
	}
	for _, s := range p.SACK() {
		base := p.Ack - r.Ack
		fmt.Fprintf(b, " sack %d:%d", s.Left-base, s.Right-base)
	}
	if p.Window == 0 && !p.Flags.Any(packet.SYN|packet.RST) && !p.Missing.Has(packet.NoWindow) {
		b.WriteString(" win 0")
	}
}

// marks are what is remarkable about r. Wireshark's flags take the capture for
// that of one point, so they are left out where there are several.
func marks(r *tcp.Record, several bool) []Mark {
	var ms []Mark
	add := func(kind, format string, args ...any) { ms = append(ms, Mark{kind, fmt.Sprintf(format, args...)}) }
	switch {
	case r.Class&sender.KeepAlive != 0:
		add(MarkSent, "keep-alive")
	case r.Class&sender.WindowProbe != 0:
		add(MarkSent, "window probe")
	case r.Class&sender.Rexmit != 0:
		s := "rexmit " + fmt.Sprint(max(r.Resent, 1))
		var why []string
		if c := r.Class.Cause(); c != "" {
			why = append(why, c)
		}
		if r.Backoff > 1 {
			why = append(why, fmt.Sprintf("timeout %d in a row", r.Backoff))
		}
		switch r.Original {
		case "lost":
			why = append(why, "the one before was lost")
		case "arrived":
			why = append(why, "needless: the one before arrived")
		}
		if len(why) > 0 {
			s += " (" + strings.Join(why, ", ") + ")"
		}
		add(MarkSent, "%s", s)
	}
	if !several && r.Flags != 0 {
		add(MarkFlag, "[%s]", strings.Join(r.Flags.Names(), " "))
	}
	for _, e := range r.App {
		add(MarkApp, "%s", e)
	}
	if r.AckDelay > 0 {
		add(MarkNote, "acknowledgement delayed by %d ms", r.AckDelay.Milliseconds())
	}
	if v := r.Reset; v != nil {
		s := v.String()
		if v.Answers > 0 {
			s += fmt.Sprintf(", answers #%d", v.Answers)
		}
		add(MarkReset, "%s", s)
		for _, sign := range v.Signs {
			add(MarkSign, "%s", sign)
		}
	}
	for _, n := range r.Notes {
		add(MarkNote, "%s", n)
	}
	if r.Fault != "" {
		add(MarkFault, "fault: %s", r.Fault)
	}
	if r.Dropped != "" {
		add(MarkDropped, "dropped: %s", r.Dropped)
	}
	if r.KernelDrop != "" {
		add(MarkDropped, "dropped by the kernel: %s", r.KernelDrop)
	}
	return ms
}
