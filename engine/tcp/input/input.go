// Package input holds what the analysis of connections is given: packets, where they were
// seen, and what else is known of them.
package input

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
)

// Point is a capture point: an interface of the capture.
type Point struct {
	Name string
	// Addrs are the addresses of the node whose own wire this is, if that is
	// known.
	Addrs []netip.Addr
	// Open says that others may come to be known, which see the same packets.
	Open bool
}

// Direction of a packet, seen from the node whose wire it crossed.
type Direction uint8

// Directions.
const (
	Unknown Direction = iota
	In
	Out
)

// stale are the kernel's reasons to throw away what came too late: its bytes were there already
// (enum skb_drop_reason of include/net/dropreason-core.h).
var stale = []string{"TCP_OLD_DATA", "TCP_OLD_SEQUENCE", "TCP_RFC7323_PAWS"}

// Lost reports whether the kernel of the node that the packet arrived at threw it away for another
// reason than that it had its bytes.
func (in *Input) Lost() bool {
	reason, _, _ := strings.Cut(in.KernelDrop, " ")
	return in.KernelDrop != "" && !slices.Contains(stale, reason)
}

// Input is one captured packet.
type Input struct {
	N         int           // frame number, from 1
	Line      int           // of the text it was read from, from 1; 0 if the capture is no text
	Time      time.Duration // since the first frame
	Point     int           // capture point: the interface of the file
	Direction Direction
	Packet    *packet.Packet
	Payload   []byte // what was captured of the transport payload
	Frame     []byte // what was captured of the frame, as Ethernet; nil if it has no such bytes
	// Omitted says that packets were left out of the text before it, Torn that its line ends
	// before it should.
	Omitted, Torn bool
	// Carries is what the text says that the segment carries, nil if it does not.
	Carries *payload.Event
	Dropped string // what dropped it, empty if nothing that the capture tells of did
	// SameAs is the frame in which the same packet left the other end of the
	// wire, 0 if that is not known. A frame of which another may say so is
	// Paired.
	SameAs int
	Paired bool
	// Fault is what a fault did to it besides dropping it.
	Fault string
	// More says that another frame will be the same as SameAs.
	More bool
	// Kernel is what the sender's kernel said of a reset, Asked that it was
	// asked.
	Kernel *reset.Kernel
	Asked  bool
	// KernelDrop is why the kernel of the node it arrived at threw it away, by the
	// kernel's own name of the reason and of the function; empty if it did not,
	// or was not asked.
	KernelDrop string
	// Timer is what made the sender's kernel send it again, by the function:
	// "tcp_retransmit_timer"; empty if that is not known.
	Timer string
	// OriginalIs is "arrived" where the capture says that what it sends again arrived after all,
	// later than this was sent.
	OriginalIs string
	// Conntrack is what state the connection tracking of the node at this capture point
	// had its connection in once it had come: "ESTABLISHED 192.0.2.1:4000 > …"; empty if the
	// node does not track it, or that is not known.
	Conntrack string
	// Kept says that the record stays where it is, so that what is found out
	// later can be added to it.
	Kept bool
}
