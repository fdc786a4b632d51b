package pcap

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"math/bits"
	"net/netip"
)

// Block types and options that are read and not written.
const (
	blockPacket = 2 // the obsolete packet block
	blockSimple = 3

	optSectionHardware = 2
	optTsOffset        = 14

	blockMinimum = 12
)

func isFlate(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

// nextBlock reads blocks of a pcapng file up to the next packet
// (draft-ietf-opsawg-pcapng, section 4).
func (p *Reader) nextBlock(f *Frame) error {
	for {
		h := p.head[:8]
		if err := p.full(h, true); err != nil {
			return err
		}
		if binary.LittleEndian.Uint32(h) == blockSection {
			if err := p.section(); err != nil {
				return err
			}
			continue
		}
		if p.order == nil {
			return damaged("a block before the first section header")
		}
		kind, size := p.order.Uint32(h), p.order.Uint32(h[4:])
		if size < blockMinimum || size%4 != 0 || size > maxRecord {
			return damaged("a block of %d bytes", size)
		}
		body, err := p.take(int(size) - 8)
		if err != nil {
			return err
		}
		if tail := p.order.Uint32(body[len(body)-4:]); tail != size {
			return damaged("a block whose lengths differ: %d and %d", size, tail)
		}
		body = body[:len(body)-4]
		packet, err := p.block(kind, body, f)
		if err != nil || packet {
			return err
		}
	}
}

// section reads the rest of a section header, which says the byte order.
func (p *Reader) section() error {
	var h [16]byte
	if err := p.full(h[:4], false); err != nil {
		return err
	}
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(h[:]):
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(h[:]):
		p.order = binary.BigEndian
	default:
		return damaged("a section header with byte order % x", h[:4])
	}
	size := p.order.Uint32(p.head[4:])
	if size < 28 || size%4 != 0 || size > maxRecord {
		return damaged("a section header of %d bytes", size)
	}
	body, err := p.take(int(size) - 12)
	if err != nil {
		return err
	}
	if tail := p.order.Uint32(body[len(body)-4:]); tail != size {
		return damaged("a section header whose lengths differ: %d and %d", size, tail)
	}
	if major := p.order.Uint16(body); major != 1 {
		return damaged("pcapng version %d.%d", major, p.order.Uint16(body[2:]))
	}
	p.first = len(p.Interfaces)
	p.Section = Section{}
	return p.options(body[12:len(body)-4], func(code uint16, v []byte) {
		switch code {
		case optComment:
			p.Section.Comment = string(v)
		case optSectionHardware:
			p.Section.Hardware = string(v)
		case optOS:
			p.Section.OS = string(v)
		case optApplication:
			p.Section.Application = string(v)
		}
	})
}

// block takes in one block and reports whether it is a packet.
func (p *Reader) block(kind uint32, b []byte, f *Frame) (bool, error) {
	switch kind {
	case blockInterface:
		return false, p.iface(b)
	case blockEnhanced:
		return true, p.enhanced(b, f)
	case blockPacket:
		return true, p.oldPacket(b, f)
	case blockSimple:
		return true, p.simple(b, f)
	case blockNames:
		return false, p.names(b)
	case blockSecrets:
		if len(b) >= 8 && p.order.Uint32(b) == secretsTLSKeyLog {
			n := min(int(p.order.Uint32(b[4:])), len(b)-8)
			p.Secrets = append(p.Secrets, b[8:8+max(min(n, maxSecrets-len(p.Secrets)), 0)]...)
		}
	case blockStatistics:
		return false, p.statistics(b)
	}
	return false, nil
}

func (p *Reader) iface(b []byte) error {
	if len(b) < 8 {
		return damaged("an interface description of %d bytes", len(b))
	}
	if len(p.Interfaces) == maxInterfaces {
		return damaged("more than %d interfaces", maxInterfaces)
	}
	i := Interface{Link: LinkType(p.order.Uint16(b)), SnapLen: p.order.Uint32(b[4:]), perSecond: 1e6}
	err := p.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optIfName && p.room(len(v)):
			i.Name = string(v)
		case code == optIfDesc && p.room(len(v)):
			i.Description = string(v)
		case code == optIfName || code == optIfDesc:
		case code == optIfMAC && len(v) == 6:
			copy(i.MAC[:], v)
		case code == optTsResol && len(v) >= 1:
			i.perSecond = resolution(v[0])
		case code == optTsOffset && len(v) >= 8:
			i.offset = int64(p.order.Uint64(v))
		default:
			i.Options = p.keep(i.Options, code, v)
		}
	})
	p.Interfaces = append(p.Interfaces, i)
	return err
}

// keep adds an option of an interface, as long as there is room.
func (p *Reader) keep(os []Option, code uint16, v []byte) []Option {
	if !p.room(len(v)) {
		return os
	}
	return append(os, Option{code, bytes.Clone(v)})
}

// room reports whether n more bytes of names and options may be kept, and counts
// them.
func (p *Reader) room(n int) bool {
	const each = 64 // besides
	if p.kept+n+each > maxKept {
		return false
	}
	p.kept += n + each
	return true
}

// resolution is how many units a second has: a power of 10, or of 2 if the
// highest bit is set.
func resolution(v byte) uint64 {
	if v&0x80 != 0 {
		return 1 << min(v&0x7f, 63)
	}
	n := uint64(1)
	for range min(v, 19) {
		n *= 10
	}
	return n
}

// nanoseconds converts a timestamp of the interface to nanoseconds since 1970.
func (i *Interface) nanoseconds(t uint64) int64 {
	hi, lo := bits.Mul64(t%i.perSecond, 1e9)
	frac, _ := bits.Div64(hi, lo, i.perSecond)
	return (int64(t/i.perSecond)+i.offset)*1e9 + int64(frac)
}

// on finds an interface of this section by its number there.
func (p *Reader) on(n uint32) (*Interface, int, error) {
	at := p.first + int(n)
	if int64(n) >= int64(len(p.Interfaces)-p.first) {
		return nil, 0, damaged("a packet on interface %d, which is not described", n)
	}
	return &p.Interfaces[at], at, nil
}

func (p *Reader) enhanced(b []byte, f *Frame) error {
	if len(b) < 20 {
		return damaged("an enhanced packet block of %d bytes", len(b))
	}
	return p.packet(b, 20, p.order.Uint32(b), f)
}

// oldPacket reads a packet block, which has a 16-bit interface and a count of
// drops where the enhanced one has 32 bits.
func (p *Reader) oldPacket(b []byte, f *Frame) error {
	if len(b) < 20 {
		return damaged("a packet block of %d bytes", len(b))
	}
	return p.packet(b, 20, uint32(p.order.Uint16(b)), f)
}

func (p *Reader) packet(b []byte, at int, iface uint32, f *Frame) error {
	i, index, err := p.on(iface)
	if err != nil {
		return err
	}
	t := uint64(p.order.Uint32(b[4:]))<<32 | uint64(p.order.Uint32(b[8:]))
	caplen, length := p.order.Uint32(b[12:]), p.order.Uint32(b[16:])
	if int64(caplen) > int64(len(b)-at) {
		return damaged("a packet of %d bytes in a block of %d", caplen, len(b))
	}
	*f = Frame{Interface: index, Time: i.nanoseconds(t), Data: b[at : at+int(caplen)],
		Length: int(min(max(length, caplen), 1<<31-1)), Link: i.Link}
	rest := b[min(at+(int(caplen)+3)&^3, len(b)):]
	if len(rest) < 4 {
		return nil
	}
	left := maxFrameOptions
	return p.options(rest, func(code uint16, v []byte) {
		const each = 64 // besides
		if left -= len(v) + each; left < 0 {
			return
		}
		switch {
		case code == optComment:
			f.Comments = append(f.Comments, string(v))
		case code == optEPBFlags && len(v) >= 4:
			flags := p.order.Uint32(v)
			f.Direction = Direction(flags & 3)
			if f.Direction > Outbound {
				f.Direction = Unknown
			}
			if flags&^3 != 0 { // the rest of the word would be lost
				f.Options = append(f.Options, Option{code, bytes.Clone(v)})
			}
		case code == optPacketID && len(v) == 8:
			f.ID = p.order.Uint64(v)
		default:
			f.Options = append(f.Options, Option{code, bytes.Clone(v)})
		}
	})
}

// simple reads a simple packet block: no interface, no time.
func (p *Reader) simple(b []byte, f *Frame) error {
	i, index, err := p.on(0)
	if err != nil {
		return err
	}
	if len(b) < 4 {
		return damaged("a simple packet block of %d bytes", len(b))
	}
	length := p.order.Uint32(b)
	caplen := min(int64(length), int64(len(b)-4))
	if i.SnapLen > 0 {
		caplen = min(caplen, int64(i.SnapLen))
	}
	*f = Frame{Interface: index, Data: b[4 : 4+caplen], Length: int(min(length, 1<<31-1)), Link: i.Link}
	return nil
}

// names reads a name resolution block; what is not an address is passed over.
func (p *Reader) names(b []byte) error {
	for len(b) >= 4 {
		kind, n := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		if kind == nrbEnd {
			return nil
		}
		if 4+n > len(b) {
			return damaged("a name of %d bytes in a block with %d left", n, len(b))
		}
		v := b[4 : 4+n]
		size := map[uint16]int{nrbIPv4: 4, nrbIPv6: 16}[kind]
		if size > 0 && len(v) > size {
			addr, _ := netip.AddrFromSlice(v[:size])
			for host := range bytes.SplitSeq(bytes.TrimRight(v[size:], "\x00"), []byte{0}) {
				if len(host) > 0 && p.room(len(host)) {
					p.Names = append(p.Names, Name{addr, string(host)})
				}
			}
		}
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	return nil
}

func (p *Reader) statistics(b []byte) error {
	if len(b) < 12 {
		return damaged("an interface statistics block of %d bytes", len(b))
	}
	return p.options(b[12:], func(code uint16, v []byte) {
		if code == optISBDropped && len(v) >= 8 {
			p.Lost += p.order.Uint64(v)
		}
	})
}

// options calls f for every option in b; values are good during the call.
func (p *Reader) options(b []byte, f func(code uint16, v []byte)) error {
	for len(b) >= 4 {
		code, n := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		if code == optEnd {
			return nil
		}
		if 4+n > len(b) {
			return damaged("an option of %d bytes in a block with %d left", n, len(b))
		}
		f(code, b[4:4+n])
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	return nil
}
