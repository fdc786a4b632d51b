package trace

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
)

// Kind names what a TCP match looks for.
type Kind string

// Kinds of TCP match. Data is new data only; Any is data, new or sent again.
const (
	KindSYN    Kind = "syn"    // SYN without ACK
	KindSYNACK Kind = "synack" // SYN with ACK
	KindData   Kind = "data"
	KindAck    Kind = "ack" // takes no sequence space
	KindFIN    Kind = "fin"
	KindRST    Kind = "rst"
	KindRexmit Kind = "rexmit"
	KindRTO    Kind = "rto"
	KindFast   Kind = "fast"
	KindAny    Kind = "any"
	// The timers and rules that resend, and what is sent to see whether the
	// other side lives.
	KindTLP         Kind = "tlp"
	KindRACK        Kind = "rack"
	KindRecovery    Kind = "recovery"
	KindKeepAlive   Kind = "keep-alive"
	KindWindowProbe Kind = "window-probe"
	KindZeroWindow  Kind = "zero-window"
)

// Kinds lists them, for messages and completion.
var Kinds = []Kind{KindSYN, KindSYNACK, KindData, KindAck, KindFIN, KindRST, KindRexmit, KindRTO, KindFast, KindAny,
	KindTLP, KindRACK, KindRecovery, KindKeepAlive, KindWindowProbe, KindZeroWindow}

func (k Kind) matches(p *Packet) bool {
	switch k {
	case KindSYN:
		return p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK)
	case KindSYNACK:
		return p.Flags.Has(packet.SYN | packet.ACK)
	case KindData:
		return p.Is(tcp.Data)
	case KindAck:
		return p.Is(tcp.PureAck)
	case KindFIN:
		return p.Flags.Has(packet.FIN)
	case KindRST:
		return p.Flags.Has(packet.RST)
	case KindRexmit:
		return p.Is(tcp.Rexmit)
	case KindRTO:
		return p.Is(tcp.RTO)
	case KindFast:
		return p.Is(tcp.Fast)
	case KindAny:
		return p.PayloadLen > 0 && !p.Is(tcp.Probe) && !p.Is(tcp.WindowProbe)
	case KindTLP:
		return p.Is(tcp.TLP)
	case KindRACK:
		return p.Is(tcp.RACK)
	case KindRecovery:
		return p.Is(tcp.Recovery)
	case KindKeepAlive:
		return p.Is(tcp.Probe)
	case KindWindowProbe:
		return p.Is(tcp.WindowProbe)
	case KindZeroWindow:
		return p.IsTCP() && p.Window == 0 && !p.Flags.Any(packet.SYN|packet.FIN|packet.RST)
	}
	return false
}

// Party is a node as a match sees it: a name and its addresses.
type Party struct {
	Name  string
	Addrs []netip.Addr
}

func (y *Party) has(a netip.Addr) bool { return slices.Contains(y.Addrs, a) }

// Ends names one connection by its two addresses, in either order.
type Ends struct{ A, B netip.AddrPort }

func (e *Ends) has(p *Packet) bool {
	s, d := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	return s == e.A && d == e.B || s == e.B && d == e.A
}

// Range is an inclusive range of whole numbers; Max below 0 is no bound.
type Range struct{ Min, Max int }

func (r *Range) has(n int) bool { return n >= r.Min && (r.Max < 0 || n <= r.Max) }

// Hit is a segment that something, a fault say, singled out.
type Hit struct {
	Packet   *Packet
	Seq, End uint32 // relative
	Conn     *tcp.Conn
}

// Match says which packets are meant. Fields left zero match all; numbers are
// relative.
type Match struct {
	From, To     *Party
	TCP          Kind
	ICMP         string // a name of [packet.ICMPNames]
	UDP          bool
	Conn         *Ends
	Port         int // either port
	SPort, DPort int
	Seq, Ack     *uint32
	Len          *Range
	Flags        string      // exactly these, as tcpdump writes them
	SACKs        func() *Hit // acknowledgements that report this segment missing
	Covers       func() *Hit // acknowledgements that cover this segment
	Dropped      *bool
	Harmed       *bool        // a fault did something else to it, or forged it
	Fields       []FieldMatch // of the headers
	Toward       string       // the node at the end of the wire it is on its way to
	Payload      string       // bytes that the payload has in it
	Size         *Range       // bytes of the frame
	Queued       *Range       // bytes that waited before it on a wire with a rate
	Rexmit       *Range       // how often its sequence space was sent before
	Where        func(p *Packet) bool
	// What is said in the clear, by streams that are read while they pass
	// ([Trace.ReadApps]) or by the analysis of a recorded packet.
	TLS  string // the name of a TLS event that begins in it: "client-hello"
	HTTP string // the beginning of an HTTP start line in it: "GET /", "HTTP/1.1 200"
	// What only the analysis of a recorded packet can tell.
	RST      *ResetMatch
	Original string // what became of what it sends again: "lost" or "arrived"
	Refused  string // in why the receiver's kernel threw it away
	Timer    string // the function of its sender's kernel that sent it again
}

// ResetMatch says which resets are meant.
type ResetMatch struct {
	Kind  string // empty for any
	Cause string // empty for any; a verdict that cannot tell it from another matches too
	// What the kernel said; empty for any.
	Evidence, Reason, State, Through, Process string
}

// matches reports whether v is meant.
func (m *ResetMatch) matches(v *reset.Verdict) bool {
	if v == nil || m.Kind != "" && string(v.Kind) != m.Kind || m.Cause != "" && !v.May(reset.Cause(m.Cause)) || m.Evidence != "" && v.Evidence != m.Evidence {
		return false
	}
	if m.Reason == "" && m.State == "" && m.Through == "" && m.Process == "" {
		return true
	}
	k := v.Kernel
	return k != nil && (m.Reason == "" || k.Reason == m.Reason) && (m.State == "" || k.State == m.State || k.Before == m.State) &&
		(m.Through == "" || k.Through(m.Through)) && (m.Process == "" || k.Process == m.Process)
}

// String writes m as a script would.
func (m *ResetMatch) String() string {
	var out []string
	for _, f := range [][2]string{{"kind", m.Kind}, {"cause", m.Cause}, {"evidence", m.Evidence}, {"reason", m.Reason}, {"state", m.State}, {"through", m.Through},
		{"process", m.Process}} {
		if f[1] != "" {
			out = append(out, fmt.Sprintf("%s = %q", f[0], f[1]))
		}
	}
	return "{ " + strings.Join(out, ", ") + " }"
}

// Matches reports whether p is meant.
func (m *Match) Matches(p *Packet) bool {
	switch {
	case m.tcpOnly() && !p.IsTCP(),
		m.From != nil && !m.From.has(p.Src),
		m.To != nil && !m.To.has(p.Dst),
		m.TCP != "" && !m.TCP.matches(p),
		m.ICMP != "" && !icmpIs(m.ICMP, p),
		m.UDP && p.Proto != packet.ProtoUDP,
		m.Conn != nil && !m.Conn.has(p),
		m.Port != 0 && int(p.SrcPort) != m.Port && int(p.DstPort) != m.Port,
		m.SPort != 0 && int(p.SrcPort) != m.SPort,
		m.DPort != 0 && int(p.DstPort) != m.DPort,
		m.Seq != nil && p.RelSeq != *m.Seq,
		m.Ack != nil && (p.RelAck != *m.Ack || !p.Flags.Has(packet.ACK)),
		m.Len != nil && !m.Len.has(int(p.PayloadLen)),
		m.Flags != "" && p.Flags.String() != m.Flags,
		m.SACKs != nil && !sacks(m.SACKs(), p),
		m.Covers != nil && !covers(m.Covers(), p),
		m.Dropped != nil && (p.Dropped != "") != *m.Dropped,
		m.Harmed != nil && (p.Harmed != "") != *m.Harmed,
		m.Toward != "" && !toward(m.Toward, p),
		m.Size != nil && !m.Size.has(int(p.Length)),
		m.Queued != nil && !m.Queued.has(int(p.Queued)),
		m.Rexmit != nil && !m.Rexmit.has(int(p.AtPoint.Resent)),
		len(m.Fields) > 0 && !m.fieldsMatch(p),
		m.Payload != "" && !bytes.Contains(p.Payload, []byte(m.Payload)),
		(m.TLS != "" || m.HTTP != "") && !m.app(p):
		return false
	}
	return (!m.analysed() || m.found(p.Finding())) && (m.Where == nil || m.Where(p))
}

// analysed reports whether m asks for what only the analysis can tell.
func (m *Match) analysed() bool {
	return m.RST != nil || m.Original != "" || m.Refused != "" || m.Timer != ""
}

func (m *Match) found(r *tcp.Record) bool {
	switch {
	case r == nil,
		m.Original != "" && r.Original != m.Original,
		m.Refused != "" && !strings.Contains(r.Refused, m.Refused),
		m.Timer != "" && r.Timer != m.Timer:
		return false
	}
	return m.RST == nil || m.RST.matches(r.Reset)
}

func (m *Match) tcpOnly() bool {
	return m.RST != nil || m.Original != "" || m.Timer != "" || m.TLS != "" || m.HTTP != "" || m.Rexmit != nil || m.TCP != "" || m.Seq != nil || m.Ack != nil || m.Flags != "" || m.SACKs != nil || m.Covers != nil
}

// sacks reports whether p acknowledges up to the hole that h left and reports
// data beyond it.
func sacks(h *Hit, p *Packet) bool {
	return h != nil && p.Conn == h.Conn && p.RelAck == h.Seq && len(p.SACK()) > 0
}

func covers(h *Hit, p *Packet) bool {
	return h != nil && p.Conn == h.Conn && p.Flags.Has(packet.ACK) && !packet.Before(p.RelAck, h.End)
}

func icmpIs(name string, p *Packet) bool {
	m := p.ICMP()
	return m != nil && m.Is(name, p.Proto)
}
