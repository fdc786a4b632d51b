package standin

import "encoding/binary"

// macs is what stands in for Ethernet addresses.
type macs struct {
	known map[[6]byte][6]byte
	count [3]uint32 // of those that makers gave, that were chosen, and of groups
}

// MAC is the Ethernet address that stands in for a: of documentation (RFC 9542, section
// 2.1.1) as long as there are such, then one that anybody may choose. Groups of
// protocols stay.
func (m *Map) MAC(a [6]byte) [6]byte {
	t := &m.macs
	if fixedMAC(a) {
		return a
	}
	if to, ok := t.known[a]; ok {
		return to
	}
	which := 0
	switch {
	case a[0]&1 != 0:
		which = 2
	case a[0]&2 != 0:
		which = 1
	}
	if len(t.known) == maxAddrs {
		sum := m.hash("mac", a[:])
		to := [6]byte(sum[:6])
		to[0] = 6 | a[0]&1
		return to
	}
	if t.known == nil {
		t.known = map[[6]byte][6]byte{}
	}
	n := t.count[which]
	t.count[which]++
	to := [6]byte{2}
	switch {
	case which == 0 && n < 256:
		to = [6]byte{0, 0, 0x5e, 0, 0x53, byte(n)}
	case which == 2 && n < 256:
		to = [6]byte{1, 0, 0x5e, 0x90, 0x10, byte(n)}
	case which == 0: // apart from those that were chosen
		to[1] = 1
		binary.BigEndian.PutUint32(to[2:], n)
	case which == 2:
		to[0] = 3
		binary.BigEndian.PutUint32(to[2:], n)
	default:
		binary.BigEndian.PutUint32(to[2:], n)
	}
	t.known[a] = to
	return to
}

// fixedMAC reports whether an Ethernet address names no one: none, all, and the groups
// of bridges, of Cisco's protocols and of IP's.
func fixedMAC(a [6]byte) bool {
	switch {
	case a == [6]byte{}, a == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		return true
	case a[0] == 1 && a[1] == 0x80 && a[2] == 0xc2,
		a[0]&^2 == 1 && a[1] == 0 && a[2] == 0x0c && (a[3] == 0xcc || a[3] == 0):
		return true
	case a[0] == 1 && a[1] == 0 && a[2] == 0x5e:
		return a[3]&0x7f == 0 && a[4] == 0
	case a[0] == 0x33 && a[1] == 0x33:
		return a[2] == 0 && a[3] == 0 && a[4] <= 1
	}
	return false
}
