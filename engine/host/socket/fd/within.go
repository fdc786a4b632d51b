//go:build linux

package fd

import (
	"context"
	"time"
)

// Within runs f, a read or a write, with the deadline of ctx; when ctx ends
// before, f is woken. set is the setter that f obeys, such as SetReadDeadline of
// a net.Conn. It leaves no deadline behind, and once it has returned nothing of
// ctx touches the connection.
func Within(ctx context.Context, set func(time.Time) error, f func() error) error {
	d, _ := ctx.Deadline()
	if err := set(d); err != nil {
		return err
	}
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = set(time.Unix(1, 0)) // fails only on what is closed, which wakes f too
		close(woken)
	})
	defer func() {
		if !stop() {
			<-woken // it would cut the next call short
		}
		_ = set(time.Time{}) // as above
	}()
	return f()
}
