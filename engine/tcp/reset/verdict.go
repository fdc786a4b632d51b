// Package reset says of a TCP reset who sent it and why, from the packets
// alone.
//
// The rules are those of Linux's senders (net/ipv4/tcp_ipv4.c
// tcp_v4_send_reset, net/ipv4/tcp_output.c tcp_send_active_reset), of RFC 9293
// and RFC 5961, and of the literature on forged resets (Weaver, Sommer, Paxson:
// Detecting Forged TCP Reset Packets, NDSS 2009). CONFUSION.md has what they
// make of every situation that they are tested with.
//
// It keeps no connections; package tcp does.
//
// Invariant: a verdict names what it was drawn from, and what the wire cannot
// tell it does not say.
package reset

import "fmt"

// Kind is who sent a reset.
type Kind string

// Kinds of reset.
const (
	// Active is sent by a program that gives a connection up, or by the
	// kernel for it.
	Active Kind = "active"
	// Passive is sent by a kernel that has no use for a segment.
	Passive Kind = "passive"
	// Challenge ends the exchange of RFC 5961: a reset that a challenge ACK
	// asked for.
	Challenge Kind = "challenge"
	// Firewall is sent in the receiver's name by something on the way that
	// rejects the segment.
	Firewall Kind = "firewall"
	// Forged is sent in a side's name by something else.
	Forged Kind = "forged"
)

// Cause is why a reset was sent.
type Cause string

// Causes of an active reset.
const (
	Unread         Cause = "unread"          // close with data unread (RFC 2525, section 2.17)
	Linger         Cause = "linger"          // close with SO_LINGER {on, 0}, or a connection aborted
	Linger2        Cause = "linger2"         // closed in FIN-WAIT-2 with TCP_LINGER2 below 0
	Memory         Cause = "memory"          // out of TCP memory, or too many orphans
	KeepAlive      Cause = "keepalive"       // probes were not answered
	ListenerClosed Cause = "listener-closed" // the listener was closed before the connection was accepted
	Aborted        Cause = "aborted"         // connect(2) to AF_UNSPEC, or the socket destroyed through netlink
)

// Causes of a passive reset.
const (
	ClosedPort     Cause = "closed-port"      // a SYN for which nobody listens
	NoSocket       Cause = "no-socket"        // a segment of a connection that is not known, or no more
	TimedOut       Cause = "timed-out"        // as NoSocket, after the sender gave up retransmitting
	SynSent        Cause = "syn-sent"         // a bad acknowledgement of a SYN
	SynReceived    Cause = "syn-received"     // a bad acknowledgement of a SYN-ACK
	Listener       Cause = "listener"         // a segment of an open connection that reached the listener
	Overflow       Cause = "overflow"         // the accept queue was full (tcp_abort_on_overflow)
	TimeWait       Cause = "time-wait"        // a segment after the connection was closed
	DataAfterClose Cause = "data-after-close" // data for a program that had closed the connection
	OutOfWindow    Cause = "out-of-window"    // a segment far outside the window
	AfterReset     Cause = "after-reset"      // a segment that crossed a reset
	BadFlags       Cause = "bad-flags"        // a segment with impossible flags
	NotCaptured    Cause = "not-captured"     // the packet it answers is missing from the capture
)

// Causes of the other kinds.
const (
	Rejected     Cause = "rejected"      // reject with tcp reset
	Injected     Cause = "injected"      // to tear a connection down
	ChallengeAck Cause = "challenge-ack" // exactly the number that a challenge ACK gave
)

// Kinds and Causes list them, for messages and completion.
var (
	Kinds  = []Kind{Active, Passive, Challenge, Firewall, Forged}
	Causes = []Cause{Unread, Linger, Linger2, Memory, KeepAlive, ListenerClosed, Aborted, ClosedPort, NoSocket,
		TimedOut, SynSent, SynReceived, Listener,
		Overflow, TimeWait, DataAfterClose, OutOfWindow, AfterReset, BadFlags, NotCaptured, Rejected, Injected,
		ChallengeAck}
)

// Confidence is how sure a verdict is.
type Confidence string

// Confidences.
const (
	Certain Confidence = "certain"
	High    Confidence = "high"
	Medium  Confidence = "medium"
	Low     Confidence = "low"
)

// Evidence of a verdict.
const (
	FromKernel = "kernel"
	Inferred   = "inferred"
)

// Verdict is what is known of a reset.
type Verdict struct {
	Kind  Kind  `json:"kind"`
	Cause Cause `json:"cause"`
	// Or are the other causes that look the same on the wire.
	Or []Cause `json:"or,omitempty"`
	// Answers is the frame number of the packet that the reset answers, 0 if
	// it answers none that was captured.
	Answers    int        `json:"answers,omitempty"`
	Evidence   string     `json:"evidence"`
	Confidence Confidence `json:"confidence"`
	// Stage is how far the connection was: post-syn, post-ack, post-data,
	// later, closing.
	Stage string `json:"stage"`
	// Signs are what speaks for the verdict, in words.
	Signs []string `json:"signs,omitempty"`
	// Kernel is what the sender's own kernel said, nil if it was not asked.
	Kernel *Kernel `json:"kernel,omitempty"`
}

// May reports whether c is the cause, or one that looks the same.
func (v *Verdict) May(c Cause) bool {
	if v.Cause == c {
		return true
	}
	for _, o := range v.Or {
		if o == c {
			return true
		}
	}
	return false
}

// GoesOn takes in that the sender of the reset went on with the connection in
// frame n, as if it had not reset it.
func (v *Verdict) GoesOn(n int) {
	v.Signs = append(v.Signs, fmt.Sprintf("its sender goes on with the connection in frame %d", n))
	if v.Kind == Active {
		v.Kind, v.Cause, v.Or, v.Confidence = Forged, Injected, nil, High
	}
}

// String is the verdict in a few words.
func (v *Verdict) String() string {
	s := string(v.Kind) + ": " + string(v.Cause)
	for _, o := range v.Or {
		s += " or " + string(o)
	}
	switch {
	case v.Evidence == FromKernel && v.Kernel != nil:
		return s + " (kernel: " + v.Kernel.Reason + ")"
	case v.Evidence == FromKernel:
		return s + " (kernel)"
	}
	return s + " (inferred, " + string(v.Confidence) + ")"
}
