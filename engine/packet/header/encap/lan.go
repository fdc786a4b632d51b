package encap

import "netrepro/engine/packet/header"

// Ethernet passes the header of an Ethernet frame.
func (p *Path) Ethernet(r Rest) Inner {
	if len(r.B) < header.EthernetSize {
		return Inner{Why: "frame shorter than an Ethernet header"}
	}
	kind, body := header.EthernetType.Get(r.B), r.Skip(header.EthernetSize)
	if kind > header.MaxLength {
		return p.Typed(kind, body)
	}
	if group := r.U32(0); r.U8(4) == 0 && (group == 0x01000c00 || group == 0x03000c00) { // Cisco ISL
		if !p.Deeper() {
			return TooDeep
		}
		return p.Ethernet(r.Skip(islSize))
	}
	return p.LLC(body.Most(int(kind)))
}

// vlan passes an 802.1Q tag, from its control field on.
func (p *Path) vlan(r Rest) Inner {
	if len(r.B) < header.TagSize {
		return Inner{Why: "VLAN tag cut short"}
	}
	next := header.TagControl.Get(r.B)
	if next <= header.MaxLength {
		return p.LLC(r.Skip(header.TagSize).Most(int(next)))
	}
	return p.Typed(next, r.Skip(header.TagSize))
}

// LLC passes an IEEE 802.2 header: with SNAP (RFC 1042), or of IP itself.
func (p *Path) LLC(r Rest) Inner {
	switch {
	case r.U16(0) == 0x0606 && r.U8(2) == 3:
		return IP(r.Skip(llcSize))
	case r.U16(0) != snapPoints || r.U8(2) != 3 || len(r.B) < snapSize:
		return Inner{}
	}
	if !p.Deeper() {
		return TooDeep
	}
	switch oui := r.U32(2) & 0xffffff; oui {
	case ouiBridged:
		return p.bridged(r.U16(snapType), r.Skip(snapSize+snapPad))
	case 0, 0x0000f8: // Cisco's
		return p.Typed(r.U16(snapType), r.Skip(snapSize))
	}
	return Inner{}
}

// bridged passes an Ethernet frame of IEEE 802.1's SNAP (RFC 2684), with its checksum or
// without.
func (p *Path) bridged(kind uint16, r Rest) Inner {
	if kind == 1 || kind == 7 {
		return p.Ethernet(r)
	}
	return Inner{}
}

// IEEE 802.11 frame control (IEEE 802.11-2020, section 9.2.4.1).
const (
	wifiHeader    = 24
	wifiFourth    = 6 // the fourth address
	wifiQoS       = 2
	wifiHT        = 4
	wifiSubframe  = 14
	wifiSequence  = 22
	wifiToDS      = 0x01
	wifiFromDS    = 0x02
	wifiMore      = 0x04
	wifiProtected = 0x40
	wifiOrder     = 0x80
	wifiHasQoS    = 0x80 // of the first byte, which names the subtype
	wifiNoData    = 0x40
	wifiAMSDU     = 0x80
	wifiKind      = 0x0f // version 0 and the type
	wifiData      = 0x08
)

// WiFi passes the header of a data frame that is not encrypted and whole. Access points
// may send the two bytes of frame control swapped; align is to what the header is
// padded.
func (p *Path) WiFi(r Rest, swapped bool, align int) Inner {
	control, flags := r.U8(0), r.U8(1)
	if swapped {
		control, flags = flags, control
	}
	if len(r.B) < wifiHeader || control&wifiKind != wifiData || control&wifiNoData != 0 ||
		flags&(wifiProtected|wifiMore) != 0 || r.U8(wifiSequence)&0x0f != 0 {
		return Inner{}
	}
	n, several := wifiHeader, false
	if flags&(wifiToDS|wifiFromDS) == wifiToDS|wifiFromDS {
		n += wifiFourth
	}
	if control&wifiHasQoS != 0 {
		several = r.U8(n)&wifiAMSDU != 0
		n += wifiQoS
		if flags&wifiOrder != 0 {
			n += wifiHT
		}
	}
	n = (n + align - 1) / align * align
	if several {
		n += wifiSubframe
	}
	if r = r.Skip(n); r.U16(0) != snapPoints && looksEthernet(r) {
		return p.Ethernet(r)
	}
	return p.LLC(r)
}
