package header

import (
	"encoding/binary"
	"net/netip"
)

// Place is where a field stands: so many bytes, from an offset in its header on.
type Place interface {
	Offset() int
	Size() int
}

// Each kind of place is the offset of a number or an address in network byte order. Get
// and Put panic where the header is shorter.
type (
	// Uint8 is the place of a number of one byte.
	Uint8 int
	// Uint16 is the place of a number of two bytes.
	Uint16 int
	// Uint32 is the place of a number of four bytes.
	Uint32 int
	// Addr4 is the place of an IPv4 address.
	Addr4 int
	// Addr6 is the place of an IPv6 address.
	Addr6 int
	// MAC is the place of an Ethernet address.
	MAC int
)

// Bits are some bits of a place: Width of them, the last Shift bits above its last.
type Bits struct {
	Place
	Shift, Width uint
}

// Whole is all of a place.
func Whole(p Place) Bits { return Bits{p, 0, uint(8 * p.Size())} }

// Offset implements [Place].
func (at Uint8) Offset() int { return int(at) }

// Size implements [Place].
func (Uint8) Size() int { return 1 }

// Get reads the field of the header that b begins with.
func (at Uint8) Get(b []byte) uint8 { return b[at] }

// Put writes the field.
func (at Uint8) Put(b []byte, v uint8) { b[at] = v }

// Offset implements [Place].
func (at Uint16) Offset() int { return int(at) }

// Size implements [Place].
func (Uint16) Size() int { return 2 }

// Get reads the field of the header that b begins with.
func (at Uint16) Get(b []byte) uint16 { return binary.BigEndian.Uint16(b[at:]) }

// Put writes the field.
func (at Uint16) Put(b []byte, v uint16) { binary.BigEndian.PutUint16(b[at:], v) }

// Offset implements [Place].
func (at Uint32) Offset() int { return int(at) }

// Size implements [Place].
func (Uint32) Size() int { return 4 }

// Get reads the field of the header that b begins with.
func (at Uint32) Get(b []byte) uint32 { return binary.BigEndian.Uint32(b[at:]) }

// Put writes the field.
func (at Uint32) Put(b []byte, v uint32) { binary.BigEndian.PutUint32(b[at:], v) }

// Offset implements [Place].
func (at Addr4) Offset() int { return int(at) }

// Size implements [Place].
func (Addr4) Size() int { return 4 }

// Get reads the address of the header that b begins with.
func (at Addr4) Get(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b[at:])) }

// Put writes the address.
func (at Addr4) Put(b []byte, a netip.Addr) { copy(b[at:], a.AsSlice()) }

// Offset implements [Place].
func (at Addr6) Offset() int { return int(at) }

// Size implements [Place].
func (Addr6) Size() int { return 16 }

// Get reads the address of the header that b begins with.
func (at Addr6) Get(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b[at:])) }

// Put writes the address.
func (at Addr6) Put(b []byte, a netip.Addr) { copy(b[at:], a.AsSlice()) }

// Offset implements [Place].
func (at MAC) Offset() int { return int(at) }

// Size implements [Place].
func (MAC) Size() int { return 6 }

// Get reads the address of the header that b begins with.
func (at MAC) Get(b []byte) [6]byte { return [6]byte(b[at:]) }

// Put writes the address.
func (at MAC) Put(b []byte, v [6]byte) { copy(b[at:], v[:]) }
