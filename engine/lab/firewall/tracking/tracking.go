//go:build linux

// Package tracking listens to a node's connection tracking: which connections it takes
// up, what state it has them in, and when it forgets them.
//
// It changes nothing, and does not know which packet did what.
//
// Invariant: that something was lost is told; whoever hears of it knows no state for sure.
package tracking

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Tuple is one direction of a tracked connection.
type Tuple struct {
	Proto    uint8
	Src, Dst netip.AddrPort // with the ID of an echo request in place of both ports
}

// Reversed is the other direction.
func (t Tuple) Reversed() Tuple { return Tuple{t.Proto, t.Dst, t.Src} }

// Kind of an event.
type Kind uint8

// Kinds of event.
const (
	New     Kind = iota // a connection was taken up
	Update              // its state changed
	Destroy             // it was forgotten
)

// Bits of a status (enum ip_conntrack_status of linux/netfilter/nf_conntrack_common.h).
const (
	SeenReply uint32 = 1 << 1
	Assured   uint32 = 1 << 2
)

// Event is what connection tracking did.
type Event struct {
	Kind        Kind
	ID          uint32 // the connection's
	Orig, Reply Tuple  // as it came, and as its answers come
	Zone        uint16 // 0 where zones are not used
	Status      uint32
	State       string // of TCP, as the kernel names it: "ESTABLISHED"; empty for others
	// Start is when it was taken up, Stop when it was forgotten or ran out; zero if the
	// kernel does not say. Only [Listener.Drain] knows the start of one that is there.
	Start, Stop time.Time
}

// States are the states of TCP in connection tracking (enum tcp_conntrack of
// linux/netfilter/nf_conntrack_tcp.h).
var States = []string{"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK",
	"TIME_WAIT", "CLOSE", "SYN_SENT2"}

// parse reads netlink messages. What it does not understand says nothing.
func parse(b []byte) (out []Event) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			break
		}
		kind, flags := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:])
		if e, ok := event(kind, flags, b[unix.NLMSG_HDRLEN:size]); ok {
			out = append(out, e)
		}
		b = b[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
	}
	return out
}

// event reads a message about a tracked connection.
func event(kind, flags uint16, b []byte) (e Event, ok bool) {
	const header = 4 // struct nfgenmsg
	if kind>>8 != unix.NFNL_SUBSYS_CTNETLINK || len(b) < header {
		return e, false
	}
	switch {
	case kind&0xff == nl.IPCTNL_MSG_CT_DELETE:
		e.Kind = Destroy
	case flags&(unix.NLM_F_CREATE|unix.NLM_F_EXCL) == 0:
		e.Kind = Update
	}
	attributes(b[header:], func(what uint16, v []byte) {
		switch {
		case what == nl.CTA_TUPLE_ORIG:
			e.Orig = tuple(v)
		case what == nl.CTA_TUPLE_REPLY:
			e.Reply = tuple(v)
		case what == nl.CTA_STATUS && len(v) == 4:
			e.Status = binary.BigEndian.Uint32(v)
		case what == nl.CTA_ID && len(v) == 4:
			e.ID = binary.BigEndian.Uint32(v)
		case what == nl.CTA_ZONE && len(v) == 2:
			e.Zone = binary.BigEndian.Uint16(v)
		case what == nl.CTA_PROTOINFO:
			e.State = state(v)
		case what == nl.CTA_TIMESTAMP:
			attributes(v, func(which uint16, v []byte) {
				if len(v) != 8 {
					return
				}
				at := time.Unix(0, int64(binary.BigEndian.Uint64(v)))
				switch which {
				case timestampStart:
					e.Start = at
				case timestampStop:
					e.Stop = at
				}
			})
		}
	})
	return e, e.Orig.Src.IsValid() && e.Reply.Src.IsValid()
}

// attributes calls f with each netlink attribute in b.
func attributes(b []byte, f func(kind uint16, v []byte)) {
	for len(b) >= unix.NLA_HDRLEN {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.NLA_HDRLEN || size > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:])&^(nl.NLA_F_NESTED|nl.NLA_F_NET_BYTEORDER), b[unix.NLA_HDRLEN:size])
		b = b[min((size+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1), len(b)):]
	}
}

func state(b []byte) (s string) {
	attributes(b, func(proto uint16, v []byte) {
		if proto != nl.CTA_PROTOINFO_TCP {
			return
		}
		attributes(v, func(what uint16, v []byte) {
			if what == nl.CTA_PROTOINFO_TCP_STATE && len(v) == 1 && int(v[0]) < len(States) {
				s = States[v[0]]
			}
		})
	})
	return s
}

// Attributes that the netlink library has no names for (enum ctattr_l4proto and enum
// ctattr_tstamp of linux/netfilter/nfnetlink_conntrack.h).
const (
	icmpID, icmpv6ID              = 4, 7
	timestampStart, timestampStop = 1, 2
)

func tuple(b []byte) (t Tuple) {
	var src, dst netip.Addr
	var from, to uint16
	attributes(b, func(part uint16, v []byte) {
		attributes(v, func(what uint16, v []byte) {
			addr, _ := netip.AddrFromSlice(v)
			switch {
			case part == nl.CTA_TUPLE_IP && (what == nl.CTA_IP_V4_SRC || what == nl.CTA_IP_V6_SRC):
				src = addr
			case part == nl.CTA_TUPLE_IP && (what == nl.CTA_IP_V4_DST || what == nl.CTA_IP_V6_DST):
				dst = addr
			case part == nl.CTA_TUPLE_PROTO && what == nl.CTA_PROTO_NUM && len(v) == 1:
				t.Proto = v[0]
			case part != nl.CTA_TUPLE_PROTO || len(v) != 2:
			case what == nl.CTA_PROTO_SRC_PORT:
				from = binary.BigEndian.Uint16(v)
			case what == nl.CTA_PROTO_DST_PORT:
				to = binary.BigEndian.Uint16(v)
			case what == icmpID || what == icmpv6ID:
				from, to = binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v)
			}
		})
	})
	t.Src, t.Dst = netip.AddrPortFrom(src, from), netip.AddrPortFrom(dst, to)
	return t
}
