// Package stream puts the payload of one direction of a connection in order.
//
// It does not know what the bytes mean. What was sent again is passed over; what was not
// captured is told as a gap.
//
// Invariant: what it holds back is bounded, for one direction and, by a budget that many
// share, for all.
package stream

import (
	"slices"
	"time"
)

// Place says where bytes were captured.
type Place struct {
	N, Line int           // frame number and line of the text, from 1; 0 if not known
	Time    time.Duration // since the first frame
}

// Sink takes in what came, in order.
type Sink interface {
	// Take is given the next size bytes, of which data, their beginning, was captured. It
	// must not keep data.
	Take(data []byte, size int, at Place)
	// Gap says that n bytes follow that were not captured at all.
	Gap(n int)
}

// Budget is how many bytes all directions together may hold back.
type Budget struct{ left int }

// NewBudget is a budget of n bytes.
func NewBudget(n int) *Budget { return &Budget{left: n} }

// Draw takes n bytes, if there are so many.
func (b *Budget) Draw(n int) bool {
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

// Return gives n bytes back.
func (b *Budget) Return(n int) { b.left += n }

const (
	// maxHeld and maxPieces are how many bytes and segments of one direction are held back
	// while what comes before them is awaited.
	maxHeld   = 256 << 10
	maxPieces = 256
	// each is what a piece takes besides its bytes.
	each = 96
)

// Order puts segments of one direction in order.
type Order struct {
	budget  *Budget
	started bool
	next    uint32 // sequence number of the next byte wanted
	held    []piece
	bytes   int
}

type piece struct {
	seq  uint32
	size int
	data []byte
	at   Place
}

// New is the order of a direction.
func New(b *Budget) *Order { return &Order{budget: b} }

// Begin says the sequence number of the first byte.
func (o *Order) Begin(seq uint32) {
	if !o.started {
		o.started, o.next = true, seq
	}
}

// Add takes in a segment of size bytes of which data, the beginning, was captured.
func (o *Order) Add(seq uint32, size int, data []byte, at Place, to Sink) {
	if size <= 0 {
		return
	}
	o.Begin(seq)
	p := piece{seq, size, data[:min(len(data), size)], at}
	if int32(seq-o.next) > 0 {
		o.hold(p, to)
		return
	}
	o.give(p, to)
	o.due(to)
}

// give hands out what is new of a piece that begins no later than the next byte.
func (o *Order) give(p piece, to Sink) {
	skip := int(int32(o.next - p.seq))
	if skip < 0 || skip >= p.size { // half of all numbers away it is neither before nor behind
		return
	}
	p.data = p.data[min(skip, len(p.data)):]
	p.size -= skip
	o.next += uint32(p.size)
	to.Take(p.data, p.size, p.at)
}

// due hands out the pieces whose turn it is.
func (o *Order) due(to Sink) {
	for len(o.held) > 0 && int32(o.held[0].seq-o.next) <= 0 {
		p := o.held[0]
		o.held = slices.Delete(o.held, 0, 1)
		o.free(p)
		o.give(p, to)
	}
}

func (o *Order) free(p piece) {
	o.bytes -= len(p.data) + each
	o.budget.Return(len(p.data) + each)
}

// hold keeps a piece until what is before it has come. When too much waits, what is
// missing counts as not captured.
func (o *Order) hold(p piece, to Sink) {
	at, found := slices.BinarySearchFunc(o.held, p, func(a, b piece) int { return int(int32(a.seq - b.seq)) })
	if found && o.held[at].size >= p.size {
		return // sent again
	}
	n := len(p.data) + each
	for len(o.held) > 0 && (o.bytes+n > maxHeld || len(o.held) >= maxPieces) {
		o.jump(o.held[0].seq, to)
		if int32(p.seq-o.next) <= 0 {
			o.give(p, to)
			o.due(to)
			return
		}
	}
	if !o.budget.Draw(n) {
		o.Flush(to)
		o.jump(p.seq, to)
		o.give(p, to)
		return
	}
	p.data = slices.Clone(p.data)
	o.bytes += n
	at, _ = slices.BinarySearchFunc(o.held, p, func(a, b piece) int { return int(int32(a.seq - b.seq)) })
	o.held = slices.Insert(o.held, at, p)
}

// jump passes over what is missing before seq.
func (o *Order) jump(seq uint32, to Sink) {
	if n := int32(seq - o.next); n > 0 {
		o.next = seq
		to.Gap(int(n))
	}
	o.due(to)
}

// Flush hands out what is held back, with the gaps before it.
func (o *Order) Flush(to Sink) {
	for len(o.held) > 0 {
		o.jump(o.held[0].seq, to)
	}
}
