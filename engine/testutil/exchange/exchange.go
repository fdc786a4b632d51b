// Package exchange makes traces of a few segments between a client and a server, for
// tests of what judges them.
package exchange

import (
	"net/netip"
	"time"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

const ms = time.Millisecond

// Parties are the two ends, by name (RFC 5737).
var Parties = map[string]*value.Party{
	"client": {Name: "client", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
	"server": {Name: "server", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}},
}

// Line is one segment: when it was seen, who sent it, its flags, its numbers, and how
// many bytes of payload it has.
type Line struct {
	At       time.Duration
	From     string
	Flags    packet.TCPFlags
	Seq, Ack uint32
	Len      int32
}

// View is a trace of lines, as seen where each left.
func View(lines ...Line) *trace.View {
	pt := &trace.Point{Node: "client", Wire: "wan", Addrs: Parties["client"].Addrs}
	far := &trace.Point{Index: 1, Node: "server", Wire: "wan", Addrs: Parties["server"].Addrs}
	t := trace.New(time.Unix(0, 0), []*trace.Point{pt, far}, nil)
	for _, l := range lines {
		d := packet.Packet{Proto: packet.ProtoTCP, Src: Parties["client"].Addrs[0], Dst: Parties["server"].Addrs[0],
			SrcPort: 40000, DstPort: 80,
			Flags: l.Flags, Seq: l.Seq, Ack: l.Ack, PayloadLen: l.Len, WScale: -1}
		at := pt
		if l.From == "server" {
			d.Src, d.Dst, d.SrcPort, d.DstPort = d.Dst, d.Src, d.DstPort, d.SrcPort
			at = far
		}
		t.Record(t.Arrive(at, l.At, &d, nil, nil), nil)
	}
	return t.All()
}

const (
	fS  = packet.SYN
	fSA = packet.SYN | packet.ACK
	fA  = packet.ACK
	fPA = packet.PSH | packet.ACK
	fRA = packet.RST | packet.ACK
)

// Resets is an exchange that ends with a reset.
func Resets() *trace.View {
	return View(Line{0, "client", fS, 0, 0, 0}, Line{1 * ms, "server", fSA, 0, 1, 0},
		Line{2 * ms, "client", fA, 1, 1, 0},
		Line{3 * ms, "client", fPA, 1, 1, 18}, Line{4 * ms, "server", fA, 1, 19, 1448},
		Line{5 * ms, "server", fA, 1449, 19, 1448},
		Line{60 * ms, "server", fRA, 2897, 19, 0})
}
