package frame

import (
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
	"netrepro/engine/packet/header/link"
	"netrepro/engine/packet/header/neighbour"
)

// link replaces a frame from its link header on.
func (f *Frames) link(l packet.Link, b []byte, size int) {
	find := func(b []byte) found {
		var path encap.Path
		return foundIn(b, link.Pass(&path, l, b, size), true)
	}
	was := foundIn(b, link.Pass(&f.path, l, b, size), true)
	known := 0
	switch l {
	case link.Ethernet:
		known = f.ethernet(b)
	case link.SLL:
		if len(b) >= neighbour.SLLSize {
			f.station(b, neighbour.SLLMAC, int(neighbour.SLLLength.Get(b)))
			known = f.typed(neighbour.SLLProto.Get(b), b, neighbour.SLLSize)
		}
	case link.SLL2:
		if len(b) >= neighbour.SLL2Size {
			f.station(b, neighbour.SLL2MAC, int(neighbour.SLL2Length.Get(b)))
			known = f.typed(neighbour.SLL2Proto.Get(b), b, neighbour.SLL2Size)
		}
	case link.WiFi:
		known = f.wifi(b)
	case link.Null, link.Loop:
		known = min(4, len(b)) // the family of addresses
	}
	if find(b) != was { // other addresses mean something else: then none stays
		known = 0
		clear(b[:min(len(b), 2*header.MAC(0).Size())])
	}
	f.carrier(b, known, was, find)
}

// station replaces a link address of n bytes, for which there are eight.
func (f *Frames) station(b []byte, at header.MAC, n int) {
	place := b[at.Offset() : at.Offset()+8]
	if n == at.Size() {
		f.mac(b, at)
		clear(place[at.Size():])
		return
	}
	clear(place)
}

// wifi replaces the addresses of a frame of IEEE 802.11, and returns where they end.
func (f *Frames) wifi(b []byte) int {
	n := 0
	for _, at := range []header.MAC{neighbour.WiFiFirst, neighbour.WiFiSecond, neighbour.WiFiThird} {
		if end := at.Offset() + at.Size(); end <= len(b) {
			f.mac(b, at)
			n = end
		}
	}
	return n
}

// What Ethernet addresses of groups of IP begin with (RFC 1112, RFC 2464).
var (
	group4 = [3]byte{1, 0, 0x5e}
	group6 = [2]byte{0x33, 0x33}
)

// ethernet replaces the addresses of an Ethernet frame, and returns how much of it is
// done: the header and its tags.
func (f *Frames) ethernet(b []byte) int {
	if len(b) < header.EthernetSize {
		return 0
	}
	if dst := header.EthernetDst.Get(b); [3]byte(dst[:3]) == group4 || [2]byte(dst[:2]) == group6 {
		f.group = b
	}
	f.mac(b, header.EthernetDst)
	f.mac(b, header.EthernetSrc)
	return f.typed(header.EthernetType.Get(b), b, header.EthernetSize)
}

// typed goes on with what an EtherType announces at an offset of b, and returns how far
// all is done.
func (f *Frames) typed(kind uint16, b []byte, at int) int {
	const label, session, protocol = 4, 6, 2
	for {
		switch rest := b[at:]; {
		case kind == header.EtherTypeVLAN || kind == header.EtherTypeQinQ || kind == header.EtherTypeQinQOld:
			if len(rest) < header.TagSize {
				return at
			}
			kind, at = be16(rest[2:]), at+header.TagSize
			continue
		case kind == header.EtherTypeMPLS && len(rest) >= label:
			if at += label; rest[2]&1 != 0 {
				return at
			}
			continue
		case kind == header.EtherTypePPPoE && len(rest) >= session+protocol:
			return at + session + protocol
		case kind == header.EtherTypeARP || kind == neighbour.EtherTypeRARP:
			f.arp(rest)
			return len(b)
		case kind <= header.MaxLength && len(rest) >= 3: // IEEE 802.2
			return at + 3
		}
		return at
	}
}

// arp replaces the addresses of who asks and who is asked for.
func (f *Frames) arp(b []byte) {
	if len(b) < neighbour.ARPSize || neighbour.ARPProtocol.Get(b) != header.EtherTypeIPv4 ||
		neighbour.ARPSizes.Get(b) != neighbour.ARPSizesIPv4 {
		f.filler(b[min(len(b), neighbour.ARPFixed):])
		return
	}
	f.mac(b, neighbour.ARPSenderMAC)
	f.addr4(b, neighbour.ARPSender)
	f.mac(b, neighbour.ARPTargetMAC)
	f.addr4(b, neighbour.ARPTarget)
	clear(b[neighbour.ARPSize:])
}

// ip replaces a packet that says its version itself.
func (f *Frames) ip(b []byte, size int) {
	switch header.Version(b) {
	case 4:
		f.ipv4(b, size)
	case 6:
		f.ipv6(b, size)
	default:
		f.noPacket(b)
	}
}
