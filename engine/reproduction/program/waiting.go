package program

import (
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

// probing finds out whether a side asked its idle peer.
func (f *flow) probing(side int) {
	k := &f.KeepAlive[side]
	var before, last time.Duration
	asked := 0
	for _, s := range f.Segs {
		switch {
		case s.Side == side && s.Class&sender.KeepAlive != 0:
			if k.Idle == 0 {
				k.Idle = max((s.Sent - before).Round(time.Second), time.Second)
			} else {
				k.Every = max((s.Sent - last).Round(time.Second), time.Second)
			}
			last = s.Sent
			asked++
		case s.Side == side && s.Reset != nil && s.Reset.Cause == reset.KeepAlive:
			k.Count = max(asked, 1)
			k.Every = max((s.Sent - last).Round(time.Second), time.Second)
		case s.Side != side && !s.Lost:
			asked = 0
		}
		before = s.Sent
	}
	if asked := f.asks(side); k.Idle > 0 {
		f.Stays = max(f.Stays, min(time.Duration(asked+1)*1100*time.Millisecond, 12*time.Second))
	}
	k.Every = max(k.Every, min(k.Idle, time.Second))
}

// asks is how often a side asked its idle peer.
func (f *flow) asks(side int) (n int) {
	for _, s := range f.Segs {
		if s.Side == side && s.Class&sender.KeepAlive != 0 {
			n++
		}
	}
	return n
}

// stalling finds out whether a side left unread what had come, until its window was
// closed.
func (f *flow) stalling(side int) {
	var zero *segment.Segment
	read := uint32(1)
	for _, s := range f.Of(side) {
		if !s.Has(packet.ACK) || s.Has(packet.RST) || s.Packet.Missing.Has(packet.NoWindow) {
			continue
		}
		switch {
		case s.Packet.Window == 0 && zero == nil && !s.Has(packet.SYN):
			zero = s
		case s.Packet.Window > 0 && zero == nil:
			read = max(read, 1)
		case s.Packet.Window > 0:
			f.Window[side] = f.buffer(side, int(zero.Ack)-int(read))
			f.stall(side, s.Sent-zero.Sent)
			return
		}
	}
	if zero != nil {
		f.Window[side] = f.buffer(side, int(zero.Ack)-int(read))
		f.stall(side, f.Segs[len(f.Segs)-1].Sent-zero.Sent)
	}
}

// buffer is the receive buffer of a side whose window was closed after so many bytes.
func (f *flow) buffer(side, bytes int) int {
	for _, s := range f.Of(side) {
		if w := int(s.Packet.Window); s.Has(packet.SYN) && !s.Packet.Missing.Has(packet.NoWindow) && w > 0 && w < 1<<15 {
			// It is a whole number of segments; buffers are asked for in round numbers.
			n := 2048
			for n < w {
				n *= 2
			}
			if n-w < 1460 {
				return n
			}
			return max(w+700, 2048)
		}
	}
	return max(bytes, 2048)
}

// stall has a side wait before it reads.
func (f *flow) stall(side int, d time.Duration) {
	i := slices.IndexFunc(f.Steps[side], func(s reproduction.Step) bool {
		return s.Kind == reproduction.Take || s.Kind == reproduction.TakeEnd
	})
	most, at := 0, i
	for ; i >= 0 && i < len(f.Steps[side]); i++ {
		if s := f.Steps[side][i]; s.Kind == reproduction.Take && s.Bytes > most {
			most, at = s.Bytes, i
		}
	}
	if at >= 0 && at < len(f.Steps[side]) {
		f.Steps[side][at].Pause = segment.Round(max(d, 50*time.Millisecond))
		f.Steps[side][at].Cause = true
		f.Steps[side][at].Note = "its window was closed for so long: it does not read"
	}
}
