package standin

import (
	"encoding/binary"
	"net/netip"
)

// addresses6 is what stands in for IPv6 addresses: for networks of 64 bits, and for
// interfaces in them. An interface has the same number in every network, as where it
// is made of its MAC address.
type addresses6 struct {
	nets   map[[8]byte]uint32
	ifaces map[[8]byte]uint64
	// low are the last three bytes of interfaces, which the group has too in which
	// neighbours are asked for (RFC 4291, section 2.7.1).
	low   map[[3]byte]uint32
	used  map[uint64]bool
	count [2]uint32 // of networks: of all, and of organisations
}

// solicited is what the groups begin with in which neighbours are asked for.
var solicited = [13]byte{0xff, 2, 11: 1, 12: 0xff}

// translated is what addresses begin with that hold one of IPv4 (RFC 6052).
var translated = [12]byte{0, 0x64, 0xff, 0x9b}

func (m *Map) addr6(a [16]byte) [16]byte {
	t := &m.six
	if t.nets == nil {
		t.nets, t.ifaces, t.low = map[[8]byte]uint32{}, map[[8]byte]uint64{}, map[[3]byte]uint32{}
		t.used = map[uint64]bool{}
	}
	addr := netip.AddrFrom16(a)
	switch {
	case addr.IsUnspecified(), addr.IsLoopback():
		return a
	case addr.Is4In6(), [12]byte(a[:12]) == translated:
		v4 := m.addr4([4]byte(a[12:]))
		copy(a[12:], v4[:])
		return a
	case [13]byte(a[:13]) == solicited:
		n := t.lowest([3]byte(a[13:]))
		a[13], a[14], a[15] = byte(n>>16), byte(n>>8), byte(n)
		return a
	case a[0] == 0xff:
		if wellKnown(a) {
			return a
		}
		return m.spread6(a, [8]byte{0xff, a[1]})
	case addr.IsLinkLocalUnicast():
		return m.spread6(a, [8]byte{0xfe, 0x80})
	}
	to, which := [8]byte{0x20, 1, 0x0d, 0xb8}, 0
	if addr.IsPrivate() {
		to, which = [8]byte{0xfd}, 1
	}
	n, ok := t.nets[[8]byte(a[:8])]
	if !ok {
		if len(t.nets) == maxNets {
			return m.spare6(a, to)
		}
		binary.BigEndian.PutUint32(to[4:], t.count[which])
		if to == [8]byte(a[:8]) { // none stands in for itself
			t.count[which]++
		}
		n = t.count[which]
		t.nets[[8]byte(a[:8])] = n
		t.count[which]++
	}
	binary.BigEndian.PutUint32(to[4:], n)
	return m.spread6(a, to)
}

// wellKnown reports whether a is a group that a protocol has (RFC 4291, section 2.7.1).
func wellKnown(a [16]byte) bool {
	for _, c := range a[2:13] {
		if c != 0 {
			return false
		}
	}
	return a[13] <= 1 && a[14] == 0
}

// spread6 is the interface of a in the network to.
func (m *Map) spread6(a [16]byte, to [8]byte) (out [16]byte) {
	t := &m.six
	iface := [8]byte(a[8:])
	copy(out[:], to[:])
	if iface == [8]byte{} { // the network itself
		return out
	}
	n, ok := t.ifaces[iface]
	if !ok {
		if len(t.ifaces) == maxAddrs {
			return m.spare6(a, to)
		}
		n = uint64(t.lowest([3]byte(a[13:])))
		for t.used[n] {
			n += 1 << 24
		}
		t.ifaces[iface], t.used[n] = n, true
	}
	binary.BigEndian.PutUint64(out[8:], n)
	return out
}

// lowest is what stands in for the last three bytes of an interface.
func (t *addresses6) lowest(b [3]byte) uint32 {
	n, ok := t.low[b]
	if !ok {
		n = uint32(len(t.low)%(1<<24-1) + 1)
		if len(t.low) < maxAddrs {
			t.low[b] = n
		}
	}
	return n
}

// spare6 stands in for an address that is not remembered any more.
func (m *Map) spare6(a [16]byte, to [8]byte) (out [16]byte) {
	sum := m.hash("addr6", a[:])
	copy(out[:], sum[:])
	copy(out[:4], to[:4])
	return out
}
