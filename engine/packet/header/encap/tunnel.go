package encap

import "netrepro/engine/packet/header"

// Protocol passes the tunnels that are IP protocols of their own; ok is false if proto is
// none, or has no packet within.
func (p *Path) Protocol(proto uint8, b []byte, size int) (in Inner, ok bool) {
	if !p.Deeper() {
		return TooDeep, false
	}
	r := Rest{b, size}
	switch proto {
	case header.ProtoIPIP, header.ProtoIPv6:
		in = IP(r)
	case header.ProtoGRE:
		in = p.gre(r)
	case header.ProtoEtherIP:
		in = p.Ethernet(r.Skip(etherIPSize))
	case header.ProtoMPLS:
		in = p.MPLS(r)
	case header.ProtoBridged:
		in = p.Ethernet(r)
	}
	return in, in.found()
}

// found reports whether there is a packet within, or an Ethernet frame of another kind.
func (i Inner) found() bool { return i.IP() || i.Data == nil && i.Type > header.MaxLength }

// gre passes a GRE header (RFC 2784, RFC 2890) with what older ones have (RFC 1701, RFC
// 2637).
func (p *Path) gre(r Rest) Inner {
	const (
		erspan, erspan3      = 0x88be, 0x22eb
		wccp                 = 0x883e
		arubaFrom, arubaUpTo = 0x8200, 0x83f0
	)
	flags, version, kind := r.U8(0), r.U8(1)&greVersion, r.U16(greProto)
	if len(r.B) < greSize {
		return Inner{}
	}
	n := greSize
	for _, bit := range []byte{greChecksum | greRouting, greKey, greSequence} {
		if flags&bit != 0 {
			n += 4
		}
	}
	if version == 1 && r.U8(1)&greAck != 0 {
		n += 4
	}
	if flags&greRouting != 0 && version == 0 {
		for n+greRouteSize <= len(r.B) {
			addresses := int(r.U8(n + greRouteLen))
			n += greRouteSize + addresses
			if addresses == 0 {
				break
			}
		}
	}
	if n > len(r.B) {
		return Inner{}
	}
	r = r.Skip(n)
	switch {
	case kind == erspan && flags&greSequence == 0: // type I has no header of its own
		return p.Ethernet(r)
	case kind == erspan && r.U8(0)>>4 != erspan3Version:
		return p.Ethernet(r.Skip(erspanSize))
	case kind == erspan || kind == erspan3:
		return p.erspan3(r)
	case kind == wccp && r.U8(0)>>4 != 4:
		return IP(r.Skip(wccpSize))
	case kind == wccp:
		return IP(r)
	case kind >= arubaFrom && kind <= arubaUpTo && kind&0xf == 0:
		return p.WiFi(r, false, 1)
	}
	in := p.Typed(kind, r)
	if in.Data == nil && in.Type == kind { // nothing that is decoded
		in.Type = 0
	}
	return in
}

// erspan3 passes a header of ERSPAN type III.
func (p *Path) erspan3(r Rest) Inner {
	const isIP = 2
	fields := r.U16(erspan3Fields)
	n := erspan3Size
	if fields&1 != 0 {
		n += erspan3More
	}
	if fields>>10&0x1f == isIP {
		return IP(r.Skip(n))
	}
	return p.Ethernet(r.Skip(n))
}

// UDP ports of tunnels (IANA, and what came to be used).
const (
	portL2TP     = 1701
	portGTP      = 2152
	portGTPOld   = 3386
	portTeredo   = 3544
	portGREinUDP = 4754
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portAYIYA    = 5072
	portCAPWAP   = 5247
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472 // Linux's own
	portTZSP     = 37008
)

// UDP passes the tunnels that UDP carries, by the ports of their kinds. VXLAN is found on
// any port where all of it fits. ok is false if there is no packet within.
func (p *Path) UDP(src, dst uint16, b []byte, size int) (in Inner, ok bool) {
	if len(b) < vxlanSize {
		return Inner{}, false
	}
	depth := p.depth
	if !p.Deeper() {
		return TooDeep, false
	}
	r := Rest{b, size}
	in = p.onPort(dst, r)
	if !in.found() && src != dst {
		p.depth = depth + 1
		in = p.onPort(src, r)
	}
	if !in.found() && isVXLAN(r) {
		in = p.Ethernet(r.Skip(vxlanSize))
	}
	if !in.found() {
		p.depth = depth
		return Inner{}, false
	}
	return in, true
}

// onPort passes the tunnel that a port is of.
func (p *Path) onPort(port uint16, r Rest) Inner {
	switch port {
	case portVXLAN:
		if r.U8(0)&vxlanVNI != 0 || looksEthernet(r.Skip(vxlanSize)) {
			return p.Ethernet(r.Skip(vxlanSize))
		}
	case portVXLANOld:
		if r.U8(0)&vxlanVNI != 0 && looksEthernet(r.Skip(vxlanSize)) {
			return p.Ethernet(r.Skip(vxlanSize))
		}
	case portVXLANGPE:
		return p.next(r.U8(vxlanNext), r.Skip(vxlanSize))
	case portGeneve:
		return p.Typed(r.U16(geneveProto), r.Skip(geneveSize+4*int(r.U8(0)&geneveOptions)))
	case portGREinUDP:
		return p.gre(r)
	case portMPLS:
		return p.MPLS(r)
	case portGTP, portGTPOld:
		return gtp(r)
	case portTeredo:
		return teredo(r)
	case portL2TP:
		return p.l2tp(r)
	case portAYIYA:
		n := ayiyaSize + 1<<(r.U8(0)>>4) + 4*int(r.U8(1)>>4)
		if r.U8(2)&0xf == ayiyaForward && r.U8(3) == header.ProtoIPv6 {
			return IP(r.Skip(n))
		}
	case portCAPWAP:
		return p.capwap(r)
	case portTZSP:
		return p.tzsp(r)
	}
	return Inner{}
}

// isVXLAN reports whether what goes to a port of no tunnel is VXLAN all the same: no bit
// of its header is another, and the IP packet in it is exactly as long as there is room.
func isVXLAN(r Rest) bool {
	if r.U32(0) != vxlanVNI<<24 || r.U8(vxlanSize-1) != 0 || len(r.B) < vxlanSize+header.EthernetSize+header.IPv4Size {
		return false
	}
	frame := r.Skip(vxlanSize)
	inner := frame.Skip(header.EthernetSize)
	const least = 60 - header.EthernetSize // shorter frames are filled up
	fits := func(length int) bool {
		return length == inner.Size || length < inner.Size && inner.Size == least
	}
	switch kind := header.EthernetType.Get(frame.B); {
	case kind == header.EtherTypeIPv4 && header.Version(inner.B) == 4:
		n := header.IPv4HeadLen(inner.B)
		return n >= header.IPv4Size && n <= len(inner.B) && header.Checksum(inner.B[:n]) == 0 &&
			fits(int(header.IPv4Length.Get(inner.B)))
	case kind == header.EtherTypeIPv6 && header.Version(inner.B) == 6 && len(inner.B) >= header.IPv6Size:
		return fits(header.IPv6Size + int(header.IPv6Length.Get(inner.B)))
	}
	return false
}

// gtp passes a header of GTP's user plane, of version 1 or 0.
func gtp(r Rest) Inner {
	if r.U8(1) != gtpUser || r.U8(0)&0x10 == 0 {
		return Inner{}
	}
	if r.U8(0)>>5 == 0 {
		return IP(r.Skip(gtpOldSize))
	}
	n := gtpSize
	if r.U8(0)&7 != 0 {
		n += gtpMore
		for next := r.U8(n - 1); r.U8(0)&4 != 0 && next != 0; { // extension headers
			size := 4 * int(r.U8(n))
			if size == 0 || n+size > len(r.B) {
				return Inner{}
			}
			n += size
			next = r.U8(n - 1)
		}
	}
	return IP(r.Skip(n))
}

// teredo passes what may stand before an IPv6 packet of Teredo (RFC 4380, section 5.1.1).
func teredo(r Rest) Inner {
	if r.U16(0) == 1 {
		r = r.Skip(teredoAuth + int(r.U8(2)) + int(r.U8(3)))
	}
	if r.U16(0) == 0 {
		r = r.Skip(teredoOrigin)
	}
	if header.Version(r.B) != 6 {
		return Inner{}
	}
	return IP(r)
}

// l2tp passes a data message of L2TP (RFC 2661, section 3.1).
func (p *Path) l2tp(r Rest) Inner {
	flags, n := r.U16(0), 6
	if flags&l2tpControl != 0 || flags&0xf != 2 {
		return Inner{}
	}
	if flags&l2tpLength != 0 {
		n += 2
	}
	if flags&l2tpSequence != 0 {
		n += 4
	}
	if flags&l2tpOffset != 0 {
		n += 2 + int(r.U16(n))
	}
	return p.HDLC(r.Skip(n))
}

// tzsp passes a header of TaZmen's sniffer protocol and its tags.
func (p *Path) tzsp(r Rest) Inner {
	const padding, end, isEthernet, isWiFi = 0, 1, 1, 18
	kind := r.U16(2)
	for n := tzspSize; n < len(r.B); {
		switch r.U8(n) {
		case padding:
			n++
		case end:
			switch kind {
			case isEthernet:
				return p.Ethernet(r.Skip(n + 1))
			case isWiFi:
				return p.WiFi(r.Skip(n+1), false, 1)
			}
			return Inner{}
		default:
			n += 2 + int(r.U8(n+1))
		}
	}
	return Inner{}
}
