// Package packet turns bytes from a link into a [Packet]: the header fields
// that faults, traces and expectations speak of.
//
// It and the packages below it are the only ones that know the packet library. It
// does not follow connections (package tcp does) and does not read files (package
// pcap does).
//
// Invariant: no input makes it panic or read outside the bytes it was given.
package packet

import (
	"net/netip"
	"time"

	"netrepro/engine/packet/header"
)

// TCPFlags are the control bits of a TCP header (RFC 9293, section 3.1).
type TCPFlags = header.TCPFlags

// The control bits.
const (
	FIN = header.FIN
	SYN = header.SYN
	RST = header.RST
	PSH = header.PSH
	ACK = header.ACK
	URG = header.URG
	ECE = header.ECE
	CWR = header.CWR
	AE  = header.AE
)

// ParseFlags reads flags as tcpdump writes them, in any order; ok is false if
// there is another letter among them.
func ParseFlags(s string) (f TCPFlags, ok bool) { return header.ParseFlags(s) }

// After reports a > b in sequence space (RFC 9293, section 3.4).
func After(a, b uint32) bool { return int32(a-b) > 0 }

// Before reports a < b in sequence space.
func Before(a, b uint32) bool { return int32(a-b) < 0 }

// Transport protocol numbers (IANA) that a Packet is decoded for.
const (
	ProtoICMP   = header.ProtoICMP
	ProtoTCP    = header.ProtoTCP
	ProtoUDP    = header.ProtoUDP
	ProtoICMPv6 = header.ProtoICMPv6
)

// Block is one SACK block (RFC 2018): sequence numbers from Left up to, not
// including, Right.
type Block struct{ Left, Right uint32 }

// Missing says which numbers of a TCP segment a capture does not tell. Text may
// leave any of them out. The bits combine.
type Missing uint8

// What may be missing.
const (
	NoSeq    Missing = 1 << iota // the sequence number
	NoAck                        // the acknowledgement, though ACK may be set
	NoWindow                     // the window
	NoLength                     // the length of the payload
	// NoOrigin are sequence numbers counted from a segment that was not captured: they
	// compare with others of the same kind only.
	NoOrigin
)

// Has reports whether all of what is missing.
func (m Missing) Has(what Missing) bool { return m&what == what }

// Names are what is missing, in words.
func (m Missing) Names() (out []string) {
	for i, name := range [...]string{"seq", "ack", "window", "length", "origin"} {
		if m&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// Checksum is what is known of a transport checksum.
type Checksum uint8

// States of a checksum.
const (
	Unchecked  Checksum = iota // not captured, not printed, or not looked at
	GoodSum                    // it fits
	BadSum                     // it does not fit
	PartialSum                 // it is that of the pseudo header: left to the network card (CHECKSUM_PARTIAL)
	BadTunnel                  // that of a UDP header around it, of a tunnel, does not fit
)

// Drops reports whether a kernel that receives a packet with such a checksum drops it.
func (c Checksum) Drops() bool { return c == BadSum || c == BadTunnel }

// Packet is one decoded frame. Fields of layers that are absent are zero. It is
// kept small: a trace holds one for every frame that crossed a wire.
type Packet struct {
	Src, Dst         netip.Addr // invalid if not IP
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	TSVal, TSEcr     uint32 // TCP timestamps, if HasTS
	Length           int32  // bytes on the wire, link header included
	IPLen            int32  // bytes of the IP packet
	PayloadLen       int32  // transport payload in bytes, by the IP length
	EtherType        uint16
	ID               uint16 // IPv4 identification
	Flags            TCPFlags
	Window           uint16 // as on the wire, unscaled
	MSS              uint16 // TCP option, 0 if absent
	MPTCP            uint16 // subtypes of MPTCP options (RFC 8684, section 3), a bit each
	WScale           int8   // TCP option, -1 if absent
	Proto            uint8  // transport protocol, 0 if not IP
	TTL              uint8  // or hop limit
	DF               bool   // IPv4 don't fragment
	Fragment         bool   // a fragment of which no transport header is known
	Cut              bool   // fewer bytes were captured than crossed the wire
	HasTS            bool
	SACKPermitted    bool
	NoOptions        bool // a TCP header of 20 bytes
	HeaderCut        bool // a TCP header that was not captured whole, or that cannot be
	// Unsized is a payload of which the length is not known: a first fragment, or
	// a TCP header longer than its packet.
	Unsized bool
	// Missing are the numbers that the capture does not tell, whose fields are 0 or
	// made up.
	Missing Missing
	// Checksum is what is known of the transport checksum.
	Checksum Checksum

	rare *rare
}

// rare is what few packets have.
type rare struct {
	nsack     int
	sack      [4]Block
	icmp      *ICMP
	malformed string
}

func (p *Packet) more() *rare {
	if p.rare == nil {
		p.rare = &rare{}
	}
	return p.rare
}

// Clone copies p; decoding another packet into p leaves the copy as it is.
func Clone(p *Packet) *Packet {
	c := *p
	return &c
}

// ICMP is the ICMP or ICMPv6 message, nil if p is none.
func (p *Packet) ICMP() *ICMP {
	if p.rare == nil {
		return nil
	}
	return p.rare.icmp
}

// Malformed says why decoding stopped early, empty if it did not.
func (p *Packet) Malformed() string {
	if p.rare == nil {
		return ""
	}
	return p.rare.malformed
}

// SACK returns the SACK blocks (RFC 2018), at most four.
func (p *Packet) SACK() []Block {
	if p.rare == nil {
		return nil
	}
	return p.rare.sack[:p.rare.nsack]
}

// ICMP is what an ICMP message says.
type ICMP struct {
	Type, Code uint8
	MTU        int    // next-hop MTU of "fragmentation needed" (RFC 1191) or "packet too big" (RFC 4443)
	Quoted     *Quote // the packet it complains about
	// EchoKey is the same in an echo request and its reply; it is zero in other messages.
	EchoKey EchoKey
}

// Quote is the beginning of the packet quoted in an ICMP error.
type Quote struct {
	Src, Dst         netip.Addr
	Proto            uint8
	SrcPort, DstPort uint16
	Seq              uint32
	// What more of a TCP header routers quote since RFC 1812, if TCP is set.
	TCP   bool
	Flags TCPFlags
	Ack   uint32
}

// IsTCP reports whether p carries a TCP header.
func (p *Packet) IsTCP() bool {
	return p.Proto == ProtoTCP && !p.Fragment && p.SrcPort|p.DstPort != 0
}

// SeenTwice reports whether a segment that was seen right after first, apart from it, is the same once
// more: a mirror port, or a capture on all interfaces, has each packet twice. What TCP sends again
// comes later.
func SeenTwice(first, again *Packet, apart time.Duration) bool {
	return apart >= 0 && apart <= time.Millisecond && again.Seq == first.Seq && again.Ack == first.Ack &&
		again.PayloadLen == first.PayloadLen && again.Flags == first.Flags && again.TSVal == first.TSVal &&
		again.TSEcr == first.TSEcr && again.Window == first.Window && again.Missing&NoSeq == 0 &&
		(again.SeqLen() > 0 || again.Flags.Has(RST)) && (again.ID == first.ID || again.TTL != first.TTL)
}

// SeqLen is the sequence space p takes: its payload, plus one each for SYN and
// FIN (RFC 9293, section 3.4).
func (p *Packet) SeqLen() uint32 {
	n := uint32(p.PayloadLen)
	if p.Flags.Has(SYN) {
		n++
	}
	if p.Flags.Has(FIN) {
		n++
	}
	return n
}
