// Package tuple names the connection of a packet by its addresses and ports, and
// finds by it what is known of the connection.
package tuple

import (
	"net/netip"

	"netrepro/engine/packet"
)

// Tuple is the addresses and ports of a packet as it stands.
type Tuple struct {
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	Proto            uint8
}

// Of is the tuple of p.
func Of(p *packet.Packet) Tuple { return Tuple{p.Src, p.Dst, p.SrcPort, p.DstPort, p.Proto} }

// Ported reports whether it has ports: a fragment behind the first has none.
func (t Tuple) Ported() bool { return t.SrcPort|t.DstPort != 0 }

// Reversed is the tuple of what is sent the other way.
func (t Tuple) Reversed() Tuple { return Tuple{t.Dst, t.Src, t.DstPort, t.SrcPort, t.Proto} }

// Map is a map by tuple that finds what was looked up last by a cheap sum.
type Map[V any] struct {
	all    map[Tuple]V
	recent [recent]found[V]
}

// recent is how many answers are kept.
const recent = 1 << 12

// found is an answer of the map.
type found[V any] struct {
	tuple Tuple
	value V
	is    bool
}

// NewMap is an empty map.
func NewMap[V any]() *Map[V] { return &Map[V]{all: map[Tuple]V{}} }

// slot is where the answer for t is kept.
func (m *Map[V]) slot(t *Tuple) *found[V] {
	return &m.recent[(uint32(t.SrcPort)*31^uint32(t.DstPort)*17^uint32(t.SrcPort)>>7)%recent]
}

// Get is what is known of t.
func (m *Map[V]) Get(t Tuple) (V, bool) {
	s := m.slot(&t)
	if s.is && s.tuple == t {
		return s.value, true
	}
	v, ok := m.all[t]
	if ok {
		*s = found[V]{t, v, true}
	}
	return v, ok
}

// Set makes v what is known of t.
func (m *Map[V]) Set(t Tuple, v V) {
	*m.slot(&t) = found[V]{}
	m.all[t] = v
}

// Delete forgets t.
func (m *Map[V]) Delete(t Tuple) {
	*m.slot(&t) = found[V]{}
	delete(m.all, t)
}
