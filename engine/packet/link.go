package packet

import (
	"encoding/binary"
	"fmt"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"netrepro/engine/packet/header"
)

// Link is the kind of header a frame begins with: a LINKTYPE_ value of
// tcpdump.org.
type Link uint16

// Links that are decoded.
const (
	LinkNull          = Link(layers.LinkTypeNull)
	LinkEthernet      = Link(layers.LinkTypeEthernet)
	LinkPPP           = Link(layers.LinkTypePPP)
	LinkRawBSD   Link = 12
	LinkRawOpen  Link = 14
	LinkPPPHDLC       = Link(layers.LinkTypePPP_HDLC)
	LinkPPPoE         = Link(layers.LinkTypePPPEthernet)
	LinkRaw           = Link(layers.LinkTypeRaw)
	LinkCHDLC         = Link(layers.LinkTypeC_HDLC)
	LinkWiFi          = Link(layers.LinkTypeIEEE802_11)
	LinkLoop          = Link(layers.LinkTypeLoop)
	LinkEnc      Link = 109
	LinkSLL           = Link(layers.LinkTypeLinuxSLL)
	LinkPflog         = Link(layers.LinkTypePFLog)
	LinkRadiotap      = Link(layers.LinkTypeIEEE80211Radio)
	LinkPPPDir   Link = 204
	LinkIPv4          = Link(layers.LinkTypeIPv4)
	LinkIPv6          = Link(layers.LinkTypeIPv6)
	LinkSLL2     Link = 276
)

// Known reports whether frames of l are decoded.
func (l Link) Known() bool {
	switch l {
	case LinkNull, LinkEthernet, LinkPPP, LinkRawBSD, LinkRawOpen, LinkPPPHDLC, LinkPPPoE, LinkRaw, LinkCHDLC, LinkLoop,
		LinkSLL, LinkIPv4, LinkIPv6, LinkSLL2, LinkWiFi, LinkEnc, LinkPflog, LinkRadiotap, LinkPPPDir:
		return true
	}
	return false
}

// link decodes the header of a frame.
func (d *Decoder) link(l Link, data []byte, size int, p *Packet) {
	short := func(n int) bool {
		if len(data) >= n {
			return false
		}
		p.more().malformed = fmt.Sprintf("frame shorter than the %d bytes of its link header", n)
		return true
	}
	be := binary.BigEndian
	switch l {
	case LinkEthernet:
		d.ethernet(data, size, p)
	case LinkNull, LinkLoop:
		if !short(4) {
			d.ip(data[4:], size-4, p)
		}
	case LinkRaw, LinkRawBSD, LinkRawOpen, LinkIPv4, LinkIPv6:
		d.ip(data, size, p)
	case LinkSLL:
		if !short(16) {
			d.linkPayload(be.Uint16(data[14:]), data[16:], size-16, p)
		}
	case LinkSLL2:
		if !short(20) {
			d.linkPayload(be.Uint16(data), data[20:], size-20, p)
		}
	case LinkPPP, LinkPPPHDLC:
		if len(data) >= 2 && data[0] == 0xff && data[1] == 3 { // address and control
			data, size = data[2:], size-2
		}
		d.ppp(data, size, p)
	case LinkPPPoE:
		d.shim(header.EtherTypePPPoE, data, size, p)
	case LinkCHDLC:
		if !short(4) {
			d.linkPayload(be.Uint16(data[2:]), data[4:], size-4, p)
		}
	case LinkEnc, LinkPflog, LinkPPPDir, LinkRadiotap, LinkWiFi:
		d.rareLink(l, data, size, p)
	default:
		p.more().malformed = fmt.Sprintf("link type %d is not decoded", l)
	}
}

// ethernet decodes an Ethernet frame, also one within a tunnel.
func (d *Decoder) ethernet(data []byte, size int, p *Packet) {
	if len(data) < header.EthernetSize {
		p.more().malformed = "frame shorter than an Ethernet header"
		return
	}
	kind := header.EthernetType.Get(data)
	if kind <= header.MaxLength {
		d.llc(data[header.EthernetSize:], int(kind), p)
		return
	}
	if err := d.eth.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
		p.more().malformed = err.Error()
		return
	}
	d.linkPayload(kind, d.eth.Payload, size-header.EthernetSize, p)
}

// linkPayload decodes what follows a link header, and notes its type.
func (d *Decoder) linkPayload(kind uint16, data []byte, size int, p *Packet) {
	p.EtherType = kind
	d.network(kind, data, size, p)
}

// llc decodes an IEEE 802.2 header with SNAP (RFC 1042), the only one that
// carries IP.
func (d *Decoder) llc(data []byte, size int, p *Packet) {
	if len(data) >= 8 && data[0] == 0xaa && data[1] == 0xaa && data[2] == 3 {
		d.linkPayload(binary.BigEndian.Uint16(data[6:]), data[8:], size-8, p)
	}
}

// ip decodes a packet that says its version itself.
func (d *Decoder) ip(data []byte, size int, p *Packet) {
	if len(data) == 0 {
		p.more().malformed = "an empty packet"
		return
	}
	switch data[0] >> 4 {
	case 4:
		d.ipv4(data, size, p)
	case 6:
		d.ipv6(data, size, p)
	}
}

// ppp decodes a packet behind PPP's protocol field (RFC 1661, section 2).
func (d *Decoder) ppp(data []byte, size int, p *Packet) {
	switch {
	case len(data) >= 1 && data[0] == 0x21 || len(data) >= 1 && data[0] == 0x57: // compressed protocol field
		d.ip(data[1:], size-1, p)
	case len(data) >= 2 && data[0] == 0 && (data[1] == 0x21 || data[1] == 0x57):
		d.ip(data[2:], size-2, p)
	}
}

// shim decodes headers between link and network.
func (d *Decoder) shim(kind uint16, data []byte, size int, p *Packet) {
	if d.depth++; d.depth > maxDepth {
		p.more().malformed = "headers nested too deep"
		return
	}
	switch kind {
	case header.EtherTypeVLAN, header.EtherTypeQinQ, header.EtherTypeQinQOld:
		if len(data) < 4 {
			p.more().malformed = "VLAN tag cut short"
			return
		}
		next := binary.BigEndian.Uint16(data[2:])
		if next <= header.MaxLength {
			d.llc(data[4:], int(next), p)
			return
		}
		d.linkPayload(next, data[4:], size-4, p)
	case header.EtherTypeMPLS, header.EtherTypeMPLSMC:
		for len(data) >= 4 {
			bottom := data[2]&1 != 0
			data, size = data[4:], size-4
			if bottom {
				d.ip(data, size, p)
				return
			}
		}
	case header.EtherTypePPPoE:
		if len(data) >= 6 {
			d.ppp(data[6:], min(size-6, int(binary.BigEndian.Uint16(data[4:]))), p)
		}
	case header.EtherTypeBridged:
		d.ethernet(data, size, p)
	}
}
