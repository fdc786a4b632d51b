//go:build linux

package pathprobe

import (
	"context"
	"net/netip"
	"time"

	"netrepro/engine/host/socket"
	"netrepro/engine/packet/header"
)

// MTU is what was found of a path.
type MTU struct {
	// Bytes is the largest IP packet that was answered, 0 if none was.
	Bytes int
	// Told says that the narrow place says so itself, From who does; else larger
	// packets vanish, which is a black hole (RFC 2923, section 2.1).
	Told  bool
	From  netip.Addr
	Tries int
}

const (
	// least is the smallest packet that is tried: every path must take it
	// (RFC 791, section 3.2; RFC 8200, section 5).
	least4, least6 = 68, 1280
)

// PathMTU finds the path MTU by echo requests that must not be fragmented: by
// what routers say of those that are too large, and by halving where they say
// nothing.
func PathMTU(ctx context.Context, h *socket.Host, to netip.Addr, first int, timeout time.Duration, id uint16) (MTU,
	error) {
	head, low := header.IPv4Size+header.ICMPSize, least4
	if to.Is6() {
		head, low = header.IPv6Size+header.ICMPSize, least6
	}
	var out MTU
	ask := func(size int) (Reply, error) {
		out.Tries++
		p := Ping{To: to, Size: max(size-head, 1), Timeout: timeout, ID: id + uint16(out.Tries),
			Options: WithDF(socket.Options{}, false)}
		rs, err := p.Run(ctx, h)
		if err != nil || len(rs) == 0 {
			return Reply{Err: "timeout"}, err
		}
		return rs[0], nil
	}
	// Is it there at all?
	r, err := ask(low)
	if err != nil || !r.OK() {
		return out, err
	}
	good, bad := low, first+1
	for size := first; good+1 < bad && ctx.Err() == nil; {
		r, err := ask(size)
		switch {
		case err != nil:
			return out, err
		case r.OK():
			good = size
			if out.Told { // as large as was said
				bad = size + 1
			}
		case r.MTU > 0 && r.MTU < size && r.MTU >= low:
			out.Told, out.From, bad = true, r.From, min(bad, size)
			size = r.MTU
			continue
		default:
			bad, out.Told = min(bad, size), false
		}
		size = (good + bad) / 2
	}
	out.Bytes = good
	return out, ctx.Err()
}

// Connect is how long TCP took to connect, or why it did not.
type Connect struct {
	Err  string
	Time time.Duration
}

// Connects opens TCP connections one after the other and closes each at once.
func Connects(ctx context.Context, h *socket.Host, s socket.DialSpec, count int, interval,
	timeout time.Duration) []Connect {
	var out []Connect
	for i := range count {
		if i > 0 {
			pause(ctx, interval)
		}
		one, cancel := context.WithTimeout(ctx, timeout)
		start := time.Now()
		c, err := h.Dial(one, s)
		cancel()
		out = append(out, Connect{Err: socket.ErrName(err), Time: time.Since(start)})
		if err == nil {
			_ = c.Close() // the handshake was all
		}
	}
	return out
}
