//go:build linux

package nft

import (
	"encoding/binary"
	"math/bits"

	"github.com/google/nftables/expr"

	"netrepro/engine/packet/header"
)

// field is something of a packet that rules compare or set.
type field struct {
	load []expr.Any // into register 1
	size int        // bytes in the register
	// mask and shift pick bits of what is loaded; 0 is all of it.
	mask  uint64
	host  bool // it is in the byte order of the machine
	text  bool // an interface name
	addr  int  // bits of an address, 0 if it is none
	names map[string]uint64
	bits  bool // a set of flags: a list of names is any of them
	store func() []expr.Any
	deps  [][2]string // what must be known before: {"l4proto", "tcp"}
}

// Where the headers of a packet begin.
const (
	netHead   = expr.PayloadBaseNetworkHeader
	transHead = expr.PayloadBaseTransportHeader
)

var (
	ip4 = [2]string{"nfproto", "ip"}
	ip6 = [2]string{"nfproto", "ip6"}
)

func l4(name string) [2]string { return [2]string{"l4proto", name} }

func payload(base expr.PayloadBase, offset, size int) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: base, Offset: uint32(offset), Len: uint32(size)}}
}

// of is a field of a header that begins at base.
func of(base expr.PayloadBase, at header.Place, names map[string]uint64, deps ...[2]string) *field {
	return &field{load: payload(base, at.Offset(), at.Size()), size: at.Size(), names: names, deps: deps}
}

// part is some bits of the network header, which are read and written in the two
// bytes that hold them, so that the IPv4 checksum can follow.
func part(at header.Bits, names map[string]uint64, deps ...[2]string) *field {
	end := at.Offset() + at.Size()
	offset := (end - 1 - int(at.Shift)/8) &^ 1
	shift := 8*(offset+2-end) + int(at.Shift)
	f := &field{load: payload(netHead, offset, 2), size: 2, names: names, deps: deps,
		mask: (1<<at.Width - 1) << shift}
	w := expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: 1,
		Base: netHead, Offset: uint32(offset), Len: 2}
	if deps[0] == ip4 {
		w.CsumType, w.CsumOffset = expr.CsumTypeInet, uint32(header.IPv4Checksum)
	}
	f.store = func() []expr.Any { c := w; return []expr.Any{&c} }
	return f
}

func meta(key expr.MetaKey, size int, names map[string]uint64) *field {
	return &field{load: []expr.Any{&expr.Meta{Key: key, Register: 1}}, size: size, host: size > 1, names: names}
}

func ct(key expr.CtKey, size int, names map[string]uint64) *field {
	return &field{load: []expr.Any{&expr.Ct{Key: key, Register: 1}}, size: size, host: size > 1, names: names}
}

func setCt(key expr.CtKey) func() []expr.Any {
	return func() []expr.Any { return []expr.Any{&expr.Ct{Key: key, SourceRegister: true, Register: 1}} }
}

func settable(f *field, store func() []expr.Any) *field {
	f.store = store
	return f
}

// option is a number in a TCP option.
func option(kind uint8, at header.Place) *field {
	o := expr.Exthdr{Type: kind, Offset: uint32(at.Offset()), Len: uint32(at.Size()), Op: expr.ExthdrOpTcpopt}
	load, store := o, o
	load.DestRegister, store.SourceRegister = 1, 1
	return &field{size: at.Size(), deps: [][2]string{l4("tcp")}, load: []expr.Any{&load},
		store: func() []expr.Any { c := store; return []expr.Any{&c} }}
}

func flagged(f *field) *field {
	f.bits = true
	return f
}

func addressed(f *field, n int) *field {
	f.addr = n
	return f
}

func named(f *field) *field {
	f.text, f.host = true, false
	return f
}

// short are names that need no meta before them.
var short = map[string]string{"iifname": "meta iifname", "oifname": "meta oifname",
	"iif": "meta iifname", "oif": "meta oifname", "mark": "meta mark"}

// shift is how far up the bits of the field stand.
func (f *field) shift() int {
	if f.mask == 0 {
		return 0
	}
	return bits.TrailingZeros64(f.mask)
}

// top is the largest value of the field.
func (f *field) top() uint64 {
	if f.mask != 0 {
		return f.mask >> f.shift()
	}
	if f.size >= 8 {
		return 1<<64 - 1
	}
	return 1<<(8*f.size) - 1
}

// bytes are a value as it is in the register.
func (f *field) bytes(v uint64) []byte {
	b := make([]byte, 8)
	if f.host {
		binary.NativeEndian.PutUint64(b, v)
		if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
			return b[:f.size]
		}
		return b[8-f.size:]
	}
	binary.BigEndian.PutUint64(b, v<<f.shift())
	return b[8-f.size:]
}
