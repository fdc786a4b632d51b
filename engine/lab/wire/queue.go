//go:build linux

package wire

// queued is a frame on its way: what happens to it when it is due.
type queued struct {
	due    int64 // nanoseconds since 1970
	seq    uint64
	port   *port // where it leaves, or
	enters bool  // where it enters, made there by the node's box
	a      arrival
	held   *Held // that it is kept back no longer
}

// delayQueue is a binary heap of frames by due time, first come first out
// among equals.
type delayQueue struct {
	items []queued
	seq   uint64
}

func (q *delayQueue) less(i, j int) bool {
	a, b := &q.items[i], &q.items[j]
	if a.due != b.due {
		return a.due < b.due
	}
	return a.seq < b.seq
}

func (q *delayQueue) swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }

func (q *delayQueue) push(f queued) {
	q.seq++
	f.seq = q.seq
	q.items = append(q.items, f)
	for i := len(q.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			return
		}
		q.swap(i, up)
		i = up
	}
}

// next is when the first frame is due; ok is false if none waits.
func (q *delayQueue) next() (due int64, ok bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].due, true
}

// pop takes the first frame out; there must be one.
func (q *delayQueue) pop() queued { return q.take(0) }

// remove takes the end of a frame's hold out, if it is there.
func (q *delayQueue) remove(h *Held) {
	for i := range q.items {
		if q.items[i].held == h {
			q.take(i)
			return
		}
	}
}

func (q *delayQueue) take(at int) queued {
	f := q.items[at]
	last := len(q.items) - 1
	q.items[at] = q.items[last]
	q.items[last] = queued{}
	q.items = q.items[:last]
	for i := at; i > 0 && i < last; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			break
		}
		q.swap(i, up)
		i = up
	}
	for i := at; ; {
		down := 2*i + 1
		if down >= last {
			return f
		}
		if down+1 < last && q.less(down+1, down) {
			down++
		}
		if !q.less(down, i) {
			return f
		}
		q.swap(i, down)
		i = down
	}
}
