package frame

import (
	"encoding/binary"
	"net/netip"

	"netrepro/engine/anonymize/checksum"
	"netrepro/engine/anonymize/payload"
	"netrepro/engine/packet/header"
)

// part is what an IP packet carries.
type part struct {
	src, dst netip.Addr // as they were
	pseudo   checksum.Pseudo
	proto    uint8
	size     int // on the wire
	v6       bool
	first    bool // the first of several fragments
}

// sent replaces addresses of a group in the Ethernet header by those that the group that
// stands in for it has (RFC 1112, RFC 2464).
func (f *Frames) sent(was, is netip.Addr) {
	if f.group == nil || !was.IsMulticast() || f.quoted {
		f.group = nil
		return
	}
	if is.Is4() {
		a := is.As4()
		header.EthernetDst.Put(f.group, [6]byte{1, 0, 0x5e, a[1] & 0x7f, a[2], a[3]})
	} else {
		a := is.As16()
		header.EthernetDst.Put(f.group, [6]byte{0x33, 0x33, a[12], a[13], a[14], a[15]})
	}
	f.group = nil
}

// ipv4 replaces a packet that has size bytes of the frame to itself.
func (f *Frames) ipv4(b []byte, size int) {
	if len(b) < header.IPv4Size || header.Version(b) != 4 {
		f.noPacket(b)
		return
	}
	head, total, frag := header.IPv4HeadLen(b), int(header.IPv4Length.Get(b)), header.IPv4Fragment.Get(b)
	if total == 0 {
		total = size
	}
	p := part{src: header.IPv4Src.Get(b), dst: header.IPv4Dst.Get(b), proto: header.IPv4Proto.Get(b)}
	captured := max(min(head, len(b)), header.IPv4Size)
	right := header.Checksum(b[:captured]) == 0
	before, addresses := checksum.Sum(b[:captured]), b[header.IPv4Src.Offset():header.IPv4Size]
	p.pseudo.Before = checksum.Sum(addresses)
	f.addr4(b, header.IPv4Src)
	f.addr4(b, header.IPv4Dst)
	f.sent(p.dst, header.IPv4Dst.Get(b))
	p.pseudo.After = checksum.Sum(addresses)
	f.options4(b[header.IPv4Size:captured])
	if header.IPv4Checksum.Get(b) != 0 || right { // else it was left to the device
		checksum.Correct(b, header.IPv4Checksum, before, checksum.Sum(b[:captured]))
	}
	if head < header.IPv4Size || head > len(b) || total < head {
		f.filler(b[captured:])
		return
	}
	total = min(total, size)
	end := max(min(total, len(b)), head)
	clear(b[end:]) // what pads a short frame may be left from anything
	body := b[head:end]
	p.size, p.first = total-head, frag&header.MoreFragments != 0
	if frag&header.FragmentOffset > 0 {
		checksum.Keep(body, func() { f.filler(body) })
		return
	}
	f.transport(body, &p)
}

// IPv4 options (IANA).
const (
	optEnd     = 0
	optNop     = 1
	optRoute   = 7
	optLoose   = 131
	optStrict  = 137
	optAlert   = 148
	optPointer = 3 // what an option with addresses has before them
)

// options4 replaces the addresses in options of IPv4, and clears what else they say.
func (f *Frames) options4(b []byte) {
	for len(b) > 0 {
		kind := b[0]
		if kind == optNop {
			b = b[1:]
			continue
		}
		if kind == optEnd || len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			clear(b[min(2, len(b)):])
			if kind == optEnd {
				clear(b)
			}
			return
		}
		o := b[:b[1]]
		b = b[b[1]:]
		switch kind {
		case optRoute, optLoose, optStrict:
			for v := o[min(optPointer, len(o)):]; len(v) > 0; v = v[min(4, len(v)):] {
				if len(v) < 4 {
					clear(v)
				} else {
					f.addr4(v, 0)
				}
			}
		case optAlert:
		default:
			clear(o[2:])
		}
	}
}

// ipv6 replaces a packet that has size bytes of the frame to itself.
func (f *Frames) ipv6(b []byte, size int) {
	if len(b) < header.IPv6Size || header.Version(b) != 6 {
		f.noPacket(b)
		return
	}
	p := part{src: header.IPv6Src.Get(b), dst: header.IPv6Dst.Get(b), proto: header.IPv6Next.Get(b), v6: true}
	addresses := b[header.IPv6Src.Offset():header.IPv6Size]
	p.pseudo.Before = checksum.Sum(addresses)
	f.addr6(b, header.IPv6Src)
	f.addr6(b, header.IPv6Dst)
	f.sent(p.dst, header.IPv6Dst.Get(b))
	p.pseudo.After = checksum.Sum(addresses)
	length := int(header.IPv6Length.Get(b))
	if length == 0 {
		length = size - header.IPv6Size
	}
	length = max(min(length, size-header.IPv6Size), 0)
	end := min(header.IPv6Size+length, len(b))
	clear(b[end:])
	body := b[header.IPv6Size:end]
	for {
		n := 0
		switch p.proto {
		case header.ProtoHopByHop, header.ProtoRouting, header.ProtoDest, header.ProtoMobility, header.ProtoShim6:
			if len(body) >= 8 {
				n = 8 + int(header.ExtLength.Get(body))*8
			}
		case header.ProtoAuth:
			n = header.AuthLen(body)
		case header.ProtoFragment:
			if len(body) < header.FragmentSize {
				f.filler(body)
				return
			}
			from, more := header.FragmentPlace(body)
			p.proto = header.ExtNext.Get(body)
			body, p.size = body[header.FragmentSize:], length-header.FragmentSize
			if p.first = more; from > 0 {
				checksum.Keep(body, func() { f.filler(body) })
				return
			}
			f.transport(body, &p)
			return
		default:
			p.size = length
			f.transport(body, &p)
			return
		}
		if n == 0 || n > len(body) {
			f.filler(body[min(2, len(body)):]) // what is next, and how long this is, stay
			return
		}
		f.extension(p.proto, body[:n])
		p.proto, body, length = header.ExtNext.Get(body), body[n:], length-n
	}
}

// Options of IPv6 that say nothing of anybody (IANA).
const (
	opt6Pad1  = 0
	opt6Alert = 5
	opt6Jumbo = 0xc2
	opt6Home  = 0xc9
	routeHead = 8
)

// extension replaces the addresses in an IPv6 extension header, and clears what else it
// says.
func (f *Frames) extension(proto uint8, b []byte) {
	switch proto {
	case header.ProtoHopByHop, header.ProtoDest:
		for b = b[2:]; len(b) > 0; {
			if b[0] == opt6Pad1 {
				b = b[1:]
				continue
			}
			if len(b) < 2 || 2+int(b[1]) > len(b) {
				clear(b)
				return
			}
			o := b[2 : 2+int(b[1])]
			switch {
			case b[0] == opt6Alert, b[0] == opt6Jumbo:
			case b[0] == opt6Home && len(o) == 16:
				f.addr6(o, 0)
			default:
				clear(o)
			}
			b = b[2+len(o):]
		}
	case header.ProtoRouting: // what is left of the route stays
		v := b[min(routeHead, len(b)):]
		for ; len(v) >= 16; v = v[16:] {
			f.addr6(v, 0)
		}
		clear(v)
	case header.ProtoAuth:
		f.filler(b[min(12, len(b)):]) // index and sequence number stay
	default:
		clear(b[2:])
	}
}

// transport replaces what an IP packet carries.
func (f *Frames) transport(b []byte, p *part) {
	switch p.proto {
	case header.ProtoTCP:
		p.covered(b, header.TCPChecksum, false, func() { f.tcp(b, p) })
	case header.ProtoUDP:
		p.covered(b, header.UDPChecksum, true, func() { f.udp(b, p) })
	case header.ProtoICMP:
		p.pseudo = checksum.Pseudo{}
		p.covered(b, header.ICMPChecksum, false, func() { f.icmp(b, p) })
	case header.ProtoICMPv6:
		p.covered(b, header.ICMPChecksum, false, func() { f.icmp(b, p) })
	default:
		f.tunnel(b, p)
	}
}

func (p *part) covered(b []byte, field header.Uint16, optional bool, f func()) {
	size, proto := p.size, p.proto
	if proto == header.ProtoICMP { // it covers no address
		size, proto = 0, 0
	}
	p.pseudo.Cover(b, field, size, proto, optional, f)
}

// tcp replaces options and payload of a segment.
func (f *Frames) tcp(b []byte, p *part) {
	least := header.TCPWindow.Offset() + header.TCPWindow.Size()
	if len(b) < least {
		return // numbers alone
	}
	head := header.TCPHeadLen(b)
	if len(b) > header.TCPSize {
		f.tcpOptions(b[header.TCPSize:max(min(head, len(b)), header.TCPSize)])
	}
	rest := b[min(max(head, header.TCPSize), len(b)):]
	if head < header.TCPSize || p.size < head {
		f.filler(rest)
		return
	}
	ends := payload.Ends{From: netip.AddrPortFrom(p.src, header.TCPSrcPort.Get(b)),
		To: netip.AddrPortFrom(p.dst, header.TCPDstPort.Get(b))}
	seq, size := header.TCPSeq.Get(b), p.size-head
	if p.first {
		size = min(size, len(rest))
	}
	opens := header.TCPFlags(header.TCPControl.Get(b)).Has(header.SYN)
	if f.quoted {
		if opens {
			seq++
		}
		f.streams.Quoted(ends, seq, rest)
		return
	}
	f.streams.Segment(ends, opens, seq, size, rest)
}

// tcpOptions clears what options of TCP say that is a secret or an address: of the Fast
// Open cookie, of signatures, of the keys of MPTCP. Numbers that TCP works with stay.
func (f *Frames) tcpOptions(b []byte) {
	for {
		o, rest, ok := header.NextTCPOption(b)
		if o == nil {
			for len(b) > 0 && b[0] == header.TCPOptNop {
				b = b[1:]
			}
			if !ok { // it reaches beyond the header, and shall do so still
				b = b[min(header.OptionValue, len(b)):]
			}
			clear(b)
			return
		}
		f.tcpOption(o)
		b = rest
	}
}

// Subtypes of MPTCP (RFC 8684, section 3).
const mptcpDSS = 2

func (f *Frames) tcpOption(o []byte) {
	v := o[header.OptionValue:]
	switch header.OptionKind.Get(o) {
	case header.TCPOptMSS, header.TCPOptWScale, header.TCPOptSACKPermitted:
		f.filler(v[min(len(v), 2):])
	case header.TCPOptTimestamps:
		f.filler(v[min(len(v), 8):])
	case header.TCPOptSACK:
		f.filler(v[min(len(v), 4*header.BlockSize):])
	case header.TCPOptMPTCP:
		if len(v) == 0 || v[0]>>4 != mptcpDSS {
			f.filler(v[min(len(v), 2):])
		}
	default:
		f.filler(v)
	}
}

// udp replaces the payload of a datagram.
func (f *Frames) udp(b []byte, p *part) {
	if len(b) < header.UDPSize {
		return // numbers alone
	}
	src, dst := header.UDPSrcPort.Get(b), header.UDPDstPort.Get(b)
	rest, size := b[header.UDPSize:], max(p.size-header.UDPSize, 0)
	f.datagram(src, dst, rest, size, len(rest) >= size && !p.first && !f.quoted)
}

// covered has f replace what the checksum at field covers, without addresses.
func covered(b []byte, field header.Uint16, f func()) {
	checksum.Pseudo{}.Cover(b, field, 0, 0, true, f)
}

// be16 reads a number of two bytes.
func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
