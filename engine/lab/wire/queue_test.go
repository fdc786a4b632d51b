//go:build linux

package wire

import (
	"math/rand/v2"
	"testing"
)

func TestDelayQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var q delayQueue
	for range 1000 {
		q.push(queued{due: int64(r.IntN(50))})
	}
	var last queued
	for n := 0; ; n++ {
		due, ok := q.next()
		if !ok {
			if n != 1000 {
				t.Errorf("%d frames came out, want 1000", n)
			}
			return
		}
		f := q.pop()
		if f.due != due || f.due < last.due || f.due == last.due && f.seq < last.seq {
			t.Fatalf("frame %d due %d after frame %d due %d", f.seq, f.due, last.seq, last.due)
		}
		last = f
	}
}
