package encap

import "netrepro/engine/packet/header"

// pppoe passes a PPPoE header (RFC 2516).
func (p *Path) pppoe(r Rest) Inner {
	if len(r.B) < pppoeSize {
		return Inner{Why: "a PPPoE header cut short"}
	}
	return p.PPP(r.Skip(pppoeSize).Most(int(r.U16(pppoeLen))))
}

// HDLC passes PPP behind the address and control of its framing (RFC 1662), which
// may be left out, or Cisco's HDLC.
func (p *Path) HDLC(r Rest) Inner {
	switch {
	case r.U8(0) == 0x0f || r.U8(0) == 0x8f:
		return p.CHDLC(r)
	case r.U16(0) == 0xff03:
		r = r.Skip(2)
	}
	return p.PPP(r)
}

// Protocols of PPP (IANA).
const (
	pppIPv4     = 0x21
	pppBridge   = 0x31 // RFC 3518
	pppMultiple = 0x3d // RFC 1990
	pppIPv6     = 0x57
	pppMux      = 0x59 // RFC 3153
	pppMPLS     = 0x281
	pppMPLSMC   = 0x283
)

// PPP passes PPP's protocol field (RFC 1661, section 2), which may be compressed.
func (p *Path) PPP(r Rest) Inner {
	if !p.Deeper() {
		return TooDeep
	}
	kind := uint16(r.U8(0))
	if kind&1 != 0 {
		r = r.Skip(1)
	} else {
		kind, r = r.U16(0), r.Skip(2)
	}
	switch kind {
	case pppIPv4, header.EtherTypeIPv4:
		return p.Typed(header.EtherTypeIPv4, r)
	case pppIPv6, header.EtherTypeIPv6:
		return p.Typed(header.EtherTypeIPv6, r)
	case pppMPLS, pppMPLSMC:
		return p.MPLS(r)
	case pppBridge:
		return p.Ethernet(r.Skip(2))
	case pppMultiple:
		if r.U8(0)&0xc0 == 0xc0 { // its beginning and its end are here
			return p.PPP(r.Skip(4))
		}
	case pppMux:
		switch flags := r.U8(0); flags & 0xc0 { // of the first of the packets
		case 0x80:
			return p.PPP(r.Skip(1).Most(int(flags & 0x3f)))
		case 0xc0:
			return p.PPP(r.Skip(2).Most(int(r.U16(0) & 0x3fff)))
		}
	}
	return Inner{}
}

// CHDLC passes a header of Cisco's HDLC.
func (p *Path) CHDLC(r Rest) Inner {
	if len(r.B) < 4 {
		return Inner{Why: "frame shorter than the 4 bytes of its link header"}
	}
	const osi, pad = 0xfefe, 0
	kind := r.U16(2)
	if r = r.Skip(4); kind != osi {
		return p.Typed(kind, r)
	}
	if r.U8(0) == pad {
		r = r.Skip(1)
	}
	return p.networkLayer(r)
}

// FrameRelay passes a header of frame relay: as RFC 2427 has it, or Cisco's.
func (p *Path) FrameRelay(r Rest) Inner {
	const unnumbered = 3
	n := 2
	for n < 4 && r.U8(n-1)&1 == 0 {
		n++
	}
	r = r.Skip(n)
	if r.U8(0) != unnumbered {
		return p.Typed(r.U16(0), r.Skip(2))
	}
	if r = r.Skip(1); r.U8(0) == 0 { // a pad
		r = r.Skip(1)
	}
	return p.networkLayer(r)
}

// networkLayer passes an identifier of a protocol of the network layer (ISO/IEC TR 9577,
// RFC 2427).
func (p *Path) networkLayer(r Rest) Inner {
	const snap, ipv4, ipv6, ppp = 0x80, 0xcc, 0x8e, 0xcf
	switch r.U8(0) {
	case ipv4:
		return p.Typed(header.EtherTypeIPv4, r.Skip(1))
	case ipv6:
		return p.Typed(header.EtherTypeIPv6, r.Skip(1))
	case ppp:
		return p.PPP(r.Skip(1))
	case snap:
		kind, body := r.U16(4), r.Skip(6)
		if r.U32(0)&0xffffff == ouiBridged {
			return p.bridged(kind, body)
		}
		return p.Typed(kind, body)
	}
	return Inner{}
}

// maxLabels is how many labels a packet has at most: networks use up to ten (RFC 8662 speaks
// of the depths that routers read).
const maxLabels = 16

// MPLS passes the labels of a packet. What follows them they do not say: it is IP, an
// associated channel, or an Ethernet frame, with a control word before it or without.
func (p *Path) MPLS(r Rest) Inner {
	bottom := false
	for n := 0; !bottom; r = r.Skip(mplsSize) {
		if n++; n > maxLabels {
			return Inner{Why: "an MPLS label stack without an end"}
		}
		if len(r.B) < mplsSize {
			return Inner{Why: "an MPLS label cut short"}
		}
		bottom = r.U8(mplsBottom)&1 != 0
	}
	if in := IP(r); in.IP() || len(r.B) < header.IPv4Size {
		return in
	}
	if !p.Deeper() {
		return TooDeep
	}
	if r.U8(0)>>4 == 1 {
		switch r.U16(pwChannel) {
		case pppIPv4, pppIPv6:
			return IP(r.Skip(pwSize))
		}
	}
	if !looksEthernet(r) && r.U8(0)>>4 == 0 && looksEthernet(r.Skip(pwSize)) {
		r = r.Skip(pwSize)
	}
	if looksEthernet(r) {
		return p.Ethernet(r)
	}
	return Inner{}
}

// looksEthernet reports whether something that may be an Ethernet frame is one.
func looksEthernet(r Rest) bool {
	if len(r.B) < header.EthernetSize+2 {
		return false
	}
	switch kind := header.EthernetType.Get(r.B); kind {
	case header.EtherTypeIPv4:
		return r.U8(header.EthernetSize)>>4 == 4
	case header.EtherTypeIPv6:
		return r.U8(header.EthernetSize)>>4 == 6
	case header.EtherTypeARP:
		return r.U16(header.EthernetSize) == 1
	case header.EtherTypeVLAN, header.EtherTypeQinQ, header.EtherTypeMPLS, header.EtherTypePPPoE:
		return true
	default:
		return kind <= header.MaxLength && int(kind) <= r.Size && r.U16(header.EthernetSize) == snapPoints
	}
}

// nsh passes a network service header (RFC 8300).
func (p *Path) nsh(r Rest) Inner {
	return p.next(r.U8(nshNext), r.Skip(max(int(r.U8(nshLength)&nshUnits)*4, 8)))
}

// next passes what is announced by a next protocol of VXLAN-GPE and of NSH.
func (p *Path) next(kind byte, r Rest) Inner {
	if !p.Deeper() {
		return TooDeep
	}
	switch kind {
	case 1:
		return p.Typed(header.EtherTypeIPv4, r)
	case 2:
		return p.Typed(header.EtherTypeIPv6, r)
	case 3:
		return p.Ethernet(r)
	case 4:
		return p.nsh(r)
	case 5:
		return p.MPLS(r)
	}
	return Inner{}
}
