// Package payload replaces what connections and datagrams carry by filler, and leaves
// what a diagnosis needs: the records and the kinds of messages of TLS, methods, status
// and lengths of HTTP, the shape of DNS.
//
// It finds TLS and HTTP where package tcp/payload finds them, so that what is read of a
// connection afterwards is what was read of it before.
//
// Invariant: all is filler at first; what is left as it was, is put back after it was
// understood. What is not understood stays filler. Memory is bounded.
package payload

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"netrepro/engine/anonymize/dns"
	"netrepro/engine/anonymize/standin"
	tcppayload "netrepro/engine/tcp/payload"
)

// Ends are the ends of one direction of a connection.
type Ends struct{ From, To netip.AddrPort }

// id is what the filler of a direction depends on.
func (e Ends) id() []byte {
	b := make([]byte, 0, 64)
	for _, a := range [...]netip.AddrPort{e.From, e.To} {
		ip := a.Addr().As16()
		b = binary.BigEndian.AppendUint16(append(b, ip[:]...), a.Port())
	}
	return b
}

// Streams replaces what connections carry.
type Streams struct {
	names *standin.Map
	// Those that were used lately, and before: what is in neither begins anew.
	young, old map[Ends]*stream
	scratch    []byte
	fresh      []span // of the segment that is read
	held       int    // bytes of messages of TLS that are not whole yet
}

const (
	// maxStreams bounds each of the two.
	maxStreams = 1 << 13
	// maxHeld bounds the bytes of messages of TLS that are not whole yet.
	maxHeld = 8 << 20
)

// NewStreams replaces names by those of m.
func NewStreams(m *standin.Map) *Streams { return &Streams{names: m, young: map[Ends]*stream{}} }

// stream is one direction of a connection. Its first fields are those of
// [netrepro/engine/tcp/payload.Stream].
type stream struct {
	all  *Streams
	fill standin.Stream
	ends Ends

	started bool
	next    uint32
	kind    kind
	tls     tlsState
	head    bool // of an HTTP message: it goes on in the next segment
	midLine bool // which begins within a line
	message int  // bytes of the DNS message still to come
	kept    []span
	bytes   int // of kept
}

type kind uint8

const (
	unknown kind = iota
	isTLS
	neither
)

// span is what stands in a stream where it is no filler, for when it is sent again.
type span struct {
	seq uint32
	b   []byte
}

// Bounds of what is remembered of one stream.
const (
	maxSpans = 48
	maxKept  = 2 << 10
)

func (a *Streams) of(e Ends) *stream {
	s := a.young[e]
	if s != nil {
		return s
	}
	if s = a.old[e]; s == nil {
		s = &stream{all: a, ends: e, fill: a.names.Stream(e.id())}
	} else {
		delete(a.old, e)
	}
	if len(a.young) == maxStreams {
		for _, o := range a.old {
			o.tls.forget(a)
		}
		a.old, a.young = a.young, map[Ends]*stream{}
	}
	a.young[e] = s
	return s
}

// Segment replaces the payload b of a segment, in place. On the wire it had size bytes,
// from sequence number seq on. A segment that opens a connection says so.
func (a *Streams) Segment(e Ends, opens bool, seq uint32, size int, b []byte) {
	if size <= 0 && !opens {
		return
	}
	s := a.of(e)
	if opens {
		seq++
		if s.started && seq != s.next {
			s.tls.forget(a)
			*s = stream{all: a, ends: e, fill: s.fill}
		}
	}
	s.segment(seq, size, b)
}

// Quoted replaces what an ICMP error quotes of a segment, in place: as it was replaced
// in the segment itself.
func (a *Streams) Quoted(e Ends, seq uint32, b []byte) {
	s := a.young[e]
	if s == nil {
		s = a.old[e]
	}
	if s == nil {
		a.names.Stream(e.id()).Fill(seq, b)
		return
	}
	s.fill.Fill(seq, b)
	s.again(seq, b)
}

func (s *stream) segment(seq uint32, size int, b []byte) {
	if size <= 0 {
		return
	}
	b = b[:min(size, len(b))]
	s.all.scratch = append(s.all.scratch[:0], b...)
	p := piece{s: s, seq: seq, in: s.all.scratch, out: b}
	s.fill.Fill(seq, b)
	defer s.settle()
	if !s.started {
		s.started, s.next = true, seq
	}
	switch skip := int32(s.next - seq); {
	case skip >= int32(size):
		s.again(seq, b)
		return
	case skip > 0:
		old := min(int(skip), len(b))
		s.again(seq, b[:old])
		p.skip(old)
		size -= int(skip)
		seq = s.next
	case skip < 0:
		if !s.tls.skip(int(-skip)) {
			s.lose()
		}
	}
	s.next = seq + uint32(size)
	if s.kind == unknown || s.kind == isTLS && s.tls.idle() && !tcppayload.MayBeTLS(p.in) {
		s.kind = neither
		if tcppayload.LooksLikeTLS(p.in) {
			s.kind = isTLS
		}
	}
	if s.kind == isTLS {
		s.head = false
		if !s.tls.feed(&p, size) {
			s.lose()
		}
		return
	}
	s.kind = unknown
	s.text(&p, size)
}

// lose begins anew where a record begins.
func (s *stream) lose() {
	s.tls.forget(s.all)
	s.tls, s.kind, s.head, s.message = tlsState{}, unknown, false, 0
}

// text is what is not TLS.
func (s *stream) text(p *piece, size int) {
	switch {
	case startsHTTP(p.in):
		s.head, s.midLine = true, false
		s.httpHead(p, true)
	case s.head:
		s.httpHead(p, false)
	case dns.On(s.ends.From.Port()), dns.On(s.ends.To.Port()):
		s.messages(p, size)
	}
}

// again puts back what stood in a piece of the stream when it was sent before.
func (s *stream) again(seq uint32, b []byte) {
	for _, k := range s.kept {
		switch at := int32(k.seq - seq); {
		case at >= 0 && int(at) < len(b):
			copy(b[at:], k.b)
		case at < 0 && int(-at) < len(k.b):
			copy(b, k.b[-at:])
		}
	}
}

// remember notes what stands at a place of the stream.
func (s *stream) remember(seq uint32, b []byte) { s.all.fresh = append(s.all.fresh, span{seq, b}) }

// settle keeps what was noted of a segment.
func (s *stream) settle() {
	fresh := s.all.fresh
	slices.SortFunc(fresh, func(a, b span) int { return int(int32(a.seq - b.seq)) })
	for i := 0; i < len(fresh); {
		to := span{seq: fresh[i].seq}
		for ; i < len(fresh) && fresh[i].seq == to.seq+uint32(len(to.b)); i++ {
			to.b = append(to.b, fresh[i].b...)
		}
		if len(to.b) == 0 {
			continue
		}
		to.b = slices.Clip(to.b)
		s.kept = append(s.kept, to)
		s.bytes += len(to.b)
	}
	for len(s.kept) > maxSpans || s.bytes > maxKept && len(s.kept) > 1 {
		s.bytes -= len(s.kept[0].b)
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	clear(fresh)
	s.all.fresh = fresh[:0]
}

// piece is a piece of a stream: what it was, and what it becomes.
type piece struct {
	s       *stream
	seq     uint32
	in, out []byte
}

func (p *piece) len() int { return len(p.in) }

// skip passes over n bytes.
func (p *piece) skip(n int) {
	p.seq += uint32(n)
	p.in, p.out = p.in[n:], p.out[n:]
}

// cut takes the first n bytes off.
func (p *piece) cut(n int) piece {
	c := piece{p.s, p.seq, p.in[:n:n], p.out[:n:n]}
	p.skip(n)
	return c
}

// keep leaves bytes as they were.
func (p *piece) keep(from, to int) {
	if from < to {
		copy(p.out[from:to], p.in[from:to])
		p.s.remember(p.seq+uint32(from), p.out[from:to])
	}
}

// Keep implements [hello.Sink].
func (p *piece) Keep(from, to int) { p.keep(from, to) }

// Name implements [hello.Sink].
func (p *piece) Name(from, to int) {
	copy(p.out[from:to], p.in[from:to])
	p.s.all.host(p.out[from:to])
	p.s.remember(p.seq+uint32(from), p.out[from:to])
}

// Hide implements [hello.Sink].
func (p *piece) Hide(from, to int) {
	for i := range p.out[from:to] {
		p.out[from+i] = 1
	}
	p.s.remember(p.seq+uint32(from), p.out[from:to])
}

// host replaces a name of a host in place, label by label.
func (a *Streams) host(b []byte) {
	for i := 0; i <= len(b); {
		n := i
		for n < len(b) && b[n] != '.' {
			n++
		}
		a.names.Label(b[i:n])
		i = n + 1
	}
}

// messages replaces DNS messages, each behind its length, that begin and end in one
// segment (RFC 1035, section 4.2.2).
func (s *stream) messages(p *piece, size int) {
	for size > 0 {
		if s.message > 0 {
			n := min(s.message, size)
			p.skip(min(n, p.len()))
			s.message -= n
			size -= n
			continue
		}
		if p.len() < 2 {
			return
		}
		n := int(binary.BigEndian.Uint16(p.in))
		if n < dns.HeaderSize || n > p.len()-2 {
			s.message = n + 2
			continue
		}
		head := p.cut(2)
		q := p.cut(n)
		if dns.Replace(s.all.names, true, q.in, q.out) {
			head.keep(0, 2)
			s.remember(q.seq, q.out)
		}
		size -= 2 + n
	}
}

// Datagram replaces the payload of a UDP datagram between two ports, in place. whole says
// that all of it was captured.
func (a *Streams) Datagram(from, to uint16, whole bool, b []byte) {
	if !dns.On(from) && !dns.On(to) {
		a.names.Block(b)
		return
	}
	a.scratch = append(a.scratch[:0], b...)
	a.names.Block(b)
	dns.Replace(a.names, whole, a.scratch, b)
}
