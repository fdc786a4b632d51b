//go:build linux

package wire

import (
	"time"

	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/lab/wire/queue"
	"netrepro/engine/trace"
)

// transit is when a frame of so many bytes that enters now is at the other end
// by the wire's own properties, or why it is dropped. pkt, if not nil, notes
// how much waited before it.
func (p *port) transit(size int, now int64, pkt *trace.Packet) (due int64, full string) {
	w := p.wire
	defer func() { p.last = max(p.last, due) }()
	due = now
	if w.Rate > 0 {
		var ahead int
		limits := queue.Limits{Rate: w.Rate, Bytes: w.QueueBytes, Packets: w.QueuePackets}
		due, ahead, full = p.rate.Enter(now, size, limits)
		if pkt != nil {
			pkt.Queued = int32(ahead)
		}
		if full != "" {
			return now, w.Name + ": " + full
		}
	}
	due += int64(w.Delay)
	if w.Jitter > 0 {
		due = max(due+p.rng.Int64N(2*int64(w.Jitter)+1)-int64(w.Jitter), p.latest, now)
		p.latest = due
	}
	return due, ""
}

// flight is a frame on its way to the other end, with its copies: how long each
// comes after the one before.
type flight struct {
	to    *port
	due   int64 // of the first
	first arrival
	more  []copied
}

// flight is what a frame that passes becomes.
func (p *port) flight(due int64, pkt *trace.Packet, v *Verdict, now int64) flight {
	w := p.wire
	x := flight{to: p.peer, due: due,
		first: arrival{Arrival: ledger.Arrival{Sent: pkt, Data: v.Frame(), Altered: v.altered}, cut: w.cuts}}
	last := due
	for _, c := range v.copies {
		if w.Rate > 0 { // a copy waits its turn as any frame does
			at, full := p.transit(len(x.first.Data), now, nil)
			if full != "" {
				p.overflow(x.first.Data, c.why, full)
				continue
			}
			c.after = max(c.after, time.Duration(at+int64(v.delay)-last))
		}
		last += int64(c.after)
		x.more = append(x.more, c)
	}
	return x
}

// overflow has a frame of the engine's own find the queue of the wire full. It is
// recorded where it would have arrived: nobody sent it.
func (p *port) overflow(data []byte, by, full string) {
	p.peer.deliver(arrival{Arrival: ledger.Arrival{Data: data, Fault: by}}, full)
}

// launch sends a frame and its copies on their way, the first to arrive when
// due.
func (x *Pipeline) launch(f flight, due, now int64) {
	a := f.first
	a.More = len(f.more) > 0
	x.sendAt(due, now, f.to, a)
	for i, c := range f.more {
		due += int64(c.after)
		a.Fault, a.More = c.why, i+1 < len(f.more)
		x.sendAt(due, now, f.to, a)
	}
}

// sendAt delivers a frame now, or keeps it until it is due.
func (x *Pipeline) sendAt(due, now int64, to *port, a arrival) {
	if due <= now {
		to.deliver(a, "")
		return
	}
	x.push(due, to, a, false)
}

// push keeps a frame until it is due: then it arrives at the node behind the
// port, or, if it enters, leaves that node.
func (x *Pipeline) push(due int64, to *port, a arrival, enters bool) {
	a.Data = x.store.keep(a.Data)
	x.queue.Push(due, pending{port: to, a: a, enters: enters})
}
