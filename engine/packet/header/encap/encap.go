// Package encap passes the headers around IP: those of links, of what stands between
// link and IP, and of tunnels. It says where the IP packet within begins.
//
// It decodes no IP header (package packet does).
//
// Invariant: no input makes it panic or read outside the bytes that it was given, and
// it passes a bounded number of headers.
package encap

import (
	"encoding/binary"

	"netrepro/engine/packet/header"
)

// Inner is what stands behind the headers that were passed.
type Inner struct {
	// Type is the EtherType of the last header that had one, or what Data is.
	Type uint16
	// Data is an IP packet as far as it was captured, nil if no IP packet was found;
	// Size is how long it is on the wire, with what follows it in the frame.
	Data []byte
	Size int
	// Why says what is wrong with a header, empty if nothing is.
	Why string
}

// IP reports whether what was found begins as an IP packet does.
func (i Inner) IP() bool {
	switch header.Version(i.Data) {
	case 4:
		return i.Type == header.EtherTypeIPv4 && len(i.Data) >= header.IPv4Size &&
			header.IPv4HeadLen(i.Data) >= header.IPv4Size
	case 6:
		return i.Type == header.EtherTypeIPv6 && len(i.Data) >= header.IPv6Size
	}
	return false
}

// Path passes the headers of one frame, tunnel after tunnel. Its zero value is ready.
type Path struct{ depth int }

// maxDepth bounds how many headers are passed.
const maxDepth = 32

// Deeper reports whether one more header may be passed.
func (p *Path) Deeper() bool {
	p.depth++
	return p.depth <= maxDepth
}

// Begin begins another frame.
func (p *Path) Begin() { p.depth = 0 }

// TooDeep is what is found where there are more headers than are passed.
var TooDeep = Inner{Why: "headers nested too deep"}

// Rest is what is left of a frame: the bytes that were captured, and how many there
// were on the wire. What was not captured reads as 0.
type Rest struct {
	B    []byte
	Size int
}

// Skip is r without its first n bytes.
func (r Rest) Skip(n int) Rest { return Rest{r.B[max(min(n, len(r.B)), 0):], max(r.Size-n, 0)} }

// Most is r without what is beyond n bytes.
func (r Rest) Most(n int) Rest {
	n = max(min(n, r.Size), 0)
	return Rest{r.B[:min(n, len(r.B))], n}
}

// U8 is the byte at an offset.
func (r Rest) U8(at int) byte {
	if at < 0 || at >= len(r.B) {
		return 0
	}
	return r.B[at]
}

// U16 is the number of two bytes at an offset.
func (r Rest) U16(at int) uint16 { return uint16(r.U8(at))<<8 | uint16(r.U8(at+1)) }

// U32 is the number of four bytes at an offset.
func (r Rest) U32(at int) uint32 { return uint32(r.U16(at))<<16 | uint32(r.U16(at+2)) }

// Little is a number of four bytes as the machine wrote it that captured.
func (r Rest) Little(at int) uint32 {
	if at < 0 || at+4 > len(r.B) {
		return 0
	}
	return binary.LittleEndian.Uint32(r.B[at:])
}

// IP is a packet that says its version itself.
func IP(r Rest) Inner {
	switch header.Version(r.B) {
	case 4:
		return Inner{Type: header.EtherTypeIPv4, Data: r.B, Size: r.Size}
	case 6:
		return Inner{Type: header.EtherTypeIPv6, Data: r.B, Size: r.Size}
	}
	if len(r.B) == 0 {
		return Inner{Why: "an empty packet"}
	}
	return Inner{}
}

// Typed passes what an EtherType announces.
func (p *Path) Typed(kind uint16, r Rest) Inner {
	if !p.Deeper() {
		return TooDeep
	}
	var in Inner
	switch kind {
	case header.EtherTypeIPv4, header.EtherTypeIPv6:
		return Inner{Type: kind, Data: r.B, Size: r.Size}
	case header.EtherTypeVLAN, header.EtherTypeQinQ, header.EtherTypeQinQOld:
		in = p.vlan(r)
	case header.EtherTypeMPLS, header.EtherTypeMPLSMC:
		in = p.MPLS(r)
	case header.EtherTypePPPoE:
		in = p.pppoe(r)
	case header.EtherTypePPP:
		in = p.HDLC(r)
	case header.EtherTypeBridged, header.EtherTypeBridgedOld:
		in = p.Ethernet(r)
	case header.EtherTypeNSH:
		in = p.nsh(r)
	default:
		in = p.rareType(kind, r)
	}
	if in.Type == 0 {
		in.Type = kind
	}
	return in
}

// rareType passes tags that few networks have.
func (p *Path) rareType(kind uint16, r Rest) Inner {
	switch kind {
	case header.EtherTypePBB: // 802.1ah: an Ethernet frame behind the service's tag
		return p.Ethernet(r.Skip(pbbSize))
	case header.EtherTypeFabricPath:
		return p.Ethernet(r.Skip(fabricPathSize))
	case header.EtherTypeTRILL:
		options := int(r.U16(0)>>trillOptionsShift&trillOptions) * 4
		return p.Ethernet(r.Skip(trillSize + options))
	case header.EtherTypeBatman:
		if r.U8(0) == batmanUnicast {
			return p.Ethernet(r.Skip(batmanSize))
		}
	case header.EtherTypeETag:
		return p.tag(r, eTagSize)
	case header.EtherTypeVNTag, header.EtherTypeHSR:
		return p.tag(r, header.TagSize)
	case header.EtherTypeCMD:
		return p.tag(r, cmdSize)
	case header.EtherTypeMACsec:
		flags, n := r.U8(0), macsecSize
		if flags&macsecSCI != 0 {
			n += macsecSCISize
		}
		if flags&macsecSecret == 0 {
			return p.tag(r.Most(r.Size-macsecICV), n)
		}
	}
	return Inner{}
}

// tag passes a tag of n bytes, behind which an EtherType stands.
func (p *Path) tag(r Rest, n int) Inner {
	if len(r.B) < n+2 {
		return Inner{Why: "a tag cut short"}
	}
	return p.Typed(r.U16(n), r.Skip(n+2))
}
