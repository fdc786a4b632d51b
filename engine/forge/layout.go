package forge

import "encoding/binary"

// EtherTypes and transport protocols (IANA).
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
	etherQinQ = 0x88a8

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// Sizes of headers without options.
const (
	etherSize = 14
	vlanSize  = 4
	ip4Size   = 20
	ip6Size   = 40
	tcpSize   = 20
	udpSize   = 8
	icmpSize  = 8
)

// Layout says where the layers of a frame begin. A layer that is absent, or
// whose fixed header is not whole, is -1.
type Layout struct {
	VLAN    int // the first 802.1Q tag
	Net     int // IPv4 or IPv6 header
	Trans   int // TCP, UDP, ICMP or ICMPv6 header
	Payload int // behind the transport header
	Frag    int // IPv6 fragment header
	End     int // behind the last byte of the IP packet, or of the frame
	Version int // of IP: 4, 6, or 0
	Proto   uint8
	next    int // where Proto stands: in IPv6 in the last of the headers
	// Fragment is a packet of which the transport header or part of the
	// payload is in another.
	Fragment bool
}

var be = binary.BigEndian

// Parse finds the layers of an Ethernet frame.
func Parse(b []byte) Layout {
	l := Layout{VLAN: -1, Net: -1, Trans: -1, Payload: -1, Frag: -1, End: len(b)}
	if len(b) < etherSize {
		return l
	}
	at, kind := etherSize, be.Uint16(b[etherSize-2:])
	for kind == etherVLAN || kind == etherQinQ {
		if len(b) < at+vlanSize {
			return l
		}
		if l.VLAN < 0 {
			l.VLAN = at - 2
		}
		kind, at = be.Uint16(b[at+2:]), at+vlanSize
	}
	switch kind {
	case etherIPv4:
		l.ipv4(b, at)
	case etherIPv6:
		l.ipv6(b, at)
	}
	return l
}

func (l *Layout) ipv4(b []byte, at int) {
	if len(b) < at+ip4Size || b[at]>>4 != 4 {
		return
	}
	head, total := int(b[at]&15)*4, int(be.Uint16(b[at+2:]))
	if head < ip4Size || len(b) < at+head {
		return
	}
	l.Net, l.Version, l.Proto, l.next = at, 4, b[at+9], at+9
	if total >= head && at+total <= len(b) {
		l.End = at + total
	}
	frag := be.Uint16(b[at+6:])
	l.Fragment = frag&0x3fff != 0
	if frag&0x1fff == 0 {
		l.transport(b, at+head)
	}
}

func (l *Layout) ipv6(b []byte, at int) {
	if len(b) < at+ip6Size || b[at]>>4 != 6 {
		return
	}
	l.Net, l.Version, l.Proto, l.next = at, 6, b[at+6], at+6
	if n := at + ip6Size + int(be.Uint16(b[at+4:])); n > at+ip6Size && n <= len(b) {
		l.End = n
	}
	for next := at + ip6Size; ; {
		switch l.Proto {
		case 0, 43, 60: // hop by hop, routing, destination options (RFC 8200, section 4)
			if len(b) < next+8 {
				return
			}
			n := 8 + int(b[next+1])*8
			l.Proto, l.next, next = b[next], next, next+n
		case 44: // fragment
			if len(b) < next+8 {
				return
			}
			l.Frag = next
			field := be.Uint16(b[next+2:])
			l.Fragment = field&0xfff9 != 0
			l.Proto, l.next = b[next], next
			if next += 8; field>>3 != 0 {
				return
			}
		default:
			l.transport(b, next)
			return
		}
	}
}

func (l *Layout) transport(b []byte, at int) {
	var size int
	switch l.Proto {
	case protoTCP:
		if size = tcpSize; l.End >= at+tcpSize {
			size = max(tcpSize, int(b[at+12]>>4)*4)
		}
	case protoUDP:
		size = udpSize
	case protoICMP, protoICMPv6:
		size = icmpSize
	default:
		l.Payload = min(at, l.End)
		return
	}
	if l.End < at+size {
		return
	}
	l.Trans, l.Payload = at, at+size
}

// IsTCP reports a whole TCP header.
func (l *Layout) IsTCP() bool { return l.Trans >= 0 && l.Proto == protoTCP }

// has reports whether the frame has the layer.
func (l *Layout) has(y Layer) bool {
	switch y {
	case Ether:
		return true
	case VLAN:
		return l.VLAN >= 0
	case IP:
		return l.Net >= 0
	case IPv4:
		return l.Version == 4
	case IPv6:
		return l.Version == 6
	case TCP:
		return l.IsTCP()
	case UDP:
		return l.Trans >= 0 && l.Proto == protoUDP
	case Ports:
		return l.Trans >= 0 && (l.Proto == protoTCP || l.Proto == protoUDP)
	case ICMP:
		return l.Trans >= 0 && (l.Proto == protoICMP || l.Proto == protoICMPv6)
	}
	return false
}
