package reset

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset/side"
)

// Side is what one capture point saw of one side of a connection.
type Side = side.Side

// Seen is a segment of a side.
type Seen = side.Seen

// Situation is a reset and what the capture point had seen before it.
type Situation struct {
	Packet *packet.Packet
	N      int
	Now    time.Duration
	// Sender is the side in whose name the reset came, Peer the other.
	Sender, Peer *Side
	// Elsewhere says that the sender's own wire was captured too and never
	// carried the reset: where it was first seen, empty if that is not known.
	Elsewhere string
	// Arrived is what the sender's own wires saw of the peer, where they were captured.
	Arrived []*Side
	// Others is how many connections of the sender's port were reset in the
	// same way within the last few milliseconds.
	Others int
	// RTT is the least time in which the peer answered the sender, as seen
	// from the capture point; 0 if it is not known.
	RTT time.Duration
	// Called is the address that the sender's socket called, if the peer has another.
	Called netip.AddrPort
	// Kernel is what the sender's kernel said of it; Asked says that it would
	// have said something of every reset that its TCP sent.
	Kernel *Kernel
	Asked  bool
}

// judgement is a verdict in the making.
type judgement struct {
	Situation
	p    *packet.Packet
	v    Verdict
	odd  []string // signs that the sender did not send it
	hops bool     // one of them is the distance
}

func (j *judgement) sign(format string, args ...any) {
	j.v.Signs = append(j.v.Signs, fmt.Sprintf(format, args...))
}

func (j *judgement) oddity(format string, args ...any) {
	j.odd = append(j.odd, fmt.Sprintf(format, args...))
}

// is settles kind, cause and confidence.
func (j *judgement) is(k Kind, c Confidence, cause Cause, or ...Cause) {
	j.v.Kind, j.v.Confidence, j.v.Cause, j.v.Or = k, c, cause, or
}

const (
	// burst bounds how far apart two resets are that one event caused. What tells
	// is that nothing comes between them: how fast they come depends on the machine.
	burst = 200 * time.Millisecond
	// alwaysZero is how many packets with identification 0 make it a habit.
	alwaysZero = 2
)

// Judge says what the reset is.
func Judge(s Situation) *Verdict {
	j := &judgement{Situation: s, p: s.Packet}
	j.v.Evidence = Inferred
	j.v.Stage = j.stage()
	j.oddities()
	why := j.numberless()
	switch {
	case why != "":
		j.byShape(why)
	case j.p.Flags.Has(packet.ACK):
		j.withAck()
	default:
		j.bare()
	}
	j.repeated()
	j.foreign()
	if why != "" {
		j.v.Confidence = Low
	}
	j.kernel()
	v := j.v // the rest of the judgement, with its packet, is not kept
	return &v
}

func (j *judgement) stage() string {
	s, p := j.Sender, j.Peer
	switch {
	case s.Finned > 0 || p.Finned > 0:
		return "closing"
	case s.Data && p.Data:
		return "later"
	case s.Data || p.Data:
		return "post-data"
	case (s.SYNAck || p.SYNAck) && (s.Sent > 1 || p.Sent > 1):
		return "post-ack"
	case s.SYN || p.SYN:
		return "post-syn"
	}
	return "later"
}

// oddities collects what a reset from the side itself would not have.
func (j *judgement) oddities() {
	s, p := j.Sender, j.p
	if j.Elsewhere != "" {
		j.oddity("it was first seen at %s; the sender's own wire never carried it", j.Elsewhere)
		j.hops = true
	}
	if s.Sent > 0 && p.TTL != 0 && s.TTLMin != 0 && (p.TTL < s.TTLMin || p.TTL > s.TTLMax) {
		usual := fmt.Sprint(s.TTLMin)
		if s.TTLMin != s.TTLMax {
			usual = fmt.Sprintf("%d to %d", s.TTLMin, s.TTLMax)
		}
		j.oddity("time to live %d, the sender's other packets have %s", p.TTL, usual)
		j.hops = true
	}
	if last, ok := j.Peer.LastReset(); ok && j.follows(last) {
		j.oddity("both sides are reset at once, frames %d and %d", last.N, j.N)
	}
	if !p.Flags.Has(packet.ACK) && p.Ack != 0 {
		j.oddity("an acknowledgement number without the ACK flag")
	}
	if p.Flags.Has(packet.SYN) {
		j.oddity("SYN and RST together")
	}
}

// follows reports whether nothing of the connection came between another reset
// and this one, as the capture point saw them.
func (j *judgement) follows(last Seen) bool {
	since := func(s *Side) bool { g := s.Newest(); return g != nil && g.Time > last.Time }
	return j.Now-last.Time < burst && !since(j.Sender) && !since(j.Peer)
}

// repeated notes a reset that follows another and answers nothing new: a kernel
// sends one for each segment it has no use for.
func (j *judgement) repeated() {
	last, ok := j.Sender.LastReset()
	if !ok || !j.follows(last) || j.numberless() != "" || packet.Before(j.p.Seq, last.Seq) || j.v.Answers != 0 &&
		j.v.Answers != int(j.Sender.Answered) {
		return
	}
	j.oddity("the second reset within %s, and nothing between them to answer",
		(j.Now - last.Time).Round(time.Microsecond))
}

// foreign turns the verdict into one on something in between, where the signs
// outweigh the shape.
func (j *judgement) foreign() {
	n := len(j.odd)
	j.v.Signs = append(j.v.Signs, j.odd...)
	if n == 0 || j.v.Kind == Forged {
		return
	}
	switch {
	case j.hops && j.v.Kind == Passive && j.v.Answers != 0 && !j.unhindered():
		// It answers a packet as a kernel does, at another distance.
		confidence := Medium
		if j.Elsewhere != "" {
			confidence = Certain
		}
		j.is(Firewall, confidence, Rejected)
	case j.Elsewhere != "":
		j.is(Forged, Certain, Injected)
	case n >= 2:
		j.is(Forged, High, Injected)
	case j.hops:
		j.is(Forged, Medium, Injected)
	default:
		j.v.Confidence = lower(j.v.Confidence)
	}
}

// unhindered reports whether what the reset seems to answer went on to the node in whose name the
// reset came: who rejects a packet does not let it pass.
func (j *judgement) unhindered() bool {
	return slices.ContainsFunc(j.Arrived, func(s *Side) bool {
		return s.Find(func(g *Seen) bool { return int(g.N) == j.v.Answers }) != nil
	})
}

func lower(c Confidence) Confidence {
	switch c {
	case Certain:
		return High
	case High:
		return Medium
	}
	return Low
}
