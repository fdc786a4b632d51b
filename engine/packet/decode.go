package packet

import (
	"fmt"

	"netrepro/engine/packet/fragment"
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
	"netrepro/engine/packet/header/link"
)

// EtherTypes that are decoded further.
const (
	EtherTypeIPv4 = header.EtherTypeIPv4
	EtherTypeIPv6 = header.EtherTypeIPv6
)

// Decoder decodes frames, reusing its buffers from one to the next. It is not
// safe for concurrent use.
type Decoder struct {
	// Defragment has IP fragments joined: the one that completes a datagram is
	// decoded as all of it, the others as fragments.
	Defragment bool
	// Sums has transport checksums looked at, where the whole of what they are of was
	// captured. It costs time with every byte.
	Sums bool
	// Place is where the next frames were seen, by a number: fragments of one place are joined,
	// for each router on the way passes all of them on.
	Place int

	fragments fragment.Table
	payload   []byte
	outer     []byte // from the first IP header on
	path      encap.Path
	// unsummed is a packet of which the checksum covers something else than is here.
	unsummed bool
}

// Ethernet decodes an Ethernet frame of which data are the captured bytes and
// wireLen the length on the wire, into p. What p held before is gone. Damage
// is not an error: it is noted in p.Malformed() and the fields read so far stand.
func (d *Decoder) Ethernet(data []byte, wireLen int, p *Packet) {
	d.Frame(LinkEthernet, data, wireLen, p)
}

// Payload is what was captured of the transport payload of the packet decoded
// last, good until the next is decoded.
func (d *Decoder) Payload() []byte { return d.payload }

// IP is the packet decoded last from its first IP header on, nil if it has none. It is
// good until the next is decoded.
func (d *Decoder) IP() []byte { return d.outer }

// starts notes where an IP header begins.
func (d *Decoder) starts(data []byte) {
	if d.outer == nil {
		d.outer = data
	}
}

// Frame decodes a frame as [Decoder.Ethernet] does, whatever link it is from.
func (d *Decoder) Frame(l Link, data []byte, wireLen int, p *Packet) {
	*p = Packet{Length: int32(wireLen), WScale: -1, Cut: len(data) < wireLen}
	d.payload, d.outer = nil, nil
	// What slices past the end of short or crafted layers must not end the reading of
	// a capture: the trace must survive what it is shown.
	defer func() {
		if r := recover(); r != nil {
			p.more().malformed = fmt.Sprint(r)
		}
	}()
	if l == LinkEthernet && d.plain(data, wireLen, p) {
		return
	}
	in := link.Pass(&d.path, l, data, wireLen)
	if in.Why != "" {
		p.more().malformed = in.Why
	}
	d.network(in, p)
}

// plain decodes IP in an Ethernet frame without tags, as most of it is, and reports
// whether it was that.
func (d *Decoder) plain(data []byte, wireLen int, p *Packet) bool {
	if len(data) < header.EthernetSize {
		return false
	}
	switch body := data[header.EthernetSize:]; header.EthernetType.Get(data) {
	case EtherTypeIPv4:
		d.path.Begin()
		d.ipv4(body, wireLen-header.EthernetSize, p)
	case EtherTypeIPv6:
		d.path.Begin()
		d.ipv6(body, wireLen-header.EthernetSize, p)
	default:
		return false
	}
	return true
}

// network decodes the IP packet behind the headers that were passed, if there is one.
func (d *Decoder) network(in encap.Inner, p *Packet) {
	p.EtherType = in.Type
	switch {
	case in.Data == nil:
	case in.Type == EtherTypeIPv4:
		d.ipv4(in.Data, in.Size, p)
	case in.Type == EtherTypeIPv6:
		d.ipv6(in.Data, in.Size, p)
	}
}

// within decodes what a tunnel carries: its fields replace those of the packet outside.
func (d *Decoder) within(in encap.Inner, p *Packet) {
	*p = Packet{Length: p.Length, WScale: -1, Cut: p.Cut}
	d.payload = nil
	d.network(in, p)
}

// ipv4 decodes a packet that has size bytes of the frame to itself, whatever
// its header claims.
func (d *Decoder) ipv4(data []byte, size int, p *Packet) {
	d.starts(data)
	p.EtherType, d.unsummed = EtherTypeIPv4, false
	if len(data) < header.IPv4Size || header.Version(data) != 4 {
		p.more().malformed = "ipv4 header shorter than 20 bytes or of another version"
		return
	}
	head, total, frag := header.IPv4HeadLen(data), int(header.IPv4Length.Get(data)), header.IPv4Fragment.Get(data)
	if total == 0 {
		total = size // segmentation is left to the device and the length not yet known
	}
	p.Src, p.Dst = header.IPv4Src.Get(data), header.IPv4Dst.Get(data)
	p.Proto, p.TTL, p.ID = header.IPv4Proto.Get(data), header.IPv4TTL.Get(data), header.IPv4ID.Get(data)
	p.DF = frag&header.DontFragment != 0
	p.IPLen = int32(total)
	if head < header.IPv4Size || head > len(data) || total < head {
		p.more().malformed = "ipv4 header length is wrong"
		p.Proto = 0
		return
	}
	total = min(total, size)
	body := data[head:max(min(total, len(data)), head)]
	more := frag&header.MoreFragments != 0
	if from := int(frag&header.FragmentOffset) * 8; from > 0 || more {
		d.fragment(fragment.Fragment{Key: d.key(p, uint32(p.ID), p.Proto), From: from, More: more, Data: body}, total-head, p)
		return
	}
	d.transport(body, total-head, p)
}

// key names the datagram that a packet is a piece of.
func (d *Decoder) key(p *Packet, id uint32, proto uint8) fragment.Key {
	return fragment.Key{Place: d.Place, Src: p.Src, Dst: p.Dst, ID: id, Proto: proto}
}

// fragment decodes a fragment that has size bytes on the wire: as the whole
// datagram if it is the last that was missing, as the beginning of a transport
// header if that is all there will be.
func (d *Decoder) fragment(f fragment.Fragment, size int, p *Packet) {
	p.Fragment = true
	if len(f.Data) < size || !d.Defragment {
		if f.From == 0 {
			p.Fragment, d.unsummed = false, true
			d.transport(f.Data, size, p)
			p.Unsized = true
		}
		return
	}
	if whole := d.fragments.Add(f); whole != nil {
		p.Fragment = false
		d.transport(whole, len(whole), p)
	}
}

func (d *Decoder) ipv6(data []byte, size int, p *Packet) {
	d.starts(data)
	p.EtherType, d.unsummed = EtherTypeIPv6, false
	if len(data) < header.IPv6Size || header.Version(data) != 6 {
		p.more().malformed = "ipv6 header shorter than 40 bytes or of another version"
		return
	}
	p.Src, p.Dst = header.IPv6Src.Get(data), header.IPv6Dst.Get(data)
	p.Proto, p.TTL = header.IPv6Next.Get(data), header.IPv6Hops.Get(data)
	length := int(header.IPv6Length.Get(data))
	if length == 0 {
		// Left to the device, as with IPv4, or longer than the field can
		// say (RFC 2675).
		length = size - header.IPv6Size
	}
	p.IPLen = int32(header.IPv6Size + length)
	length = max(min(length, size-header.IPv6Size), 0)
	body := data[header.IPv6Size:min(header.IPv6Size+length, len(data))]
	for {
		var n int
		switch p.Proto {
		case header.ProtoHopByHop, header.ProtoRouting, header.ProtoDest, header.ProtoMobility, header.ProtoShim6:
			if len(body) >= 8 {
				n = 8 + int(header.ExtLength.Get(body))*8
			}
		case header.ProtoAuth:
			n = header.AuthLen(body)
		case header.ProtoFragment:
			if len(body) >= header.FragmentSize {
				d.fragment6(body, length, p)
				return
			}
		default:
			d.transport(body, length, p)
			return
		}
		if n == 0 || n > len(body) {
			p.more().malformed = "ipv6 extension header reaches beyond the packet"
			return
		}
		// A checksum is of the address at the end of a route.
		d.unsummed = d.unsummed || p.Proto == header.ProtoRouting && header.RouteLeft.Get(body) > 0
		p.Proto, body, length = header.ExtNext.Get(body), body[n:], length-n
	}
}

func (d *Decoder) fragment6(b []byte, length int, p *Packet) {
	p.Proto = header.ExtNext.Get(b)
	from, more := header.FragmentPlace(b)
	f := fragment.Fragment{Key: d.key(p, header.FragmentIdent.Get(b), p.Proto), From: from, More: more,
		Data: b[header.FragmentSize:]}
	size := length - header.FragmentSize
	if from == 0 && !more { // an atomic fragment, RFC 6946
		d.transport(f.Data, size, p)
		return
	}
	d.fragment(f, size, p)
}

// transport decodes the layer above IP; size is its length by the IP header,
// which may be more than was captured.
func (d *Decoder) transport(data []byte, size int, p *Packet) {
	switch p.Proto {
	case ProtoTCP:
		d.tcp(data, size, p)
		d.sum(data, size, p)
	case ProtoUDP:
		if why := udpDamage(data); why != "" {
			p.more().malformed = why
			return
		}
		p.SrcPort, p.DstPort = header.UDPSrcPort.Get(data), header.UDPDstPort.Get(data)
		p.PayloadLen = int32(max(size-header.UDPSize, 0))
		d.payload = data[header.UDPSize:]
		if !d.udpTunnel(data, size, p) {
			d.sum(data, size, p)
		}
	case ProtoICMP, ProtoICMPv6:
		p.PayloadLen = int32(max(size-header.ICMPSize, 0))
		icmp(data, p)
		d.sum(data, size, p)
	case header.ProtoAuth: // behind IPv4; ipv6 passes it with the other headers
		if n := header.AuthLen(data); n > 0 && n <= len(data) && d.path.Deeper() {
			p.Proto = header.ExtNext.Get(data)
			d.transport(data[n:], size-n, p)
		}
	default:
		in, ok := d.path.Protocol(p.Proto, data, size)
		switch {
		case ok:
			d.within(in, p)
		case in.Why == encap.TooDeep.Why:
			p.more().malformed = in.Why
		}
	}
}

// udpDamage says what is wrong with the header of a datagram, empty for nothing. A length
// of 0 is that of a jumbogram (RFC 2675, section 4).
func udpDamage(data []byte) string {
	if len(data) < header.UDPSize {
		return fmt.Sprintf("udp header shorter than 8 bytes: %d", len(data))
	}
	if n := header.UDPLength.Get(data); n > 0 && n < header.UDPSize {
		return fmt.Sprintf("udp length of %d bytes is shorter than its header", n)
	}
	return ""
}

// udpTunnel decodes what the payload carries, and reports whether it is a tunnel.
func (d *Decoder) udpTunnel(data []byte, size int, p *Packet) bool {
	in, ok := d.path.UDP(p.SrcPort, p.DstPort, d.payload, int(p.PayloadLen))
	if !ok && d.Defragment && !p.Cut {
		in, ok = d.joined(p)
	}
	if ok {
		d.sum(data, size, p)
		bad := p.Checksum == BadSum
		d.within(in, p)
		if bad {
			p.Checksum = BadTunnel
		}
	}
	return ok
}

// joined is what the payload is the last piece of.
func (d *Decoder) joined(p *Packet) (in encap.Inner, ok bool) {
	piece := encap.CAPWAPPiece(p.SrcPort, p.DstPort, d.payload)
	if piece == nil {
		return in, false
	}
	k := d.key(p, uint32(piece.ID), ProtoUDP)
	k.Within = true
	whole := d.fragments.Add(fragment.Fragment{Key: k, From: piece.From, More: piece.More, Data: piece.Data})
	if whole == nil {
		return in, false
	}
	return d.path.CAPWAP(d.payload, whole)
}
