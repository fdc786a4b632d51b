//go:build linux

package wire

import (
	"fmt"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// Verdict is what the faults on a wire decided about one frame.
type Verdict struct {
	// Drop names what dropped the frame; empty lets it pass.
	Drop string
}

// Fault is a rule on a wire. Apply is called once for every frame that
// arrives, in order, from the relay's goroutine, and must not block.
type Fault interface {
	Apply(p *trace.Packet, v *Verdict)
}

// End is one end of a wire: the device in the relay's namespace whose veth
// peer is in a node.
type End struct {
	Ifindex int          // of the engine's side
	Point   *trace.Point // the node's side
}

// Spec is what a wire is made of.
type Spec struct {
	Name  string
	Ends  [2]End
	Delay time.Duration // one way
}

// Wire is one live wire.
type Wire struct {
	Spec
	relay  *Relay
	ports  [2]*port
	faults []Fault
}

// port is one end of a wire at work.
type port struct {
	End
	wire *Wire
	side int
}

func (p *port) peer() *port { return p.wire.ports[1-p.side] }

// AddFault appends a rule; it holds for every frame that arrives afterwards.
func (w *Wire) AddFault(f Fault) {
	w.relay.Locked(func() { w.faults = append(w.faults, f) })
}

// receive handles one frame from the ring: the single pass that records,
// judges and forwards it.
func (p *port) receive(f frame) {
	r := p.wire.relay
	r.stalls.Note(time.Duration(clock() - f.arrival))
	var d packet.Packet
	r.dec.Ethernet(f.data, f.length, &d)
	to := p.peer()
	pkt := r.trace.Arrive(p.Point, time.Duration(f.arrival-r.start), &d, r.dec.Payload())
	v := Verdict{}
	switch {
	case len(f.data) < f.length:
		r.lose(1, fmt.Errorf("frame of %d bytes does not fit the ring of %s", f.length, p.Point.Name()))
		v.Drop = "engine: frame larger than its buffer"
	case p.wire.Delay > 0 && r.keeping+len(f.data) > queueBytes:
		r.lose(1, fmt.Errorf("more than %d MB on their way at once", queueBytes>>20))
		v.Drop = "engine: too much on its way at once"
	case f.length-ethHeader > to.Point.MTU:
		v.Drop = fmt.Sprintf("larger than the MTU of %s, %d", to.Point.Name(), to.Point.MTU)
	default:
		for _, f := range p.wire.faults {
			if f.Apply(pkt, &v); v.Drop != "" {
				break
			}
		}
	}
	r.trace.Record(pkt, f.data, v.Drop)
	switch {
	case v.Drop != "":
	case p.wire.Delay > 0:
		r.queue.push(queued{due: f.arrival + int64(p.wire.Delay), port: to, pkt: pkt, data: r.keep(f.data)})
	default:
		to.send(pkt, f.data)
	}
}

// send records the arrival of a frame at the node behind p and queues it for
// the kernel.
func (p *port) send(pkt *trace.Packet, data []byte) {
	r := p.wire.relay
	if r.out.full() {
		r.flush()
	}
	r.trace.Deliver(pkt, p.Point, time.Duration(clock()-r.start), data)
	r.out.add(p.Ifindex, data)
}
