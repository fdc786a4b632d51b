package link

import (
	"bytes"

	"netrepro/engine/packet/header/encap"
)

// Origin is what the header of a link says of where a frame was captured. It can be
// compared.
type Origin struct {
	// Named says that the header names an interface: by Name, filled up with zeroes, or
	// if that is empty by Index.
	Named   bool
	Name    [pktapNameSize]byte
	Index   uint32
	In, Out bool
}

// Text is the name of the interface.
func (o *Origin) Text() string { return string(bytes.TrimRight(o.Name[:], "\x00")) }

// OriginOf reads the origin from the header of a frame.
func OriginOf(l Link, b []byte) (o Origin) {
	r := encap.Rest{B: b, Size: len(b)}
	switch l {
	case SLL:
		if len(b) >= sllSize {
			o.cooked(r.U16(0))
		}
	case SLL2:
		if len(b) >= sll2Size {
			o.Named, o.Index = true, r.U32(sll2Index)
			o.cooked(uint16(r.U8(sll2Kind)))
		}
	case Pflog:
		if n := int(r.U8(0)); n > pflogDirection && n <= len(b) {
			o.name(b[pflogName : pflogName+pflogNameSize])
			o.In, o.Out = r.U8(pflogDirection) == 1, r.U8(pflogDirection) == 2
		}
	case PKTAP, PKTAPUser:
		if n := r.Little(0); n >= pktapLeast && int64(n) <= int64(len(b)) && r.Little(pktapNext) == 1 {
			o.name(b[pktapName : pktapName+pktapNameSize])
			flags := r.Little(pktapFlags)
			o.In, o.Out = flags&pktapIn != 0, flags&pktapOut != 0
		}
	case PPPDir, CHDLCDir, FRDir:
		if len(b) >= pppDirSize {
			o.In, o.Out = b[0] == 0, b[0] != 0
		}
	}
	return o
}

// cooked takes in the kind of a packet that Linux captured: to this host, to all, to a
// group, to others, from this host.
func (o *Origin) cooked(kind uint16) {
	const group, ours = 2, 4
	o.In, o.Out = kind <= group, kind == ours
}

// name takes in a name that ends at a zero.
func (o *Origin) name(b []byte) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	o.Named = copy(o.Name[:], b) > 0
}
