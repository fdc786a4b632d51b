package link

import (
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
)

// arcnet passes what follows the addresses of an ARCNET frame (RFC 1201, RFC 1051).
func arcnet(r encap.Rest, exceptions bool) encap.Inner {
	const (
		ipv4Old = 240 // without the header of fragments
		ipv4    = 212
		ipv6    = 196
		extra   = 0xff // the frame is one longer than its kind can be, and padded
	)
	kind := r.U8(0)
	r = r.Skip(1)
	if kind == ipv4Old {
		return encap.Inner{Type: header.EtherTypeIPv4, Data: r.B, Size: r.Size}
	}
	if exceptions && r.U8(0) == extra {
		r = r.Skip(4)
	}
	r = r.Skip(arcnetMore)
	switch kind {
	case ipv4:
		return encap.Inner{Type: header.EtherTypeIPv4, Data: r.B, Size: r.Size}
	case ipv6:
		return encap.Inner{Type: header.EtherTypeIPv6, Data: r.B, Size: r.Size}
	}
	return encap.Inner{}
}

// tokenRing passes the header of a Token Ring frame with its source route.
func tokenRing(p *encap.Path, r encap.Rest) encap.Inner {
	n := tokenRingSize
	if r.U8(8)&0x80 != 0 {
		n += int(r.U8(tokenRingSize) & 0x1f)
	}
	return p.LLC(r.Skip(n))
}

// radiotap passes the header that a capture in monitor mode has, and its frame.
func radiotap(p *encap.Path, r encap.Rest) encap.Inner {
	const (
		present, more     = 4, 1 << 31 // words that say which fields there are
		clock, flags, pad = 1, 2, 0x20
	)
	n := int(r.Little(0) >> 16)
	if n < 8 || n > len(r.B) {
		return encap.Inner{Why: "link header cut short"}
	}
	at, has := present, r.Little(present)
	for w := has; w&more != 0 && at < n; {
		at += 4
		w = r.Little(at)
	}
	at += 4
	if has&clock != 0 {
		at = (at+7)&^7 + 8
	}
	align := 1
	if has&flags != 0 && at < n && r.U8(at)&pad != 0 {
		align = 4
	}
	return p.WiFi(r.Skip(n), false, align)
}
