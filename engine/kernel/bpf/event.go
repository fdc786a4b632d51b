//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Kind of an event.
type Kind uint8

// Kinds of event, by the tracepoints they come from.
const (
	SendReset    Kind = iota + 1 // tcp:tcp_send_reset
	ReceiveReset                 // tcp:tcp_receive_reset: the kernel took a reset as valid
	Retransmit                   // tcp:tcp_retransmit_skb
	Drop                         // skb:kfree_skb
)

// String is the kind in words.
func (k Kind) String() string {
	return [...]string{"", "send reset", "receive reset", "retransmit", "drop"}[min(k, Drop)]
}

// Event is what the kernel did at one moment.
type Event struct {
	Kind  Kind
	Time  time.Duration // CLOCK_MONOTONIC
	Netns uint64        // the cookie of the network namespace
	// Reason is the kernel's own, without its prefix: "TCP_ABORT_ON_CLOSE" of
	// enum sk_rst_reason, "NETFILTER_DROP" of enum skb_drop_reason.
	Reason string
	// Location is where in the kernel a packet was dropped.
	Location uint64
	// Pid and Process are whoever ran on the processor: the caller only of
	// what a program itself does.
	Pid     int
	Process string
	// Socket is set if the kernel had one at hand; Local and Remote are its
	// addresses.
	Socket        bool
	Local, Remote netip.AddrPort
	State, Before string // of the socket; Before is the state it had before that, if it was seen
	Linger0       bool   // SO_LINGER {on, 0} is set
	// Numbers of the socket, or for Retransmit SndUna and SndNxt those of the
	// segment and its end.
	RcvNxt, CopiedSeq, SndUna, SndNxt, WriteSeq uint32
	// Packet is the beginning of the packet that the event is about, from its
	// IP header; nil if there is none. For SendReset it is what is answered.
	Packet []byte
	// Cloned says that the kernel made a second reference to the packet, for a
	// raw socket or a capture, at some time.
	Cloned bool
	Stack  []uint64 // kernel addresses, innermost first
}

// Passive reports whether a reset answers a packet.
func (e *Event) Passive() bool { return e.Packet != nil }

// raw is struct event of probe.bpf.c.
type raw struct {
	Time, Location, Socket, Netns               uint64
	Reason, Pid, StackLen                       uint32
	RcvNxt, CopiedSeq, SndUna, SndNxt, WriteSeq uint32
	Kind, State, OldState, Family               uint8
	Linger0, Packet, Cloned                     uint8
	_                                           [1]byte
	Sport, Dport                                uint16
	Saddr, Daddr                                [16]byte
	Comm                                        [16]byte
	Data                                        [120]byte
	_                                           [4]byte
	Stack                                       [24]uint64
}

// states are the names of TCP's states (include/net/tcp_states.h).
var states = []string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN",
	"CLOSING", "NEW_SYN_RECV", "BOUND_INACTIVE"}

// State is the name of a TCP state of the kernel.
func State(n uint8) string {
	if int(n) < len(states) {
		return states[n]
	}
	return fmt.Sprint(n)
}

// Names are the running kernel's names of its reasons, by number, and what it
// tells at all.
type Names struct {
	Resets map[uint32]string `json:"resets"`
	Drops  map[uint32]string `json:"drops"`
	// Mute are the kinds of event that this kernel does not tell, and why not.
	Mute map[Kind]string `json:"mute,omitempty"`
}

// Tells reports whether this kernel tells every event of a kind. From the
// silence of one that does not, nothing follows.
func (n *Names) Tells(k Kind) bool { _, mute := n.Mute[k]; return !mute }

// Whole says why the kernel is no witness of everything, empty if it is: some
// kernels tell of drops, but not of resets.
func (n *Names) Whole() string {
	for k := SendReset; k <= Drop; k++ {
		if why, mute := n.Mute[k]; mute {
			return fmt.Sprintf("of %ss it does not tell: %s", k, why)
		}
	}
	return ""
}

func namesOf(types *btf.Spec) Names {
	return Names{Resets: enum(types, "sk_rst_reason", "SK_RST_REASON_"),
		Drops: enum(types, "skb_drop_reason", "SKB_DROP_REASON_")}
}

// enum reads an enumeration from the kernel's type information; empty where the
// kernel has none of that name.
func enum(types *btf.Spec, name, prefix string) map[uint32]string {
	out := map[uint32]string{}
	var e *btf.Enum
	if types.TypeByName(name, &e) != nil {
		return out
	}
	for _, v := range e.Values {
		out[uint32(v.Value)] = strings.TrimPrefix(v.Name, prefix)
	}
	return out
}

func (n *Names) event(b []byte) (Event, error) {
	var r raw
	if err := binary.Read(bytes.NewReader(b), binary.NativeEndian, &r); err != nil {
		return Event{}, fmt.Errorf("read event of %d bytes: %w", len(b), err)
	}
	e := Event{Kind: Kind(r.Kind), Time: time.Duration(r.Time), Netns: r.Netns, Location: r.Location, Pid: int(r.Pid),
		Process: unix.ByteSliceToString(r.Comm[:]), Socket: r.Socket != 0, State: State(r.State),
		Before: State(r.OldState), Linger0: r.Linger0 != 0,
		RcvNxt: r.RcvNxt, CopiedSeq: r.CopiedSeq, SndUna: r.SndUna, SndNxt: r.SndNxt, WriteSeq: r.WriteSeq}
	names := n.Resets
	if e.Kind == Drop {
		names = n.Drops
	}
	if e.Kind == SendReset || e.Kind == Drop {
		if e.Reason = names[r.Reason]; e.Reason == "" {
			e.Reason = fmt.Sprint(r.Reason)
		}
	}
	if e.Socket {
		e.Local, e.Remote = address(r.Family, r.Saddr, r.Sport), address(r.Family, r.Daddr, r.Dport)
	}
	if r.Packet != 0 {
		e.Packet, e.Cloned = bytes.Clone(r.Data[:]), r.Cloned != 0
	}
	for _, a := range r.Stack[:min(int(r.StackLen)/8, len(r.Stack))] {
		if a != 0 {
			e.Stack = append(e.Stack, a)
		}
	}
	return e, nil
}

func address(family uint8, a [16]byte, port uint16) netip.AddrPort {
	if family == unix.AF_INET6 {
		return netip.AddrPortFrom(netip.AddrFrom16(a).Unmap(), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[:4])), port)
}
