package header

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
	Next    int // where Proto stands: in IPv6 in the last of the headers
	// Fragment is a packet of which the transport header or part of the
	// payload is in another.
	Fragment bool
}

// Parse finds the layers of an Ethernet frame.
func Parse(b []byte) Layout {
	l := Layout{VLAN: -1, Net: -1, Trans: -1, Payload: -1, Frag: -1, End: len(b)}
	if len(b) < EthernetSize {
		return l
	}
	at, kind := EthernetSize, EthernetType.Get(b)
	for kind == EtherTypeVLAN || kind == EtherTypeQinQ {
		if len(b) < at+TagSize {
			return l
		}
		tag := at - EthernetType.Size() // its EtherType is that of the header before
		if l.VLAN < 0 {
			l.VLAN = tag
		}
		kind, at = TagNext.Get(b[tag:]), at+TagSize
	}
	switch kind {
	case EtherTypeIPv4:
		l.ipv4(b, at)
	case EtherTypeIPv6:
		l.ipv6(b, at)
	}
	return l
}

func (l *Layout) ipv4(b []byte, at int) {
	if len(b) < at+IPv4Size || Version(b[at:]) != 4 {
		return
	}
	ip := b[at:]
	head, total := IPv4HeadLen(ip), int(IPv4Length.Get(ip))
	if head < IPv4Size || len(ip) < head {
		return
	}
	l.Net, l.Version, l.Proto, l.Next = at, 4, IPv4Proto.Get(ip), at+IPv4Proto.Offset()
	if total >= head && total <= len(ip) {
		l.End = at + total
	}
	frag := IPv4Fragment.Get(ip)
	l.Fragment = frag&(MoreFragments|FragmentOffset) != 0
	if frag&FragmentOffset == 0 {
		l.transport(b, at+head)
	}
}

func (l *Layout) ipv6(b []byte, at int) {
	if len(b) < at+IPv6Size || Version(b[at:]) != 6 {
		return
	}
	l.Net, l.Version, l.Proto, l.Next = at, 6, IPv6Next.Get(b[at:]), at+IPv6Next.Offset()
	if n := at + IPv6Size + int(IPv6Length.Get(b[at:])); n > at+IPv6Size && n <= len(b) {
		l.End = n
	}
	for next := at + IPv6Size; ; {
		switch l.Proto {
		case ProtoHopByHop, ProtoRouting, ProtoDest:
			if len(b) < next+8 {
				return
			}
			n := 8 + int(ExtLength.Get(b[next:]))*8
			l.Proto, l.Next, next = ExtNext.Get(b[next:]), next, next+n
		case ProtoFragment:
			if len(b) < next+FragmentSize {
				return
			}
			l.Frag = next
			field := FragmentField.Get(b[next:])
			l.Fragment = field&(fragmentOffset|fragmentMore) != 0
			l.Proto, l.Next = ExtNext.Get(b[next:]), next
			if next += FragmentSize; field&fragmentOffset != 0 {
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
	case ProtoTCP:
		if size = TCPSize; l.End >= at+TCPSize {
			size = max(TCPSize, TCPHeadLen(b[at:]))
		}
	case ProtoUDP:
		size = UDPSize
	case ProtoICMP, ProtoICMPv6:
		size = ICMPSize
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
func (l *Layout) IsTCP() bool { return l.Trans >= 0 && l.Proto == ProtoTCP }
