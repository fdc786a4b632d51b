//go:build linux

package pathprobe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"netrepro/engine/host/datagram"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
	"netrepro/engine/packet"
)

// Ways that a path is traced.
const (
	ByUDP  = "udp"
	ByICMP = "icmp"
	ByTCP  = "tcp"
)

// Trace says what path to trace and how.
type Trace struct {
	To, From netip.Addr
	By       string // ByUDP unless said
	Port     int    // 0 is 33434 of UDP, counted up, and 443 of TCP
	Hops     int    // at most; 0 is 30
	Tries    int    // at each hop; 0 is 3
	Timeout  time.Duration
	// Vary changes the ports from probe to probe, so that ECMP sends them over
	// all its next hops; else all probes are of one flow.
	Vary bool
	ID   uint16
}

// Hop is what is known of one distance.
type Hop struct {
	TTL     int
	Replies []Reply
	// Siblings are the addresses that answered, in the order they did first.
	Siblings          []netip.Addr
	Lost              int
	Best, Mean, Worst time.Duration
	Reached           bool // the target answered
}

// firstPort is where traceroute's ports of UDP begin.
const firstPort = 33434

// Run probes each distance until the target answers.
func (t Trace) Run(ctx context.Context, h *socket.Host) ([]Hop, error) {
	if t.By == "" {
		t.By = ByUDP
	}
	for p, def := range map[*int]int{&t.Hops: 30, &t.Tries: 3} {
		if *p == 0 {
			*p = def
		}
	}
	if t.Timeout == 0 {
		t.Timeout = time.Second
	}
	if t.Port == 0 {
		if t.Port = firstPort; t.By == ByTCP {
			t.Port = 443
		}
	}
	var out []Hop
	n := 0
	for ttl := 1; ttl <= t.Hops && ctx.Err() == nil; ttl++ {
		hop := Hop{TTL: ttl}
		for range t.Tries {
			n++
			r, reached, err := t.probe(ctx, h, ttl, n)
			if err != nil {
				return out, err
			}
			hop.Replies = append(hop.Replies, r)
			hop.Reached = hop.Reached || reached
		}
		hop.sum()
		out = append(out, hop)
		if hop.Reached {
			break
		}
	}
	return out, nil
}

func (h *Hop) sum() {
	var all time.Duration
	answered := 0
	for _, r := range h.Replies {
		if !r.From.IsValid() {
			h.Lost++
			continue
		}
		if !slices.Contains(h.Siblings, r.From) {
			h.Siblings = append(h.Siblings, r.From)
		}
		if answered++; answered == 1 || r.RTT < h.Best {
			h.Best = r.RTT
		}
		h.Worst = max(h.Worst, r.RTT)
		all += r.RTT
	}
	if answered > 0 {
		h.Mean = all / time.Duration(answered)
	}
}

// probe sends the n-th probe, over so many hops.
func (t Trace) probe(ctx context.Context, h *socket.Host, ttl, n int) (r Reply, reached bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	switch t.By {
	case ByICMP:
		p := Ping{To: t.To, From: t.From, Timeout: t.Timeout, Size: 32, ID: t.ID,
			Options: WithTTL(socket.Options{}, ttl)}
		if t.Vary {
			p.ID += uint16(n)
		}
		d, err := datagram.Open(h,
			datagram.Spec{Proto: datagram.ICMP, Six: t.To.Is6(), From: t.From, Options: p.Options})
		if err != nil {
			return r, false, err
		}
		defer d.Close()
		r = p.one(ctx, d, n)
		return r, r.OK(), nil
	case ByTCP:
		return t.overTCP(ctx, h, ttl, n)
	}
	return t.overUDP(ctx, h, ttl, n)
}

// told turns an ICMP error into a reply.
func told(r *Reply, f *fd.Fault, start time.Time, six bool) {
	r.RTT, r.From, r.Type, r.Code, r.MTU = f.At.Sub(start), f.From, int(f.Type), int(f.Code), f.MTU
	m := packet.ICMP{Type: f.Type, Code: f.Code}
	p := uint8(packet.ProtoICMP)
	if six {
		p = packet.ProtoICMPv6
	}
	r.Err = m.Name(p)
}

// recverr has a socket told of ICMP errors, with their senders.
func recverr(o socket.Options) socket.Options {
	o.Set = append(o.Set, socket.Setting{Option: socket.OptionOf("recverr"), Int: 1})
	return o
}

func (t Trace) overUDP(ctx context.Context, h *socket.Host, ttl, n int) (r Reply, reached bool, err error) {
	r = Reply{Seq: n, Type: -1}
	port := t.Port
	if t.Vary {
		port += n - 1
	}
	d, err := datagram.Open(h,
		datagram.Spec{Proto: datagram.UDP, From: t.From, Port: t.local(), To: netip.AddrPortFrom(t.To, uint16(port)),
			Options: recverr(WithTTL(socket.Options{}, ttl))})
	if err != nil {
		return r, false, err
	}
	defer d.Close()
	start := time.Now()
	if err := d.Send(netip.AddrPort{}, make([]byte, 32)); err != nil {
		r.Err = socket.ErrName(err)
		return r, false, nil
	}
	m, f, err := d.Either(ctx)
	switch {
	case f != nil:
		told(&r, f, start, t.To.Is6())
		reached = f.From == t.To
		if reached && f.Errno == syscall.ECONNREFUSED {
			r.Err = ""
		}
	case m != nil: // somebody listens there
		r.RTT, r.From, r.TTL, reached = m.At.Sub(start), m.From.Addr(), m.TTL, true
	default:
		r.Err = socket.ErrName(err)
	}
	return r, reached, nil
}

// local is the source port of all probes of one flow: 0 is another each time.
func (t Trace) local() int {
	if t.Vary {
		return 0
	}
	return firstPort - 1
}

func (t Trace) overTCP(ctx context.Context, h *socket.Host, ttl, n int) (r Reply, reached bool, err error) {
	r = Reply{Seq: n, Type: -1}
	p, err := h.Bind(socket.DialSpec{To: netip.AddrPortFrom(t.To, uint16(t.Port)), From: t.From, FromPort: t.local(),
		Options: recverr(WithTTL(socket.Options{}, ttl))})
	if err != nil {
		return r, false, err
	}
	start := time.Now()
	c, f, err := p.Probe(ctx)
	switch {
	case f != nil && f.From.IsValid():
		told(&r, f, start, t.To.Is6())
		reached = f.From == t.To
	case c != nil:
		r.RTT, r.From, reached = time.Since(start), t.To, true
		_ = c.Abort() // nothing more is wanted of it
	case errors.Is(err, syscall.ECONNREFUSED):
		r.RTT, r.From, reached = time.Since(start), t.To, true
	default:
		r.Err = socket.ErrName(err)
	}
	return r, reached, nil
}
