package queue

import (
	"fmt"
	"time"
)

// Limits say what a wire lets through. Rate is in bits a second, above 0. Bytes and
// Packets bound what waits for the wire; 0 is no bound.
type Limits struct {
	Rate           int64
	Bytes, Packets int
}

// Rate is the queue before a wire with a rate: first in, first out, what does
// not fit is dropped. Nothing waits in it but numbers: when a frame has left is
// known when it enters.
type Rate struct {
	free  int64 // when the wire is free
	queue []waiting
	bytes int // of the frames in queue
}

// waiting is a frame that has not begun to cross the wire.
type waiting struct {
	begins int64
	size   int
}

// Enter takes in a frame of send this many bytes at a time, in nanoseconds since 1970, and
// returns when its last bit has left and how many bytes waited before it; full says
// why it is dropped.
func (s *Rate) Enter(now int64, size int, l Limits) (leaves int64, ahead int, full string) {
	n := 0
	for n < len(s.queue) && s.queue[n].begins <= now {
		s.bytes -= s.queue[n].size
		n++
	}
	s.queue = s.queue[n:]
	ahead = s.bytes
	begins := max(now, s.free)
	if begins > now {
		if l.Bytes > 0 && s.bytes+size > l.Bytes || l.Packets > 0 && len(s.queue) >= l.Packets {
			return now, ahead, fmt.Sprintf("queue full, %d packets, %d bytes", len(s.queue), s.bytes)
		}
		s.queue = append(s.queue, waiting{begins, size})
		s.bytes += size
	}
	s.free = begins + int64(float64(size*8)/float64(l.Rate)*float64(time.Second))
	return s.free, ahead, ""
}
