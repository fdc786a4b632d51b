//go:build linux

package pathprobe

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/datagram"
	"netrepro/engine/host/socket"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// Reply is what came back for one probe.
type Reply struct {
	Seq int
	// Err is empty for an answer of the target: else "timeout", an ICMP message
	// by its name, or an error of the sending socket.
	Err  string
	From netip.Addr // who answered, invalid if nobody
	Type int        // of the ICMP message, -1 if none came
	Code int
	TTL  int // of the answer
	MTU  int // that the answer, or the sending kernel, named
	RTT  time.Duration
}

// OK reports whether the target answered.
func (r *Reply) OK() bool { return r.Err == "" }

// Ping says what to ping and how.
type Ping struct {
	To, From netip.Addr
	Count    int // 0 is 1
	Size     int // bytes of ICMP payload; 0 is 56
	Interval time.Duration
	Timeout  time.Duration // for each; 0 is 1 s
	Options  socket.Options
	ID       uint16
}

// Types of ICMP messages (RFC 792, RFC 4443).
const (
	echoReply4, echo4 = 0, 8
	echo6, echoReply6 = 128, 129
)

// proto is the ICMP of an address's version of IP.
func proto(a netip.Addr) uint8 {
	if a.Is6() {
		return packet.ProtoICMPv6
	}
	return packet.ProtoICMP
}

// Run sends echo requests, each when the one before has been answered or given
// up and the interval is over.
func (p Ping) Run(ctx context.Context, h *socket.Host) ([]Reply, error) {
	if p.Count == 0 {
		p.Count = 1
	}
	if p.Size == 0 {
		p.Size = 56
	}
	if p.Timeout == 0 {
		p.Timeout = time.Second
	}
	d, err := datagram.Open(h, datagram.Spec{Proto: datagram.ICMP, Six: p.To.Is6(), From: p.From, Options: p.Options})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out []Reply
	for seq := 1; seq <= p.Count && ctx.Err() == nil; seq++ {
		if seq > 1 {
			pause(ctx, p.Interval)
		}
		out = append(out, p.one(ctx, d, seq))
	}
	return out, nil
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// one sends one request and waits for what comes of it.
func (p Ping) one(ctx context.Context, d *datagram.Socket, seq int) Reply {
	r := Reply{Seq: seq, Type: -1}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	start := time.Now()
	if err := d.Send(netip.AddrPortFrom(p.To, 0), echo(p.To.Is6(), p.ID, uint16(seq), p.Size)); err != nil {
		r.Err = socket.ErrName(err)
		return r
	}
	for {
		m, err := d.Receive(ctx)
		if err != nil {
			r.Err = socket.ErrName(err)
			return r
		}
		if !p.about(m.Data, uint16(seq)) {
			continue
		}
		r.RTT, r.From, r.TTL = m.At.Sub(start), m.From.Addr(), m.TTL
		r.Type, r.Code = int(header.ICMPType.Get(m.Data)), int(header.ICMPCode.Get(m.Data))
		if r.Type != echoReply4 && r.Type != echoReply6 {
			r.Err, r.MTU = name(m.Data, p.To)
		}
		return r
	}
}

// name names an ICMP error, and the MTU it tells.
func name(msg []byte, to netip.Addr) (string, int) {
	m := packet.ReadICMP(proto(to), msg)
	mtu := m.MTU
	m.MTU = 0 // the name is to be without it
	return m.Name(proto(to)), mtu
}

// echo writes an echo request.
func echo(six bool, id, seq uint16, size int) []byte {
	b := make([]byte, header.ICMPSize+size)
	header.ICMPType.Put(b, echo4)
	if six {
		header.ICMPType.Put(b, echo6)
	}
	header.ICMPID.Put(b, id)
	header.ICMPSeq.Put(b, seq)
	for i := range size {
		b[header.ICMPSize+i] = byte(i)
	}
	if !six { // the kernel has that of ICMPv6
		header.ICMPChecksum.Put(b, header.Checksum(b))
	}
	return b
}

// about reports whether an ICMP message answers the request of that number, or
// quotes it.
func (p Ping) about(msg []byte, seq uint16) bool {
	if len(msg) < header.ICMPSize {
		return false
	}
	switch kind := header.ICMPType.Get(msg); {
	case kind == echoReply4 && !p.To.Is6() || kind == echoReply6 && p.To.Is6():
		return p.asked(msg, seq)
	case kind == echo4 && !p.To.Is6() || kind == echo6 && p.To.Is6():
		return false // its own, on a path back to itself
	}
	quoted, ok := header.ReadIP(msg[header.ICMPSize:])
	return ok && p.asked(quoted.Rest, seq)
}

// asked reports whether an echo has the identifier and the number of a request.
func (p Ping) asked(echo []byte, seq uint16) bool {
	return len(echo) >= header.ICMPSize && header.ICMPID.Get(echo) == p.ID && header.ICMPSeq.Get(echo) == seq
}

// dontFragment is the option that keeps a socket's packets whole; strict also
// heeds the path MTU that the kernel knows (ip(7), IP_MTU_DISCOVER).
func dontFragment(strict bool) socket.Setting {
	s := socket.Setting{Option: socket.OptionOf("mtu_discover"), Int: unix.IP_PMTUDISC_PROBE}
	if strict {
		s.Int = unix.IP_PMTUDISC_DO
	}
	return s
}

// WithDF is o with packets kept whole.
func WithDF(o socket.Options, strict bool) socket.Options {
	o.Set = append(append([]socket.Setting(nil), o.Set...), dontFragment(strict))
	return o
}

// WithTTL is o with a time to live.
func WithTTL(o socket.Options, ttl int) socket.Options {
	o.Set = append(append([]socket.Setting(nil), o.Set...), socket.Setting{Option: socket.OptionOf("ttl"), Int: ttl})
	return o
}
