//go:build linux

package wire

import (
	"fmt"
	"time"
)

// shaper is the queue before a wire with a rate: first in, first out, what does
// not fit is dropped. Nothing waits in it but numbers: when a frame has left is
// known when it enters.
type shaper struct {
	free  int64 // when the wire is free
	queue []waiting
	bytes int // of the frames in queue
}

// waiting is a frame that has not begun to cross the wire.
type waiting struct {
	begins int64
	size   int
}

// enter takes in a frame of so many bytes at a time, and returns when its last
// bit has left and how many bytes waited before it; full says why it is dropped.
func (s *shaper) enter(now int64, size int, p *Props) (leaves int64, ahead int, full string) {
	n := 0
	for n < len(s.queue) && s.queue[n].begins <= now {
		s.bytes -= s.queue[n].size
		n++
	}
	s.queue = s.queue[n:]
	ahead = s.bytes
	begins := max(now, s.free)
	if begins > now {
		if p.QueueBytes > 0 && s.bytes+size > p.QueueBytes || p.QueuePackets > 0 && len(s.queue) >= p.QueuePackets {
			return now, ahead, fmt.Sprintf("queue full, %d packets, %d bytes", len(s.queue), s.bytes)
		}
		s.queue = append(s.queue, waiting{begins, size})
		s.bytes += size
	}
	s.free = begins + int64(float64(size*8)/float64(p.Rate)*float64(time.Second))
	return s.free, ahead, ""
}
