package frame

import (
	"bytes"

	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
)

// found is where an IP packet stands behind other headers, and what those say. It can be
// compared.
type found struct {
	ok, piece   bool
	kind        uint16
	at, n, size int // at is -1 if there is none
	why         string
}

// foundIn says where in b what was found in it stands: it is a part of b, and both reach
// as far as the memory that they are of.
func foundIn(b []byte, in encap.Inner, ok bool) found {
	if !ok {
		return found{at: -1, why: in.Why}
	}
	w := found{ok: true, kind: in.Type, at: -1, size: in.Size, why: in.Why}
	if in.Data != nil {
		w.at, w.n = cap(b)-cap(in.Data), len(in.Data)
	}
	return w
}

// carrier replaces what stands around an IP packet, then the packet. The first known
// bytes are done already. find looks for the packet again: what it finds stays the same.
func (f *Frames) carrier(b []byte, known int, was found, find func(b []byte) found) {
	if was.at < 0 {
		f.opaque(b, known, was, find)
		return
	}
	clear(b[was.at+was.n:]) // what pads a short frame may be left from anything
	spare(b, known, was.at, was, find)
	switch in := b[was.at : was.at+was.n]; was.kind {
	case header.EtherTypeIPv4:
		f.ipv4(in, was.size)
	case header.EtherTypeIPv6:
		f.ipv6(in, was.size)
	default:
		f.noPacket(in)
	}
}

// spare clears the bytes of headers without which the same is found. There are so many
// kinds of headers, with names and serial numbers in them, that it is not known of each
// byte what it is for.
func spare(b []byte, from, to int, was found, find func(b []byte) found) {
	for i := from; i < to; i++ {
		if c := b[i]; c != 0 {
			if b[i] = 0; find(b) != was {
				b[i] = c
			}
		}
	}
}

// headers is how far bytes are looked for without which something else would be found.
const headers = 128

// opaque replaces what no packet is found in, so that none is found in it afterwards.
func (f *Frames) opaque(b []byte, known int, was found, find func(b []byte) found) {
	known = min(known, len(b))
	rest := b[known:]
	if len(rest) == 0 {
		return
	}
	f.scratch = append(f.scratch[:0], rest...)
	f.filler(rest)
	for _, first := range []byte{rest[0], f.scratch[0] & 0xf0, 0} { // of a letter it may be a version of IP
		if rest[0] = first; find(b) == was {
			return
		}
	}
	n := min(len(rest), headers)
	copy(rest[:n], f.scratch)
	spare(b, known, known+n, was, find)
	if find(b) != was {
		clear(rest) // better something else than what it was
	}
}

// tunnel replaces what a protocol other than TCP, UDP and ICMP carries.
func (f *Frames) tunnel(b []byte, p *part) {
	if p.proto == header.ProtoAuth { // behind IPv4; ipv6 passes it with the other headers
		if n := header.AuthLen(b); n > 0 && n <= len(b) && f.path.Deeper() {
			f.extension(p.proto, b[:n])
			p.proto = header.ExtNext.Get(b)
			p.size -= n
			f.transport(b[n:], p)
			return
		}
	}
	before, proto, size := f.path, p.proto, p.size
	in, ok := f.path.Protocol(proto, b, size)
	find := func(b []byte) found {
		path := before
		in, ok := path.Protocol(proto, b, size)
		return foundIn(b, in, ok)
	}
	was := foundIn(b, in, ok)
	if proto == header.ProtoGRE {
		f.gre(b, was, find)
		return
	}
	f.carrier(b, 0, was, find)
}

// Flags of GRE (RFC 2784, RFC 2890), and where its checksum stands.
const (
	greLeast                  = 4
	greChecksum               = 0x80
	greKey                    = 0x20
	greSequence               = 0x10
	greUnusual                = 0x4f // routing, and what is reserved
	greField    header.Uint16 = 4
)

// gre replaces a packet behind a GRE header, of which key and sequence number stay.
func (f *Frames) gre(b []byte, was found, find func(b []byte) found) {
	n := greLeast
	if len(b) < greLeast || b[0]&greUnusual != 0 || b[1] != 0 {
		f.carrier(b, 0, was, find)
		return
	}
	for _, bit := range []byte{greChecksum, greKey, greSequence} {
		if b[0]&bit != 0 {
			n += 4
		}
	}
	n = min(n, len(b))
	if b[0]&greChecksum != 0 && len(b) >= 2*greLeast {
		covered(b, greField, func() { f.carrier(b, n, was, find) })
		return
	}
	f.carrier(b, n, was, find)
}

// datagram replaces the payload b of a UDP datagram of size bytes.
func (f *Frames) datagram(src, dst uint16, b []byte, size int, whole bool) {
	before := f.path
	find := func(b []byte) found {
		path := before
		in, ok := path.UDP(src, dst, b, size)
		w := foundIn(b, in, ok)
		w.piece = encap.CAPWAPPiece(src, dst, b) != nil
		return w
	}
	was := find(b)
	if _, ok := f.path.UDP(src, dst, b, size); ok || was.piece {
		f.carrier(b, f.vxlan(b, was), was, find)
		return
	}
	f.scratch = append(f.scratch[:0], b...)
	f.streams.Datagram(src, dst, whole, b)
	if find(b) != was {
		copy(b, f.scratch)
		f.opaque(b, 0, was, find)
	}
}

// vxlan replaces the addresses of a frame in VXLAN (RFC 7348), the tunnel that there is
// most, and returns how much of the headers stays: its network and the frame's own.
func (f *Frames) vxlan(b []byte, was found) int {
	const vxlanSize, flags = 8, 0x08
	if at := vxlanSize + header.EthernetSize; was.at != at || !bytes.Equal(b[:4], []byte{flags, 0, 0, 0}) || b[7] != 0 {
		return 0
	}
	return vxlanSize + f.ethernet(b[vxlanSize:])
}
