//go:build linux

package fault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"netrepro/engine/lab/wire"
	"netrepro/engine/trace"
)

// Drop lets a packet vanish.
type Drop struct{}

// Verb implements [Action].
func (Drop) Verb() string { return "drop" }

// String implements [Action].
func (Drop) String() string { return "" }

// Do implements [Action].
func (Drop) Do(_ *trace.Packet, v *wire.Verdict, name string) error {
	v.Drop(name)
	return nil
}

// Delay has a packet arrive later. Others overtake it.
type Delay struct {
	By     time.Duration
	Jitter time.Duration // at most so much more or less
	RNG    *rand.Rand    // for Jitter
}

// Verb implements [Action].
func (*Delay) Verb() string { return "delay" }

// String implements [Action].
func (d *Delay) String() string {
	if d.Jitter > 0 {
		return fmt.Sprintf("by %s ± %s", d.By, d.Jitter)
	}
	return "by " + d.By.String()
}

// Do implements [Action].
func (d *Delay) Do(_ *trace.Packet, v *wire.Verdict, name string) error {
	by := d.By
	if d.Jitter > 0 {
		by = max(0, by+time.Duration(d.RNG.Int64N(2*int64(d.Jitter)+1))-d.Jitter)
	}
	if by > 0 {
		v.Delay(by, fmt.Sprintf("delayed %s by %s", by, name))
	}
	return nil
}

// Duplicate has a packet arrive more than once.
type Duplicate struct {
	Copies int
	After  time.Duration // between one and the next
}

// Verb implements [Action].
func (*Duplicate) Verb() string { return "duplicate" }

// String implements [Action].
func (d *Duplicate) String() string {
	s := ""
	if d.Copies > 1 {
		s = fmt.Sprintf("copies %d", d.Copies)
	}
	if d.After > 0 {
		s += fmt.Sprintf(" after %s", d.After)
	}
	return s
}

// Do implements [Action].
func (d *Duplicate) Do(_ *trace.Packet, v *wire.Verdict, name string) error {
	for range d.Copies {
		v.Copy(d.After, "copy made by "+name)
	}
	v.Note("duplicated by " + name)
	return nil
}

// Reorder holds a packet until others that match have overtaken it.
type Reorder struct {
	Behind int           // how many go first
	Most   time.Duration // how long it waits for them at most

	waiting []*overtaken
}

// overtaken is a packet that waits, and for how many more.
type overtaken struct {
	held *wire.Held
	side int // where it entered
	left int
}

// Verb implements [Action].
func (*Reorder) Verb() string { return "reorder" }

// String implements [Action].
func (r *Reorder) String() string {
	if r.Behind == 1 {
		return ""
	}
	return fmt.Sprintf("behind %d", r.Behind)
}

// Do implements [Action]. A packet that others wait for goes before them, and is
// not put behind in turn: of a row, every second one is.
func (r *Reorder) Do(p *trace.Packet, v *wire.Verdict, name string) error {
	side := p.Point.Index
	// What waited as long as it may has gone.
	r.waiting = slices.DeleteFunc(r.waiting, func(o *overtaken) bool { return o.held.Released() })
	if slices.ContainsFunc(r.waiting, func(o *overtaken) bool { return o.side == side }) {
		r.watch(p, v)
		return errLetBy
	}
	v.Hold(func(h *wire.Held) { r.waiting = append(r.waiting, &overtaken{h, side, r.Behind}) }, r.Most,
		fmt.Sprintf("put behind %d by %s", r.Behind, name))
	return nil
}

// watch lets go of what enough packets of its direction have overtaken.
func (r *Reorder) watch(p *trace.Packet, v *wire.Verdict) {
	keep := r.waiting[:0]
	for _, o := range r.waiting {
		if o.side == p.Point.Index {
			o.left--
		}
		if o.left > 0 || o.side != p.Point.Index {
			keep = append(keep, o)
			continue
		}
		v.Release(o.held)
	}
	clear(r.waiting[len(keep):])
	r.waiting = keep
}
