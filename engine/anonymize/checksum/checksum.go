// Package checksum keeps the checksums of packets as right or as wrong as they were, while
// what they cover is replaced.
package checksum

import (
	"encoding/binary"

	"netrepro/engine/packet/header"
)

// Sum adds up b as 16-bit words in ones' complement (RFC 1071).
func Sum(b []byte) uint64 { return uint64(^header.Checksum(b)) }

func fold(n uint64) uint16 {
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// Correct changes a checksum by the difference between two sums of what it covers (RFC
// 1624, equation 3), so that one that was wrong is wrong by as much.
func Correct(b []byte, field header.Uint16, before, after uint64) {
	if fold(before) != fold(after) {
		field.Put(b, fold(uint64(field.Get(b))+uint64(fold(before))+uint64(^fold(after))))
	}
}

// Pseudo is what a transport checksum covers of the IP header: the addresses, as they
// were and as they are.
type Pseudo struct{ Before, After uint64 }

// Cover has f replace the body of a packet, whose checksum stands at field, and mends
// the checksum. size is what the body had on the wire, proto its protocol; optional says
// that a checksum of zero is none.
func (p Pseudo) Cover(b []byte, field header.Uint16, size int, proto uint8, optional bool, f func()) {
	if field.Offset()+field.Size() > len(b) {
		f()
		return
	}
	was := field.Get(b)
	rest := uint64(proto) + uint64(size)&0xffff + uint64(size)>>16
	before := p.Before + Sum(b)
	right := fold(before+rest) == 0xffff
	f()
	switch {
	case was == 0 && (optional || !right):
		return // there is none, or it was left to the device
	case !right && was == fold(p.Before+rest): // that of the pseudo header alone is there
		field.Put(b, fold(p.After+rest))
		return
	}
	Correct(b, field, before, p.After+Sum(b))
	if optional && field.Get(b) == 0 {
		field.Put(b, 0xffff)
	}
}

// leastSummed is how much a fragment must have for its sum to tell nothing of it.
const leastSummed = 32

// Keep has f replace a part of a datagram that has its checksum in another fragment,
// and makes its sum what it was: so the checksum stays as right or as wrong as it was.
func Keep(b []byte, f func()) {
	if len(b) < leastSummed {
		f()
		return
	}
	before := Sum(b)
	f()
	last := b[len(b)&^1-2:][:2]
	was := binary.BigEndian.Uint16(last)
	rest := fold(Sum(b) + uint64(^was))
	binary.BigEndian.PutUint16(last, fold(before+uint64(^rest)))
}
