// Package told holds what a text tells of a packet, and reads the parts that are the same
// in every program's text: TCP options and ICMP messages.
//
// What a text does not say it does not make up: the numbers that are missing are named.
//
// Invariant: no text makes it panic.
package told

import (
	"net/netip"
	"strconv"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
	"netrepro/engine/tcp/payload"
)

// Packet is what a text tells of one.
type Packet struct {
	Src, Dst         string // an address, or a name where the text has names
	SrcPort, DstPort string // numbers or names of services, empty if there are none
	V6               bool   // what the line says; of names it alone tells
	Proto            uint8
	TTL              uint8
	ID               uint16
	DF               bool
	// Later says that it is a fragment that is not the first, which has no transport
	// header, and Offset where it begins.
	Later  bool
	Offset int
	First  bool // a fragment that is the first

	Flags    packet.TCPFlags
	Seq, Ack uint32
	HasSeq   bool
	Window   uint16
	Urgent   uint16
	Options  []byte
	// OptionsCut says that there are more options than the line tells.
	OptionsCut bool
	Payload    int
	Missing    packet.Missing
	Checksum   packet.Checksum
	// Relative says that numbers count from those of a segment that is not known, and
	// that no segment of the text says which.
	Relative bool
	// Last says that the window is the last that the line says, so that it may be the
	// beginning of a number.
	Last bool
	// Sized says that the line tells the length, as tcpdump does since 4.0.
	Sized bool

	Body []byte // of ICMP, or the header of a DNS message over UDP
	// Refused are the ends of the packet that an ICMP error is about, as far as the
	// line says.
	Refused *Packet

	Carries   *payload.Event // what it carries, nil if the text does not say
	Interface string
	Direction pcap.Direction
	// Cut says that the line ends before what it should say.
	Cut bool
}

// Protocols are the numbers of the protocols that tcpdump names, in lower case.
var Protocols = map[string]uint8{"icmp": header.ProtoICMP, "icmp6": header.ProtoICMPv6, "icmp6,": header.ProtoICMPv6,
	"igmp": 2, "tcp": header.ProtoTCP, "udp": header.ProtoUDP, "esp": 50, "ah": header.ProtoAuth, "ospfv2": 89,
	"ospfv3": 89, "pim": 103, "pimv2": 103, "vrrpv2": 112, "vrrpv3": 112, "carpv2": 112, "sctp": 132, "eigrp": 88,
	"gre": header.ProtoGRE, "ipip": header.ProtoIPIP, "ip6": header.ProtoIPv6, "dccp": 33, "rsvp": 46}

// Unknown is a protocol that is not told: what IANA keeps for none.
const Unknown = 255

// MaxPayload is more than any frame with segmentation left to the device.
const MaxPayload = 1 << 24

// Size reads a length, 0 if it is that of no packet.
func Size(s string) int {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > MaxPayload {
		return 0
	}
	return int(n)
}

// IsAddr tells an address without a port from one with.
func IsAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// Length finds the length that stands in a text.
var Length = pattern.New(`(?:^|[ ,])length:? (\d+)`)

// Hidden is how many bytes of the header the line does not tell of.
func (p *Packet) Hidden() int {
	if p.OptionsCut && p.Proto == header.ProtoTCP && !p.Later && len(p.Options) < maxOptions {
		return 4 // one word at least
	}
	return 0
}
