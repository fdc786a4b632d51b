//go:build linux

package wire

import (
	"math/rand/v2"

	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/lab/wire/queue"
	"netrepro/engine/packet/header"
)

// Output is what sends frames to the nodes.
type Output interface {
	// Send sends a frame to the peer of a device. The frame stays as it is until
	// [Pipeline.Recycle].
	Send(ifindex int, frame []byte)
}

// Loop is what drives a pipeline.
type Loop interface {
	// Locked runs f while no frame is being handled.
	Locked(f func())
	// Act runs f, which may send, while no other frame is being handled and once
	// all is taken in that nodes have sent by now.
	Act(f func(now int64))
}

// Pipeline is what the wires of one lab have in common. Its methods, but for New
// and Add, are called by its loop alone, one at a time.
type Pipeline struct {
	loop    Loop
	ledger  *ledger.Ledger
	out     Output
	seed    uint64
	wires   []*Wire
	sources map[int32]source // by ifindex
	queue   queue.Delay[pending]
	store   store
	verdict Verdict // of the frame at hand
	tainted bool    // something was changed or forged: nodes may discard what arrives
}

// source is the device that a frame came from: an end of a wire, and the VLAN that
// the device stands for, 0 for none.
type source struct {
	port *port
	vlan uint16
}

// pending is a frame on its way: what happens to it when it is due.
type pending struct {
	port   *port // where it arrives, or
	enters bool  // where it leaves a node, made there by a box of that node
	a      arrival
	held   *Held // that it is kept back no longer
}

// NewPipeline makes a pipeline without wires. What is drawn by chance follows from
// seed.
func NewPipeline(loop Loop, l *ledger.Ledger, out Output, seed uint64) *Pipeline {
	return &Pipeline{loop: loop, ledger: l, out: out, seed: seed, sources: map[int32]source{}}
}

// Add adds a wire. All wires are added before the first frame is taken.
func (x *Pipeline) Add(s Spec) {
	w := &Wire{Spec: s, pipe: x}
	x.wires = append(x.wires, w)
	for side, e := range s.Ends {
		p := &port{End: e, pipe: x, wire: w, rng: rand.New(rand.NewPCG(x.seed, uint64(2*len(x.wires)+side)))}
		w.ports[side] = p
		if e.Ifindex > 0 {
			x.sources[int32(e.Ifindex)] = source{port: p}
		}
		for vlan, tap := range e.Taps {
			x.sources[int32(tap)] = source{p, vlan}
		}
	}
	w.ports[0].peer, w.ports[1].peer = w.ports[1], w.ports[0]
}

// Wire returns the wire of that name, nil if there is none.
func (x *Pipeline) Wire(name string) *Wire {
	for _, w := range x.wires {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// Frame is a frame that a node has sent.
type Frame struct {
	Data    []byte
	Length  int   // on the wire; more than len(Data) if it was cut
	Arrival int64 // when it came, nanoseconds since 1970
}

// Enter takes in a frame that a device received. With a reason in refused the frame
// is recorded as dropped for it, and nothing else is done.
func (x *Pipeline) Enter(ifindex int32, f Frame, refused string) {
	from, ok := x.sources[ifindex]
	if !ok {
		return
	}
	if from.vlan != 0 {
		b := header.Tagged(f.Data, from.vlan)
		f.Length += len(b) - len(f.Data)
		f.Data = b
	}
	if refused != "" {
		from.port.refuse(f, refused)
		return
	}
	from.port.enter(f, "")
}

// Due is when the next frame on its way has something happen to it, in nanoseconds
// since 1970; ok is false if none is.
func (x *Pipeline) Due() (due int64, ok bool) { return x.queue.Next() }

// Settle does what is due, and returns how much that was.
func (x *Pipeline) Settle(now int64) (n int) {
	for due, ok := x.queue.Next(); ok && due <= now; due, ok = x.queue.Next() {
		f := x.queue.Pop()
		x.ledger.Late(now - due)
		n++
		if f.held != nil {
			x.letGo(f.held, due, due)
			continue
		}
		if f.enters {
			f.port.enter(Frame{Data: f.a.Data, Length: len(f.a.Data), Arrival: now}, f.a.Fault)
		} else {
			f.port.deliver(f.a, "")
		}
		x.store.free(f.a.Data)
	}
	return n
}

// Recycle says that what was sent has been handed over: its memory is used again.
func (x *Pipeline) Recycle() { x.store.recycle() }
