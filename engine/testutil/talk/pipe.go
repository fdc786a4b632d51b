package talk

import (
	"bytes"
	"io"
	"net"
	"sync"
)

// pipe is a connection in memory whose writes do not wait, and are remembered in order.
type pipe struct {
	mu     sync.Mutex
	come   *sync.Cond
	sides  [2]bytes.Buffer // what each is to read
	closed [2]bool
	said   []Said
}

func newPipe() *pipe {
	p := &pipe{}
	p.come = sync.NewCond(&p.mu)
	return p
}

// end is one end of a pipe. Of net.Conn it has what crypto/tls uses.
type end struct {
	net.Conn
	p    *pipe
	side int
}

// Read implements io.Reader.
func (e *end) Read(b []byte) (int, error) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	in := &e.p.sides[e.side]
	for in.Len() == 0 && !e.p.closed[1-e.side] {
		e.p.come.Wait()
	}
	if in.Len() == 0 {
		return 0, io.EOF
	}
	return in.Read(b)
}

// Write implements io.Writer.
func (e *end) Write(b []byte) (int, error) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.p.said = append(e.p.said, Said{e.side, bytes.Clone(b)})
	e.p.sides[1-e.side].Write(b)
	e.p.come.Broadcast()
	return len(b), nil
}

// Close implements io.Closer.
func (e *end) Close() error {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	e.p.closed[e.side] = true
	e.p.come.Broadcast()
	return nil
}
