//go:build linux

package web

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"netrepro/engine/host/socket"
)

// Server is a running server.
type Server struct {
	spec      Spec
	host      *socket.Host
	listeners []*socket.Listener
	h2        *h2
	gate      chan struct{}

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	conns  map[*conn]bool
	n      int
	served []*Served
}

// maxServed bounds how many requests are remembered.
const maxServed = 1 << 17

// Serve starts a server on a host, which closes it.
func Serve(h *socket.Host, s Spec) (*Server, error) {
	s.defaults()
	v := &Server{spec: s, host: h, conns: map[*conn]bool{}}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	if s.Gate > 0 {
		v.gate = make(chan struct{}, s.Gate)
	}
	o := s.Options.Nodelay()
	if s.ReusePort {
		o.Set = append(o.Set, socket.Setting{Option: socket.OptionOf("reuseport"), Int: 1})
	}
	for range s.Workers {
		l, err := h.Listen(s.Port, s.Backlog, o)
		if err != nil {
			return nil, errors.Join(err, v.Close())
		}
		v.listeners = append(v.listeners, l)
	}
	v.h2 = newH2(v)
	for _, l := range v.listeners {
		v.wg.Go(func() { v.accept(l) })
	}
	return v, h.Keep(v)
}

func (v *Server) accept(l *socket.Listener) {
	for {
		raw, err := l.AcceptContext(v.ctx)
		if err != nil {
			return
		}
		v.mu.Lock()
		v.n++
		c := &conn{srv: v, raw: raw, id: v.n}
		v.conns[c] = true
		v.mu.Unlock()
		v.wg.Go(func() {
			c.serve()
			v.mu.Lock()
			delete(v.conns, c)
			v.mu.Unlock()
		})
	}
}

// Addr is where the server listens.
func (v *Server) Addr() netip.AddrPort { return netip.AddrPortFrom(v.host.Addr(), uint16(v.spec.Port)) }

// TLS reports whether it speaks TLS.
func (v *Server) TLS() bool { return v.spec.TLS != nil }

// Served are the requests it had, in the order it answered them.
func (v *Server) Served() []Served {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make([]Served, len(v.served))
	for i, s := range v.served {
		out[i] = *s
	}
	return out
}

// Accepted is how many connections it has accepted.
func (v *Server) Accepted() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.n
}

// note remembers a request, before its client can have all of the answer.
func (v *Server) note(s Served) *Served {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.served) < maxServed {
		v.served = append(v.served, &s)
	}
	return &s
}

// amend changes what is remembered of a request.
func (v *Server) amend(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// enter waits for a place among the requests that are worked on.
func (v *Server) enter() (leave func(), err error) {
	if v.gate == nil {
		return func() {}, nil
	}
	select {
	case v.gate <- struct{}{}:
		return func() { <-v.gate }, nil
	case <-v.ctx.Done():
		return nil, v.ctx.Err()
	}
}

// pause lets time pass, unless the server is closed.
func (v *Server) pause(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-v.ctx.Done():
		return v.ctx.Err()
	}
}

// Close ends the server and its connections. Closing twice is harmless.
func (v *Server) Close() error {
	v.host.Forget(v)
	v.cancel()
	var errs []error
	for _, l := range v.listeners {
		errs = append(errs, l.Close())
	}
	v.mu.Lock()
	for c := range v.conns {
		errs = append(errs, c.raw.Close())
	}
	v.mu.Unlock()
	if v.h2 != nil {
		v.h2.close()
	}
	v.wg.Wait()
	return errors.Join(errs...)
}
