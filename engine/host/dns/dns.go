//go:build linux

// Package dns is name servers that answer from a table, late, wrongly or not at
// all, and a resolver that asks one.
//
// Invariant: nothing is cached and nothing is asked twice unless it is told to.
package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"netrepro/engine/host/datagram"
	"netrepro/engine/host/socket"
)

// Port is where name servers are (RFC 1035, section 4.2).
const Port = 53

// Record is what is answered to questions of a name.
type Record struct {
	Addrs []netip.Addr
	CNAME string
	TTL   time.Duration
	// Delay is before the answer; Drop gives none. Truncate says in UDP that the
	// answer does not fit, so that it is asked for over TCP. Code is answered
	// instead of addresses: "NXDOMAIN", "SERVFAIL", "REFUSED".
	Delay    time.Duration
	Drop     bool
	Truncate bool
	Code     string
	// Times is how many questions it is for; those after are answered by the
	// record before it. 0 is all.
	Times int
}

// Codes are the response codes that a record can have (RFC 1035, section 4.1.1).
var Codes = map[string]dnsmessage.RCode{"NXDOMAIN": dnsmessage.RCodeNameError,
	"SERVFAIL": dnsmessage.RCodeServerFailure,
	"REFUSED":  dnsmessage.RCodeRefused, "FORMERR": dnsmessage.RCodeFormatError,
	"NOTIMP": dnsmessage.RCodeNotImplemented}

// Query is a question that a server had.
type Query struct {
	Name, Type, Proto string
	From              netip.AddrPort
}

// Server is a name server.
type Server struct {
	host *socket.Host
	udp  *datagram.Socket
	tcp  *socket.Listener

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	records map[string][]*Record // by name in lower case; the last that has times left
	queries []Query
}

// maxQueries bounds how many questions are remembered.
const maxQueries = 1 << 16

// Serve starts a name server on an address of a host, over UDP and TCP. An
// invalid address is all.
func Serve(h *socket.Host, at netip.Addr, port int, records map[string]Record) (*Server, error) {
	s := &Server{host: h, records: map[string][]*Record{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for name, r := range records {
		s.Set(name, r)
	}
	var err error
	if s.udp, err = datagram.Open(h, datagram.Spec{Proto: datagram.UDP, Six: at.Is6() || !at.IsValid() && h.Has6(),
		From: at, Port: port}); err != nil {
		return nil, err
	}
	if s.tcp, err = h.ListenAt(at, port, 0, socket.Options{}); err != nil {
		return nil, errors.Join(err, s.udp.Close())
	}
	s.wg.Go(s.overUDP)
	s.wg.Go(s.overTCP)
	return s, h.Keep(s)
}

// Set adds a record. Of several of one name the newest answers, as often as it
// says.
func (s *Server) Set(name string, r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := canonical(name)
	s.records[key] = append(s.records[key], &r)
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Queries are the questions so far.
func (s *Server) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Query(nil), s.queries...)
}

// Close ends the server. Closing twice is harmless.
func (s *Server) Close() error {
	s.host.Forget(s)
	s.cancel()
	err := errors.Join(s.udp.Close(), s.tcp.Close())
	s.wg.Wait()
	return err
}

func (s *Server) overUDP() {
	for {
		m, err := s.udp.Receive(s.ctx)
		if err != nil {
			if s.ctx.Err() != nil || socket.ErrName(err) == "closed" {
				return
			}
			continue // an earlier answer was refused
		}
		s.wg.Go(func() {
			if b := s.answer(m.Data, m.From, "udp"); b != nil {
				_ = s.udp.Send(m.From, b) // whoever asked may be gone
			}
		})
	}
}

func (s *Server) overTCP() {
	for {
		c, err := s.tcp.AcceptContext(s.ctx)
		if err != nil {
			return
		}
		s.wg.Go(func() {
			defer c.Close()
			stop := context.AfterFunc(s.ctx, func() { _ = c.Close() })
			defer stop()
			for {
				b, err := readTCP(c)
				if err != nil {
					return
				}
				if b = s.answer(b, c.Remote(), "tcp"); b == nil || writeTCP(c, b) != nil {
					return
				}
			}
		})
	}
}

// readTCP reads a message with its length before it (RFC 1035, section 4.2.2).
func readTCP(r io.Reader) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(n[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeTCP(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// pick is the record that answers a question, nil if there is none.
func (s *Server) pick(name string) *Record {
	rs := s.records[name]
	if len(rs) == 0 {
		return nil
	}
	r := rs[len(rs)-1]
	if r.Times > 0 {
		if r.Times--; r.Times == 0 {
			s.records[name] = rs[:len(rs)-1]
		}
	}
	return r
}

// answer answers a message; nil is no answer.
func (s *Server) answer(msg []byte, from netip.AddrPort, proto string) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || h.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	name := canonical(q.Name.String())
	s.mu.Lock()
	if len(s.queries) < maxQueries {
		s.queries = append(s.queries, Query{name, strings.TrimPrefix(q.Type.String(), "Type"), proto, from})
	}
	r := s.pick(name)
	if r == nil && q.Type == dnsmessage.TypePTR {
		if owner := s.owner(name); owner != "" {
			s.mu.Unlock()
			return build(h, q, &Record{CNAME: owner}, false)
		}
	}
	s.mu.Unlock()
	if r == nil {
		r = &Record{Code: "NXDOMAIN"}
	}
	if r.Drop {
		return nil
	}
	if r.Delay > 0 {
		t := time.NewTimer(r.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return nil
		}
	}
	return build(h, q, r, r.Truncate && proto == "udp")
}

// owner is the name that has the address of a PTR question.
func (s *Server) owner(name string) string {
	for owner, rs := range s.records {
		for _, a := range rs[len(rs)-1].Addrs {
			if reverse(a) == name {
				return owner
			}
		}
	}
	return ""
}

// reverse is the name that an address is looked up by (RFC 1035, section 3.5,
// RFC 3596, section 2.5).
func reverse(a netip.Addr) string {
	if a.Is4() {
		b := a.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0])
	}
	var out strings.Builder
	b := a.As16()
	for i := len(b) - 1; i >= 0; i-- {
		fmt.Fprintf(&out, "%x.%x.", b[i]&15, b[i]>>4)
	}
	return out.String() + "ip6.arpa"
}

// build writes an answer.
func build(h dnsmessage.Header, q dnsmessage.Question, r *Record, truncated bool) []byte {
	out := dnsmessage.Header{ID: h.ID, Response: true, OpCode: h.OpCode, Authoritative: true,
		RecursionDesired: h.RecursionDesired, RecursionAvailable: true,
		Truncated: truncated, RCode: Codes[r.Code]}
	b := dnsmessage.NewBuilder(nil, out)
	b.EnableCompression()
	ttl := uint32(r.TTL / time.Second)
	err := errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers())
	rh := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: ttl}
	if r.Code == "" && !truncated {
		if r.CNAME != "" {
			name, nerr := dnsmessage.NewName(canonical(r.CNAME) + ".")
			err = errors.Join(err, nerr)
			if q.Type == dnsmessage.TypePTR {
				err = errors.Join(err, b.PTRResource(rh, dnsmessage.PTRResource{PTR: name}))
			} else {
				err = errors.Join(err, b.CNAMEResource(rh, dnsmessage.CNAMEResource{CNAME: name}))
				rh.Name = name
			}
		}
		for _, a := range r.Addrs {
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				err = errors.Join(err, b.AResource(rh, dnsmessage.AResource{A: a.As4()}))
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				err = errors.Join(err, b.AAAAResource(rh, dnsmessage.AAAAResource{AAAA: a.As16()}))
			}
		}
	}
	msg, berr := b.Finish()
	if err != nil || berr != nil {
		return nil
	}
	return msg
}
