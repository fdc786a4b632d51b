//go:build linux

package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"netrepro/engine/host/datagram"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
)

// Resolver asks a name server, as the C library does (resolv.conf(5)).
type Resolver struct {
	Host    *socket.Host
	Server  netip.AddrPort
	Timeout time.Duration // of each attempt; 0 is 5 s
	Tries   int           // 0 is 2
	ID      uint16        // of the first question
}

// errNoName is an answer that there is no such name, or no address of it.
var errNoName = errors.New("NXDOMAIN")

// Lookup finds an address of a name: of version 6 if six.
func (r *Resolver) Lookup(ctx context.Context, name string, six bool) (netip.Addr, error) {
	typ := dnsmessage.TypeA
	if six {
		typ = dnsmessage.TypeAAAA
	}
	qname, err := dnsmessage.NewName(canonical(name) + ".")
	if err != nil {
		return netip.Addr{}, fmt.Errorf("look up %q: %w", name, err)
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: r.ID, RecursionDesired: true})
	err = errors.Join(b.StartQuestions(),
		b.Question(dnsmessage.Question{Name: qname, Type: typ, Class: dnsmessage.ClassINET}))
	msg, berr := b.Finish()
	if err := errors.Join(err, berr); err != nil {
		return netip.Addr{}, fmt.Errorf("look up %q: %w", name, err)
	}
	timeout, tries := r.Timeout, r.Tries
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	if tries == 0 {
		tries = 2
	}
	var last error
	for range tries {
		a, err := r.try(ctx, msg, typ, timeout)
		if err == nil || errors.Is(err, errNoName) || ctx.Err() != nil {
			return a, err
		}
		last = err
	}
	return netip.Addr{}, last
}

// try asks once over UDP, and over TCP if the answer is cut.
func (r *Resolver) try(ctx context.Context, msg []byte, typ dnsmessage.Type, timeout time.Duration) (netip.Addr,
	error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	d, err := datagram.Open(r.Host, datagram.Spec{Proto: datagram.UDP, To: r.Server})
	if err != nil {
		return netip.Addr{}, err
	}
	defer d.Close()
	if err := d.Send(netip.AddrPort{}, msg); err != nil {
		return netip.Addr{}, err
	}
	for {
		m, err := d.Receive(ctx)
		if err != nil {
			return netip.Addr{}, err
		}
		a, truncated, err := r.read(m.Data, typ)
		if errors.Is(err, errOther) {
			continue
		}
		if !truncated {
			return a, err
		}
		c, err := r.Host.Dial(ctx, socket.DialSpec{To: r.Server})
		if err != nil {
			return netip.Addr{}, err
		}
		defer c.Close()
		var answer []byte
		err = fd.Within(ctx, c.SetDeadline, func() error {
			if err := writeTCP(c, msg); err != nil {
				return err
			}
			answer, err = readTCP(c)
			return err
		})
		if err != nil {
			return netip.Addr{}, err
		}
		a, _, err = r.read(answer, typ)
		return a, err
	}
}

// errOther is an answer to another question.
var errOther = errors.New("an answer to another question")

func (r *Resolver) read(msg []byte, typ dnsmessage.Type) (a netip.Addr, truncated bool, err error) {
	var m dnsmessage.Message
	if err := m.Unpack(msg); err != nil || m.ID != r.ID || !m.Response {
		return a, false, errOther
	}
	switch {
	case m.Truncated:
		return a, true, nil
	case m.RCode == dnsmessage.RCodeNameError:
		return a, false, errNoName
	case m.RCode != dnsmessage.RCodeSuccess:
		for name, code := range Codes {
			if code == m.RCode {
				return a, false, errors.New(name)
			}
		}
		return a, false, fmt.Errorf("response code %d", m.RCode)
	}
	for _, rr := range m.Answers {
		switch body := rr.Body.(type) {
		case *dnsmessage.AResource:
			if typ == dnsmessage.TypeA {
				return netip.AddrFrom4(body.A), false, nil
			}
		case *dnsmessage.AAAAResource:
			if typ == dnsmessage.TypeAAAA {
				return netip.AddrFrom16(body.AAAA), false, nil
			}
		}
	}
	return a, false, errNoName
}
