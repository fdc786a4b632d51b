//go:build linux

package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"netrepro/engine/lab"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/testutil/leaks"
)

// loopback is a host that talks to itself.
func loopback(t *testing.T) *Host {
	t.Helper()
	leaks.Lab(t)
	s := topology.Spec{Nodes: []topology.Node{{Name: "a", Kind: topology.Host}, {Name: "b", Kind: topology.Host}},
		Wires: []topology.Wire{{Nodes: [2]string{"a", "b"}}}}
	p, err := plan.Of(&s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Up(p, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := NewHost("a", l.Nodes[0].NS, l.Nodes[0].Primary())
	t.Cleanup(func() {
		if err := errors.Join(h.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestErrors(t *testing.T) {
	h := loopback(t)
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(h.Addr(), port) }
	if _, err := h.Dial(t.Context(), DialSpec{To: at(81)}); ErrName(err) != "ECONNREFUSED" {
		t.Errorf("no listener: %v", err)
	}
	l, err := h.Listen(80, 0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Listen(80, 0, Options{}); ErrName(err) != "EADDRINUSE" {
		t.Errorf("listening twice: %v", err)
	}
	if _, err := l.AcceptContext(short(t)); ErrName(err) != Timeout {
		t.Errorf("nobody came: %v", err)
	}
	c, err := h.Dial(t.Context(), DialSpec{To: at(80)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); ErrName(err) != "closed" {
		t.Errorf("read of a closed connection: %v", err)
	}
	if err := c.WaitReadable(); ErrName(err) != "closed" {
		t.Errorf("wait on a closed connection: %v", err)
	}
}

func TestErrName(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{fmt.Errorf("read: %w", syscall.ECONNRESET), "ECONNRESET"},
		{os.ErrDeadlineExceeded, Timeout},
		{context.DeadlineExceeded, Timeout},
		{io.EOF, "EOF"},
		{os.ErrClosed, "closed"},
		{tls.AlertError(48), "alert tls: unknown certificate authority"},
		{errors.New("other"), "other"},
	} {
		if got := ErrName(tt.err); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestPortsAreTheSameEachTime(t *testing.T) {
	h := loopback(t)
	if _, err := h.Listen(80, 0, Options{}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		c, err := h.Dial(t.Context(), DialSpec{To: netip.AddrPortFrom(h.Addr(), 80)})
		if err != nil {
			t.Fatal(err)
		}
		if got := int(c.Local().Port()); got != firstPort+i {
			t.Errorf("connection %d from port %d, want %d", i, got, firstPort+i)
		}
	}
}

// TestLinger checks what close does to the peer: an open socket always lingers
// for no time, which must not show unless it was asked for.
func TestLinger(t *testing.T) {
	zero := time.Duration(0)
	for _, tt := range []struct {
		name   string
		linger *time.Duration
		want   string
	}{{"default", nil, "EOF"}, {"asked for", &zero, "ECONNRESET"}} {
		t.Run(tt.name, func(t *testing.T) {
			h := loopback(t)
			l, err := h.Listen(80, 0, Options{})
			if err != nil {
				t.Fatal(err)
			}
			c, err := h.Dial(t.Context(),
				DialSpec{To: netip.AddrPortFrom(h.Addr(), 80), Options: Options{Linger: tt.linger}})
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.AcceptContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Read(make([]byte, 1)); ErrName(err) != tt.want {
				t.Errorf("the peer saw %v, want %s", err, tt.want)
			}
		})
	}
}

func TestClosedHostTakesNothingMore(t *testing.T) {
	leaks.Lab(t)
	ns, err := netns.New("x")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	h := NewHost("x", ns, netip.MustParseAddr("127.0.0.1"))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Listen(80, 0, Options{}); err == nil {
		t.Error("a closed host listens")
	}
}
