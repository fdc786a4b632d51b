package incident

import (
	"net/netip"
	"strconv"
	"time"

	"netrepro/engine/diagnose/carried"
	"netrepro/engine/diagnose/extent"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Client and Server are the ends of a flow.
const (
	Client = 0
	Server = 1
)

// Name is what a side is called in a sentence.
func Name(side int) string {
	if side == Client {
		return "client"
	}
	return "server"
}

// Scale is a window scale in a sentence; it is -1 if none was offered.
func Scale(n int) string {
	if n < 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

// Flow is one connection as one capture shows it.
type Flow struct {
	File *File
	Conn *tcp.Conn
	ID   int
	// Ends are the client, which opened the connection as far as the capture tells,
	// and the server.
	Ends [2]netip.AddrPort
	// Segments are those seen first, in the order of the file.
	Segments []*Segment
	Messages []*Message
	// Sides are what each end did.
	Sides [2]Side
	// SYN and SYNACK are the first of each, Confirm the client's first segment after
	// the SYN-ACK; nil if they were not captured.
	SYN, SYNACK, Confirm *Segment
	// From is where the flow was captured.
	From From
	// Reached is, for each end, that its own wire was captured and what the other sent arrived there.
	Reached [2]bool
	// RTT is the least round trip seen, of the whole path where that is known; 0 if
	// none was seen.
	RTT time.Duration
	// Carried is what the connection carries, nil if nothing of it was read.
	Carried *carried.Conn
	// Twins are flows of other files that are the same connection.
	Twins []*Flow
}

// Side is what one end of a flow did.
type Side struct {
	Segments []*Segment // without resets
	Data     []*Segment // with payload that is new
	Resent   []*Segment // what it sent again, probes and SYNs left aside
	SYNs     []*Segment
	FIN      *Segment // the first
	Resets   []*Segment
	Probes   []*Segment // keep-alives
	Zero     []*Segment // announcements of no window
	Dsacks   []*Segment // that report what had arrived before (RFC 2883)
	Bytes    int        // of new payload
	extent   extent.Extent
	Largest  int // payload of a segment
	// LargestAcked is the largest payload that arrived for sure.
	LargestAcked int
	MSS          int // offered, 0 if the SYN was not captured
	Scale        int // window scale offered, -1 if not
	TTLs         map[uint8]int
	// Least is the shortest time in which the other end answered, as the capture point
	// saw it; 0 if it did not.
	Least time.Duration
	// MaxAck is the highest acknowledgement that it sent; Acks whether it sent any.
	MaxAck uint32
	Acks   bool
	// Bad and Good are how many of its segments have a checksum that does not fit, or
	// that does.
	Bad, Good int
	// BadTunnels is how many came in a tunnel whose own checksum does not fit.
	BadTunnels int
}

// From is where a capture was made, seen from a flow.
type From string

// Places of a capture.
const (
	AtClient  From = "client"
	AtServer  From = "server"
	AtMiddle  From = "middle"
	AtBoth    From = "both"
	AtUnknown From = "unknown"
)

// String is "client:port>server:port".
func (f *Flow) String() string { return f.Ends[Client].String() + ">" + f.Ends[Server].String() }

// Opened reports whether SYN and SYN-ACK were captured.
func (f *Flow) Opened() bool { return f.SYN != nil && f.SYNACK != nil }

// Established reports whether the connection was open for sure.
func (f *Flow) Established() bool {
	return f.Confirm != nil || f.Sides[Client].Bytes > 0 && f.Sides[Server].Acks && f.SYN == nil ||
		f.Sides[Server].Bytes > 0 || f.SYN == nil && f.Sides[Client].Acks && f.Sides[Server].Acks
}

// Refused reports whether a reset answers the SYN.
func (f *Flow) Refused() bool {
	return f.SYN != nil && f.SYNACK == nil && len(f.Sides[Server].Resets) > 0
}

// Reset is the first reset of the flow, nil if there is none.
func (f *Flow) Reset() *Segment {
	for _, g := range f.Segments {
		if g.Flags.Has(packet.RST) {
			return g
		}
	}
	return nil
}

// OneSided reports whether only one end's segments were captured.
func (f *Flow) OneSided() bool {
	return (len(f.Sides[0].Segments)+len(f.Sides[0].Resets) == 0) != (len(f.Sides[1].Segments)+
		len(f.Sides[1].Resets) == 0)
}

// Closed reports whether both ends sent a FIN.
func (f *Flow) Closed() bool { return f.Sides[Client].FIN != nil && f.Sides[Server].FIN != nil }

// Last is the last segment of the flow.
func (f *Flow) Last() *Segment { return f.Segments[len(f.Segments)-1] }

// Before is the last segment before g for which is holds; nil if there is none.
func (f *Flow) Before(g *Segment, is func(*Segment) bool) *Segment {
	var found *Segment
	for _, o := range f.Segments {
		if o == g {
			break
		}
		if is(o) {
			found = o
		}
	}
	return found
}

// After are the segments after g for which is holds.
func (f *Flow) After(g *Segment, is func(*Segment) bool) (found []*Segment) {
	seen := false
	for _, o := range f.Segments {
		if seen && is(o) {
			found = append(found, o)
		}
		seen = seen || o == g
	}
	return found
}

// End is the sequence number after the segment.
func (g *Segment) End() uint32 { return g.Seq + g.SeqLen() }

// Numbered reports whether sequence numbers of the segment can be used.
func (g *Segment) Numbered() bool { return !g.Missing.Has(packet.NoSeq) }

// Has reports whether all flags are set.
func (g *Segment) Has(f packet.TCPFlags) bool { return g.Flags.Has(f) }

// IsData reports whether the segment has payload and is no probe.
func (g *Segment) IsData() bool {
	return g.PayloadLen > 0 && !g.Has(packet.RST) && g.Class&(sender.KeepAlive|sender.WindowProbe) == 0
}

// Again reports whether the segment was sent before.
func (g *Segment) Again() bool { return g.Class&sender.Rexmit != 0 }

// Interface is the name of the capture point of a segment.
func (g *Segment) Interface() string {
	if g.Point < len(g.File.Points) {
		return g.File.Points[g.Point].Name
	}
	return ""
}
