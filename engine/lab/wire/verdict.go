//go:build linux

package wire

import "time"

// Verdict is what the faults on a wire, or the boxes of a node, decide about one
// frame. What is decided is shown in the trace with the reason given for it.
type Verdict struct {
	data    []byte
	altered bool
	drop    string
	harmed  string
	delay   time.Duration
	copies  []copied
	hold    func(*Held)
	holdFor time.Duration
	release []*Held
	emit    []emitted
}

// copied is another arrival of the same frame.
type copied struct {
	after time.Duration // after the one before
	why   string
}

// emitted is a frame made on the way.
type emitted struct {
	frame  []byte
	onward bool // toward where the frame goes, else back to where it came from
	by     string
}

func (v *Verdict) reset(data []byte, harmed string) {
	*v = Verdict{data: data, harmed: harmed, copies: v.copies[:0], release: v.release[:0], emit: v.emit[:0]}
}

// Frame is the frame as the faults so far have left it. It must not be changed;
// see Alter.
func (v *Verdict) Frame() []byte { return v.data }

// Note says in the trace what was done to the frame.
func (v *Verdict) Note(what string) {
	if v.harmed != "" {
		v.harmed += "; "
	}
	v.harmed += what
}

// Drop drops the frame; no further fault is asked about it.
func (v *Verdict) Drop(why string) { v.drop = why }

// Delay has the frame arrive so much later than it would.
func (v *Verdict) Delay(d time.Duration, why string) {
	v.delay += d
	v.Note(why)
}

// Copy has the frame arrive once more, so long after the time before. why is
// shown with the copy.
func (v *Verdict) Copy(after time.Duration, why string) {
	v.copies = append(v.copies, copied{after, why})
}

// Alter has data arrive instead of the frame. It must not be changed afterwards.
func (v *Verdict) Alter(data []byte, why string) {
	v.data, v.altered = data, true
	v.Note(why)
}

// Hold keeps the frame back until it is released, or, if most is not 0, at most
// so long after it was due. keep is called, as [Fault] is, once the frame is in
// the trace.
func (v *Verdict) Hold(keep func(*Held), most time.Duration, why string) {
	v.hold, v.holdFor = keep, most
	v.Note(why)
}

// Release lets a frame that was held before go, right behind this one.
func (v *Verdict) Release(h *Held) { v.release = append(v.release, h) }

// Emit sends a frame of the engine's own: onward to where this one goes, or back
// to where it came from. by is shown with it. The frame must not be changed
// afterwards.
func (v *Verdict) Emit(frame []byte, onward bool, by string) {
	v.emit = append(v.emit, emitted{frame, onward, by})
}
