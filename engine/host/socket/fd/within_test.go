//go:build linux

package fd

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A context that ends just as its call does never cuts the next call short.
func TestWithinLeavesNothingBehind(t *testing.T) {
	over := errors.New("over")
	for range 200 {
		var mu sync.Mutex
		var last time.Time
		late, waking, woken := make(chan struct{}), make(chan struct{}), make(chan struct{})
		set := func(d time.Time) error {
			wake := d.Equal(time.Unix(1, 0))
			if wake {
				close(waking)
				<-late
				defer close(woken)
			}
			mu.Lock()
			defer mu.Unlock()
			last = d
			return nil
		}
		ctx, cancel := context.WithCancel(context.Background())
		err := Within(ctx, set, func() error {
			cancel()
			<-waking // the context's end and the call's cross
			go func() {
				for range 20 {
					runtime.Gosched()
				}
				close(late)
			}()
			return over
		})
		if !errors.Is(err, over) {
			t.Fatalf("got %v, want what the call returned", err)
		}
		<-woken
		mu.Lock()
		if !last.IsZero() {
			t.Fatal("the deadline of the call that is over holds for the next")
		}
		mu.Unlock()
	}
}

// What waits is woken when a context without a deadline ends.
func TestWithinWakes(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	woken := make(chan struct{})
	set := func(d time.Time) error {
		if !d.IsZero() {
			close(woken)
		}
		return nil
	}
	if err := Within(ctx, set, func() error { cancel(); <-woken; return nil }); err != nil {
		t.Fatal(err)
	}
}
