package queue

// Delay holds values until they are due: a binary heap by due time, first come
// first out among equals. Its zero value is empty.
type Delay[T any] struct {
	items []item[T]
	seq   uint64
}

type item[T any] struct {
	due   int64
	seq   uint64
	value T
}

func (q *Delay[T]) less(i, j int) bool {
	a, b := &q.items[i], &q.items[j]
	if a.due != b.due {
		return a.due < b.due
	}
	return a.seq < b.seq
}

func (q *Delay[T]) swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }

// Push adds a value that is due at a time, nanoseconds since 1970.
func (q *Delay[T]) Push(due int64, value T) {
	q.seq++
	q.items = append(q.items, item[T]{due, q.seq, value})
	for i := len(q.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			return
		}
		q.swap(i, up)
		i = up
	}
}

// Next is when the first value is due; ok is false if none waits.
func (q *Delay[T]) Next() (due int64, ok bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].due, true
}

// Pop takes the first value out; there must be one.
func (q *Delay[T]) Pop() T { return q.take(0) }

// Remove takes the first value out that is found by is, if there is one.
func (q *Delay[T]) Remove(is func(*T) bool) {
	for i := range q.items {
		if is(&q.items[i].value) {
			q.take(i)
			return
		}
	}
}

func (q *Delay[T]) take(at int) T {
	f := q.items[at].value
	last := len(q.items) - 1
	q.items[at] = q.items[last]
	q.items[last] = item[T]{}
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
