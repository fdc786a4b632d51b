package capture

import (
	"context"
	"io"
	"sync"
)

// ahead reads a file in a goroutine of its own, a few chunks before they are
// asked for: the system call, or the decompression above it, then costs no time
// where the packets are decoded.
type ahead struct {
	ctx  context.Context
	full chan chunk
	free chan []byte
	stop chan struct{}
	once sync.Once
	cur  chunk
	at   int
	// atEnd is what reading fails with when the context ends, nil for its cause.
	atEnd error
}

type chunk struct {
	b   []byte
	err error
}

const (
	aheadChunks = 4
	aheadBytes  = 1 << 20
)

// newAhead reads r ahead, in [ahead.run].
func newAhead(ctx context.Context) *ahead {
	a := &ahead{ctx: ctx, full: make(chan chunk, aheadChunks), free: make(chan []byte, aheadChunks+1),
		stop: make(chan struct{})}
	for range aheadChunks {
		a.free <- make([]byte, aheadBytes)
	}
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.full)
	for {
		var b []byte
		select {
		case b = <-a.free:
		case <-a.stop:
			return
		}
		n, err := r.Read(b[:cap(b)])
		select {
		case a.full <- chunk{b[:n], err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader. It fails when the context ends, however long the
// file underneath keeps it waiting.
func (a *ahead) Read(p []byte) (int, error) {
	for a.at == len(a.cur.b) {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if a.cur.b != nil {
			a.free <- a.cur.b
		}
		select {
		case c, ok := <-a.full:
			if a.cur = c; !ok {
				a.cur.err = io.EOF
			}
		case <-a.ctx.Done():
			if a.cur.err = a.atEnd; a.cur.err == nil {
				a.cur.err = context.Cause(a.ctx)
			}
			a.cur.b = nil
		}
		a.at = 0
	}
	n := copy(p, a.cur.b[a.at:])
	a.at += n
	return n, nil
}

// Close ends the goroutine once it is not reading.
func (a *ahead) Close() { a.once.Do(func() { close(a.stop) }) }
