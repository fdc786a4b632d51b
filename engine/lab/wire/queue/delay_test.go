package queue

import (
	"math/rand/v2"
	"testing"
)

func TestDelay(t *testing.T) {
	type value struct {
		due int64
		n   int
	}
	r := rand.New(rand.NewPCG(1, 1))
	var q Delay[value]
	for n := range 1000 {
		due := int64(r.IntN(50))
		q.Push(due, value{due, n})
	}
	q.Remove(func(v *value) bool { return v.n == 500 })
	q.Remove(func(v *value) bool { return v.n == 500 }) // is not there
	last := value{-1, -1}
	for n := 0; ; n++ {
		due, ok := q.Next()
		if !ok {
			if n != 999 {
				t.Errorf("%d values came out, want 999", n)
			}
			return
		}
		v := q.Pop()
		if v.n == 500 || v.due != due || v.due < last.due || v.due == last.due && v.n < last.n {
			t.Fatalf("value %d due %d after value %d due %d", v.n, v.due, last.n, last.due)
		}
		last = v
	}
}
