// Package link passes the headers of links: it says what a frame of a link has within,
// and what its header says of where and which way the frame was captured.
//
// Invariant: no input makes it panic or read outside the bytes that it was given.
package link

import (
	"fmt"

	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
)

// Link is the kind of header a frame begins with: a LINKTYPE_ value of
// tcpdump.org.
type Link uint16

// Links whose headers are passed.
const (
	Null            Link = 0
	Ethernet        Link = 1
	TokenRing       Link = 6
	ARCNET          Link = 7
	PPP             Link = 9
	FDDI            Link = 10
	ATMOpen         Link = 11
	RawBSD          Link = 12
	RawOpen         Link = 14
	CLIPOld         Link = 19
	PPPHDLC         Link = 50
	PPPoE           Link = 51
	ATM             Link = 100
	Raw             Link = 101
	CHDLC           Link = 104
	WiFi            Link = 105
	CLIP            Link = 106
	FrameRelay      Link = 107
	Loop            Link = 108
	Enc             Link = 109
	SLL             Link = 113
	Pflog           Link = 117
	Prism           Link = 119
	IPFC            Link = 122
	SunATM          Link = 123
	Radiotap        Link = 127
	ARCNETLinux     Link = 129
	FireWire        Link = 138
	PKTAPUser       Link = 149 // as macOS writes it into pcap
	AVS             Link = 163
	JuniperEthernet Link = 178
	JuniperFR       Link = 180
	JuniperCHDLC    Link = 181
	PPI             Link = 192
	ERF             Link = 197
	PPPDir          Link = 204
	CHDLCDir        Link = 205
	FRDir           Link = 206
	MPLS            Link = 219
	IPv4            Link = 228
	IPv6            Link = 229
	NFLOG           Link = 239
	IPoIB           Link = 242
	PKTAP           Link = 258
	SLL2            Link = 276
)

// Known reports whether frames of l are decoded.
func (l Link) Known() bool {
	switch l {
	case Null, Ethernet, TokenRing, ARCNET, PPP, FDDI, ATMOpen, RawBSD, RawOpen, CLIPOld, PPPHDLC, PPPoE, ATM, Raw, CHDLC,
		WiFi, CLIP, FrameRelay, Loop, Enc, SLL, Pflog, Prism, IPFC, SunATM, Radiotap, ARCNETLinux, FireWire, PKTAPUser,
		AVS, JuniperEthernet, JuniperFR, JuniperCHDLC, PPI, ERF, PPPDir, CHDLCDir, FRDir, MPLS, IPv4, IPv6, NFLOG, IPoIB,
		PKTAP, SLL2:
		return true
	}
	return false
}

// Pass begins a frame: it passes the header of its link and all that follows up to the
// first IP header.
func Pass(p *encap.Path, l Link, b []byte, size int) encap.Inner {
	p.Begin()
	return pass(p, l, encap.Rest{B: b, Size: size})
}

func pass(p *encap.Path, l Link, r encap.Rest) encap.Inner {
	const flag, framed = 0x7e, 0xff03 // of PPP (RFC 1662)
	var n int
	switch l {
	case Ethernet:
		return p.Ethernet(r)
	case Raw, RawBSD, RawOpen, IPv4, IPv6:
		if r.U8(0) == flag {
			r = r.Skip(1)
		}
		if r.U16(0) == framed {
			return p.HDLC(r)
		}
		return encap.IP(r)
	case Null, Loop:
		n = nullSize
	case SLL:
		n = sllSize
	case SLL2:
		n = sll2Size
	case ARCNET:
		n = arcnetBSD
	case ARCNETLinux:
		n = arcnetLinux
	case IPoIB:
		n = ipoibSize
	default:
		return rareLink(p, l, r)
	}
	if len(r.B) < n {
		return encap.Inner{Why: fmt.Sprintf("frame shorter than the %d bytes of its link header", n)}
	}
	body := r.Skip(n)
	switch l {
	case Null, Loop:
		if r.U16(0) == framed {
			return p.HDLC(r)
		}
		return encap.IP(body)
	case SLL:
		return cooked(p, r.U16(sllHardware), r.U16(sllProto), body)
	case SLL2:
		return cooked(p, r.U16(sll2Hardware), r.U16(0), body)
	case ARCNET, ARCNETLinux:
		return arcnet(body, l == ARCNET)
	}
	return p.Typed(r.U16(ipoibGRH), body)
}

// cooked passes what Linux's cooked header announces: an EtherType, or one of Linux's
// own numbers.
func cooked(p *encap.Path, hardware, kind uint16, r encap.Rest) encap.Inner {
	const (
		netlink, monitor = 824, 803
		all, llc, ppp    = 3, 4, 7
	)
	switch {
	case hardware == netlink:
		return encap.Inner{}
	case hardware == monitor && kind == llc:
		return radiotap(p, r)
	case kind == all:
		return p.Ethernet(r)
	case kind == llc:
		return p.LLC(r)
	case kind == ppp:
		return p.PPP(r)
	}
	return p.Typed(kind, r)
}

// rareLink passes the headers of links that are captured now and then.
func rareLink(p *encap.Path, l Link, r encap.Rest) encap.Inner {
	if !p.Deeper() {
		return encap.TooDeep
	}
	switch l {
	case TokenRing:
		return tokenRing(p, r)
	case FDDI:
		return p.LLC(r.Skip(fddiSize))
	case PPP, PPPHDLC:
		return p.HDLC(r)
	case PPPDir:
		return p.HDLC(r.Skip(pppDirSize))
	case CHDLC:
		return p.CHDLC(r)
	case CHDLCDir:
		return p.CHDLC(r.Skip(pppDirSize))
	case FrameRelay:
		return p.FrameRelay(r)
	case FRDir:
		return p.FrameRelay(r.Skip(pppDirSize))
	case PPPoE:
		return p.Typed(header.EtherTypePPPoE, r)
	case MPLS:
		return p.MPLS(r)
	case ATM, ATMOpen, CLIP, CLIPOld:
		if r.U16(0) == 0xaaaa {
			return p.LLC(r)
		}
		return encap.IP(r)
	case SunATM:
		const lane, llc = 1, 2
		switch r.U8(0) & 0xf {
		case lane:
			return p.Ethernet(r.Skip(sunATMSize + laneSize))
		case llc:
			return p.LLC(r.Skip(sunATMSize))
		}
		return encap.Inner{}
	case IPFC:
		return p.LLC(r.Skip(ipfcSize))
	case FireWire:
		return p.Typed(r.U16(firewireType), r.Skip(firewireSize))
	case WiFi:
		return p.WiFi(r, false, 1)
	case Radiotap:
		return radiotap(p, r)
	case NFLOG:
		return nflog(r)
	case ERF:
		return erf(p, r)
	}
	return sizedLink(p, l, r)
}

// sizedLink passes headers of links that say themselves how long they are.
func sizedLink(p *encap.Path, l Link, r encap.Rest) encap.Inner {
	var n int
	switch l {
	case Enc:
		n = encSize
	case Pflog:
		n = (int(r.U8(0)) + 3) &^ 3
	case Prism, AVS:
		if n = prismLen; r.U32(0)>>12 == avsMagic {
			n = int(r.U32(4))
		}
	case PPI:
		n = int(r.Little(0) >> 16)
	case PKTAP, PKTAPUser:
		n = int(r.Little(0))
	case JuniperEthernet, JuniperFR, JuniperCHDLC:
		const magic, extended = 3, 0x80
		if n = magic + 1; r.U8(magic)&extended != 0 {
			n += 2 + int(r.U16(n))
		}
	default:
		return encap.Inner{Why: fmt.Sprintf("link type %d is not decoded", l)}
	}
	if n <= 0 || n > len(r.B) {
		return encap.Inner{Why: "link header cut short"}
	}
	switch body := r.Skip(n); l {
	case Prism, AVS:
		return p.WiFi(body, false, 1)
	case PPI:
		return pass(p, Link(r.Little(4)), body)
	case PKTAP, PKTAPUser:
		if n < pktapLeast || r.Little(pktapNext) != 1 {
			return encap.Inner{}
		}
		return pass(p, Link(r.Little(pktapDLT)), body)
	case JuniperEthernet:
		return p.Ethernet(body)
	case JuniperFR:
		return p.FrameRelay(body)
	case JuniperCHDLC:
		return p.CHDLC(body)
	default:
		return encap.IP(body)
	}
}

// nflog finds the packet among what netfilter logs of it.
func nflog(r encap.Rest) encap.Inner {
	for r = r.Skip(nflogSize); len(r.B) >= nflogHead; {
		head := r.Little(0)
		n, kind := int(head&0xffff), head>>16&0x7fff
		if n < nflogHead {
			break
		}
		if kind == nflogPayload {
			return encap.IP(r.Most(n).Skip(nflogHead))
		}
		r = r.Skip((n + 3) &^ 3)
	}
	return encap.Inner{}
}

// erf passes the header of a card of Endace's, with its extensions.
func erf(p *encap.Path, r encap.Rest) encap.Inner {
	const (
		extended                           = 0x80
		hdlc, ethernet, color, dsm, v4, v6 = 1, 2, 11, 16, 22, 23
	)
	kind, n := r.U8(erfType), erfSize
	for more := kind; more&extended != 0 && n < len(r.B); n += 8 {
		more = r.U8(n)
	}
	switch body := r.Skip(n).Most(int(r.U16(erfWire)) + erfPad); kind &^ extended {
	case hdlc:
		return p.HDLC(body)
	case ethernet, color, dsm:
		return p.Ethernet(body.Skip(erfPad))
	case v4, v6:
		return encap.IP(body)
	}
	return encap.Inner{}
}

// Sizes and places of the headers, in bytes from where each begins.
const (
	sllHardware, sllProto, sllSize               = 2, 14, 16
	sll2Index, sll2Hardware, sll2Kind, sll2Size  = 4, 8, 10, 20
	nullSize, pppDirSize, encSize                = 4, 1, 12
	arcnetBSD, arcnetLinux, arcnetMore           = 2, 4, 3
	ipoibGRH, ipoibSize                          = 40, 44
	tokenRingSize, fddiSize, ipfcSize            = 14, 13, 16
	sunATMSize, laneSize                         = 4, 2
	firewireType, firewireSize                   = 16, 18
	prismLen, avsMagic                           = 144, 0x80211
	nflogSize, nflogPayload, nflogHead           = 4, 9, 4
	erfType, erfWire, erfSize, erfPad            = 8, 14, 16, 2
	pflogName, pflogDirection, pflogNameSize     = 4, 60, 16
	pktapNext, pktapDLT, pktapName, pktapFlags   = 4, 8, 12, 36
	pktapNameSize, pktapLeast, pktapIn, pktapOut = 24, 40, 1, 2
)
