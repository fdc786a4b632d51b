package packet

import (
	"net/netip"
	"slices"
)

// Defragmenter joins IP fragments (RFC 791, RFC 8200). Its zero value is ready.
// What it keeps is bounded: the oldest datagram that stays incomplete gives way.
type Defragmenter struct {
	open  map[fragKey]*datagram
	order []fragKey // oldest first; may hold keys that are gone
	bytes int
}

// fragKey names a datagram.
type fragKey struct {
	src, dst netip.Addr
	id       uint32
	proto    uint8
}

type fragment struct {
	key  fragKey
	from int // offset in the datagram
	more bool
	data []byte
	size int // bytes on the wire
}

// datagram is one of which fragments have come.
type datagram struct {
	parts []part
	total int // 0 until the last fragment has come
	bytes int
}

type part struct {
	from int
	data []byte
}

const (
	maxDatagrams = 1024
	maxKept      = 16 << 20
	maxDatagram  = 1 << 16
	maxParts     = 1 << 13 // of the least size, 8 bytes, a datagram cannot have more
)

// add takes in a fragment and returns the payload of its datagram if that is
// now complete.
func (d *Defragmenter) add(f fragment) []byte {
	if f.from+len(f.data) > maxDatagram || len(f.data) == 0 {
		return nil
	}
	g := d.open[f.key]
	if g == nil {
		if d.open == nil {
			d.open = map[fragKey]*datagram{}
		}
		g = &datagram{}
		d.open[f.key] = g
		d.order = append(d.order, f.key)
	}
	if len(g.parts) == maxParts || g.bytes > 2*maxDatagram {
		return nil
	}
	g.parts = append(g.parts, part{f.from, slices.Clone(f.data)})
	g.bytes += len(f.data)
	d.bytes += len(f.data)
	if !f.more {
		g.total = f.from + len(f.data)
	}
	if whole := g.join(); whole != nil {
		d.forget(f.key)
		return whole
	}
	for len(d.order) > 0 && (len(d.open) > maxDatagrams || d.bytes > maxKept) {
		old := d.order[0]
		d.order = d.order[1:]
		d.forget(old)
	}
	if len(d.order) > 4*maxDatagrams {
		d.order = slices.DeleteFunc(d.order, func(k fragKey) bool { return d.open[k] == nil })
	}
	return nil
}

func (d *Defragmenter) forget(k fragKey) {
	if g := d.open[k]; g != nil {
		d.bytes -= g.bytes
		delete(d.open, k)
	}
}

// join returns the whole payload if no part is missing. Of parts that overlap
// the first to come wins.
func (g *datagram) join() []byte {
	if g.total == 0 || g.bytes < g.total {
		return nil
	}
	whole := make([]byte, g.total)
	have := make([]bool, g.total)
	n := 0
	for _, p := range g.parts {
		for i, c := range p.data {
			if at := p.from + i; at < g.total && !have[at] {
				have[at], whole[at] = true, c
				n++
			}
		}
	}
	if n < g.total {
		return nil
	}
	return whole
}
