// Package carried finds out what the connections of a capture carry: TLS and its
// certificates, HTTP/1, DNS.
//
// It judges nothing, and keeps no payload: only names, numbers and times.
//
// Invariant: no input makes it panic, and what it keeps is bounded for each connection
// and for all.
package carried

import (
	"bytes"
	"net/netip"

	"netrepro/engine/diagnose/carried/dns"
	"netrepro/engine/diagnose/carried/handshake"
	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/diagnose/carried/web"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
)

const (
	// maxKept is how many bytes all connections together may have waiting or kept, and
	// maxConns how many are looked into.
	maxKept  = 32 << 20
	maxConns = 1 << 16
)

// File is what the connections of one capture share.
type File struct {
	DNS    dns.Log
	budget *stream.Budget
	conns  int
}

// NewFile begins a capture.
func NewFile() *File { return &File{budget: stream.NewBudget(maxKept)} }

// Conn is what one connection carries.
type Conn struct {
	TLS  *handshake.Conn // nil if none was seen
	HTTP *web.Conn       // nil if none was seen

	file   *File
	ends   [2]netip.AddrPort
	orders [2]*stream.Order
	kinds  [2]kind
	speaks [2]string // what the first bytes of each side are
	begun  [2]bool   // its SYN was captured, and nothing is missing before what it said first
	dns    [2]dns.Stream
}

type kind uint8

const (
	unknown kind = iota
	isTLS
	isHTTP
	isDNS
)

// Open begins a connection; nil if there are too many, and then nothing of it is read.
func (f *File) Open(ends [2]netip.AddrPort) *Conn {
	if f.conns >= maxConns {
		return nil
	}
	f.conns++
	c := &Conn{file: f, ends: ends}
	for i := range c.orders {
		c.orders[i] = stream.New(f.budget)
		c.dns[i].Budget = f.budget
	}
	return c
}

// Segment takes in a segment that side sent, and what was captured of its payload.
func (c *Conn) Segment(side int, p *packet.Packet, data []byte, told *payload.Event, at stream.Place) {
	if c == nil {
		return
	}
	if told != nil && len(data) == 0 {
		c.tell(side, told, at)
		return
	}
	if p.Missing&(packet.NoSeq|packet.NoLength) != 0 || p.Flags.Has(packet.RST) {
		return
	}
	from := p.Seq
	if p.Flags.Has(packet.SYN) {
		from++ // data in a SYN (RFC 7413) begins after it
		c.orders[side].Begin(from)
		c.begun[side] = true
	}
	c.orders[side].Add(from, int(p.PayloadLen), data, at, direction{c, side})
}

// direction is one side's payload, in order.
type direction struct {
	c    *Conn
	side int
}

// Take implements [stream.Sink].
func (d direction) Take(data []byte, size int, at stream.Place) { d.c.take(d.side, data, size, at) }

// Gap implements [stream.Sink].
func (d direction) Gap(n int) {
	if d.c.speaks[d.side] == "" {
		d.c.begun[d.side] = false
	}
	ok := false
	switch d.c.kinds[d.side] {
	case isTLS:
		ok = d.c.TLS.Gap(d.side, n)
	case isHTTP:
		ok = d.c.HTTP.Gap(d.side, n)
	case isDNS:
		ok = d.c.dns[d.side].Take(nil, n, nil)
	}
	if !ok {
		d.c.kinds[d.side] = unknown
	}
}

func (c *Conn) take(side int, data []byte, size int, at stream.Place) {
	if c.kinds[side] == unknown {
		c.kinds[side] = c.kind(data)
	}
	if c.speaks[side] == "" && len(data) > 0 && c.begun[side] {
		c.speaks[side] = called(c.kinds[side], data)
	}
	ok := true
	switch c.kinds[side] {
	case isTLS:
		if c.TLS == nil {
			c.TLS = handshake.New(c.file.budget)
		}
		ok = c.TLS.Take(side, data, size, at)
	case isHTTP:
		if c.HTTP == nil {
			c.HTTP = web.New(c.file.budget)
		}
		ok = c.HTTP.Take(side, data, size, at)
	case isDNS:
		ok = c.dns[side].Take(data, size, func(m []byte) { c.file.DNS.Add(c.ends[side], c.ends[1-side], m, true, at) })
	}
	if !ok {
		c.kinds[side] = unknown
	}
}

// kind is what begins with b.
func (c *Conn) kind(b []byte) kind {
	switch {
	case c.ends[0].Port() == dns.Port || c.ends[1].Port() == dns.Port:
		return isDNS
	case payload.LooksLikeTLS(b):
		return isTLS
	case web.Begins(b):
		return isHTTP
	}
	return unknown
}

// other is what begins as none of the protocols that are known here.
const other = "another protocol"

// called is what the protocol of a side's first bytes is called.
func called(k kind, b []byte) string {
	switch {
	case k == isTLS:
		return "TLS"
	case k == isHTTP:
		return "HTTP/1"
	case bytes.HasPrefix(b, []byte("SSH-")): // RFC 4253, section 4.2
		return "SSH"
	case len(b) >= 5 && (bytes.EqualFold(b[:5], []byte("<html")) || bytes.EqualFold(b[:5], []byte("<!doc"))):
		return "HTML"
	}
	return other
}

// Apart says what each side speaks where that is not the same: a port was called with a protocol that
// is not its own.
func (c *Conn) Apart() (first, second string, apart bool) {
	if c == nil {
		return "", "", false
	}
	first, second = c.speaks[0], c.speaks[1]
	return first, second, first != second && first != "" && second != "" && first != other && second != other
}

// tell takes in what a text says of a segment without its bytes.
func (c *Conn) tell(side int, e *payload.Event, at stream.Place) {
	switch e.Proto {
	case "tls":
		if c.TLS == nil {
			c.TLS = handshake.New(c.file.budget)
		}
		c.TLS.Tell(side, e.Name, e.Detail, at)
	case "http":
		if c.HTTP == nil {
			c.HTTP = web.New(c.file.budget)
		}
		c.HTTP.Tell(side, e.Detail, at)
	}
}

// Finish ends a connection; what the key log opens is read.
func (c *Conn) Finish(log *keylog.Log) {
	if c == nil {
		return
	}
	for side, o := range c.orders {
		o.Flush(direction{c, side})
	}
	if c.TLS != nil {
		c.TLS.Finish(log)
	}
}

// Swap changes which side is which.
func (c *Conn) Swap() {
	if c == nil {
		return
	}
	c.speaks[0], c.speaks[1] = c.speaks[1], c.speaks[0]
	c.begun[0], c.begun[1] = c.begun[1], c.begun[0]
	if c.TLS != nil {
		c.TLS.Swap()
	}
}

// Datagram takes in one of UDP.
func (f *File) Datagram(src, dst netip.AddrPort, data []byte, at stream.Place) {
	if src.Port() == dns.Port || dst.Port() == dns.Port {
		f.DNS.Add(src, dst, data, false, at)
	}
}
