package tcp

import (
	"container/list"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/opening"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/wireshark"
)

// Conn is one connection of a capture, from its first packet to the SYN of
// another on the same ports.
type Conn struct {
	ID    int // from 0, in the order they began
	Proto uint8
	// Ends are the side that opened the connection, or that sent the first
	// packet seen, and the other.
	Ends [2]netip.AddrPort
	// Text is the ends written down: address and port, ready for every packet.
	Text [2]string
	// Start is when the first packet was seen.
	Start time.Duration
	// Packets counts those of each side.
	Packets [2]int
	// MSS is what each side offered in its SYN, 0 if that was not seen.
	MSS [2]int
	// Largest is the largest payload each side sent in a segment.
	Largest [2]int
	// TooBig counts the ICMP messages that said a segment was too big, and
	// PathMTU is what the last of them said.
	TooBig, PathMTU int
	// Nat is the same connection under the addresses it had first, nil if
	// this is where it was seen first.
	Nat *Conn

	called   netip.AddrPort // by the opener's socket, if not the other end
	opening  opening.Handshake
	ws       wireshark.Conversation
	streams  [2]payload.Stream
	at       []pointState
	points   []int8  // of the whole path, in the order packets of side 0 pass them; of the root only
	Legs     []*Conn // all connections that are this one behind a NAT, itself first
	told     notesTold
	verdicts [2]*reset.Verdict // of each side's last reset
	awaited  []*Record         // sent again while the original had not arrived; of the root only
	last     time.Duration     // when it was last moved to the front
	place    *list.Element     // in the order of last use, nil if it is not followed any more
}

// notesTold are the notes that are made once.
type notesTold struct{ size, offload, nat bool }

// pointState is what one capture point knows of a connection.
type pointState struct {
	point   int
	senders [2]sender.Sender
	sides   [2]reset.Side
	// quickest is the least time in which each side acknowledged something.
	quickest [2]time.Duration
	// own says of each side that the node of the point is its sender, and streams is
	// what it says there, where packets are followed while they pass.
	own     [2]bool
	streams *[2]payload.Stream
}

const (
	// maxPoints bounds at how many points a connection is followed; beyond
	// them, they share the state of the last.
	maxPoints = 64
	// maxStates bounds at how many points all connections together are followed
	// besides one each.
	maxStates = 1 << 15
)

// HandshakeRTT is the time from the last SYN to the ACK that ends the handshake; 0 if one
// of its three packets was not seen.
func (c *Conn) HandshakeRTT() time.Duration { return c.opening.Took() }

// state is what point knows of c; side sent the packet at hand.
func (f *Follower) state(c *Conn, point, side int) *pointState {
	for i := range c.at {
		if c.at[i].point == point {
			return &c.at[i]
		}
	}
	if n := len(c.at); n == 0 || n < maxPoints && f.conns.states < maxStates {
		if n > 0 {
			f.conns.states++
		}
		c.at = append(c.at, pointState{point: point})
		if k := c.kin(); side == 0 {
			k.points = append(k.points, int8(min(point, 127)))
		} else {
			k.points = slices.Insert(k.points, 0, int8(min(point, 127)))
		}
	}
	return &c.at[len(c.at)-1]
}

// kin is the connection as it was seen first, before any NAT.
func (c *Conn) kin() *Conn {
	for c.Nat != nil {
		c = c.Nat
	}
	return c
}

func (c *Conn) offer(p *packet.Packet, side int) {
	if p.MSS > 0 {
		c.MSS[side] = int(p.MSS)
	}
}
