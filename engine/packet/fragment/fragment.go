// Package fragment joins IP fragments (RFC 791, RFC 8200).
//
// What it keeps is bounded: the oldest datagram that stays incomplete gives way. No
// fragments make it panic.
package fragment

import (
	"net/netip"
	"slices"
)

// Table joins the fragments of many datagrams. Its zero value is ready.
type Table struct {
	open  map[Key]*datagram
	order []Key // oldest first; may hold keys that are gone
	bytes int
}

// Key names a datagram.
type Key struct {
	Place    int // where it was seen
	Src, Dst netip.Addr
	ID       uint32
	Proto    uint8
	Within   bool // what Proto carries was sent in pieces, not the datagram
}

// Fragment is a part of a datagram.
type Fragment struct {
	Key
	From int // offset in the datagram
	More bool
	Data []byte
}

// datagram is one of which fragments have come.
type datagram struct {
	parts []part
	have  []uint64 // which bytes of it have come, a bit each
	n     int      // how many
	total int      // 0 until the last fragment has come
	size  int      // what it takes
}

type part struct {
	from int
	data []byte
}

const (
	maxDatagrams = 1024
	maxKept      = 16 << 20
	// MaxDatagram is the longest datagram, in bytes.
	MaxDatagram = 1 << 16
)

// Add takes in a fragment and returns the payload of its datagram if that is
// now complete.
func (d *Table) Add(f Fragment) []byte {
	if f.From+len(f.Data) > MaxDatagram || len(f.Data) == 0 {
		return nil
	}
	g := d.open[f.Key]
	if g == nil {
		if d.open == nil {
			d.open = map[Key]*datagram{}
		}
		g = &datagram{}
		d.open[f.Key] = g
		d.order = append(d.order, f.Key)
	}
	before := g.size
	g.add(f)
	d.bytes += g.size - before
	if g.total > 0 && g.n >= g.total && g.complete() {
		d.forget(f.Key)
		return g.join()
	}
	for len(d.order) > 0 && (len(d.open) > maxDatagrams || d.bytes > maxKept) {
		old := d.order[0]
		d.order = d.order[1:]
		d.forget(old)
	}
	if len(d.order) > 4*maxDatagrams {
		d.order = slices.DeleteFunc(d.order, func(k Key) bool { return d.open[k] == nil })
	}
	return nil
}

func (d *Table) forget(k Key) {
	if g := d.open[k]; g != nil {
		d.bytes -= g.size
		delete(d.open, k)
	}
}

// add takes in a fragment, unless it has nothing that did not come before.
func (g *datagram) add(f Fragment) {
	const each = 64 // besides its data
	end := f.From + len(f.Data)
	if n := (end + 63) / 64; n > len(g.have) {
		g.size += 8 * (n - len(g.have))
		g.have = append(g.have, make([]uint64, n-len(g.have))...)
	}
	before := g.n
	for at := f.From; at < end; at++ {
		if bit := uint64(1) << (at % 64); g.have[at/64]&bit == 0 {
			g.have[at/64] |= bit
			g.n++
		}
	}
	if !f.More {
		g.total = end
	}
	if g.n > before {
		g.parts = append(g.parts, part{f.From, slices.Clone(f.Data)})
		g.size += len(f.Data) + each
	}
}

// join is the whole payload. Of fragments that overlap the first to come wins.
func (g *datagram) join() []byte {
	whole := make([]byte, g.total)
	for _, p := range slices.Backward(g.parts) {
		copy(whole[min(p.from, g.total):], p.data)
	}
	return whole
}

// complete reports whether all up to the end has come: what came may have been
// beyond it.
func (g *datagram) complete() bool {
	for i, have := range g.have[:(g.total+63)/64] {
		want := ^uint64(0)
		if n := g.total - 64*i; n < 64 {
			want = 1<<n - 1
		}
		if have&want != want {
			return false
		}
	}
	return true
}
