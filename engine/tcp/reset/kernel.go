package reset

import (
	"slices"
	"strings"
)

// Kernel is what the kernel of a reset's sender said of it (tracepoint
// tcp:tcp_send_reset, Linux 6.10).
type Kernel struct {
	// Reason is its name in enum sk_rst_reason, without the prefix.
	Reason string `json:"reason"`
	// State is the socket's, Before the one it had just before; both empty if
	// there was no socket.
	State  string `json:"state,omitempty"`
	Before string `json:"before,omitempty"`
	// Process is who called, if a program did.
	Process string `json:"process,omitempty"`
	Pid     int    `json:"pid,omitempty"`
	// Unread is how many bytes the program had not read.
	Unread uint32 `json:"unread,omitempty"`
	// Linger0 says that SO_LINGER {on, 0} was set.
	Linger0 bool `json:"linger0,omitempty"`
	// Stack are the kernel's functions, innermost first.
	Stack []string `json:"stack,omitempty"`
	// Passive says that it answers a packet.
	Passive bool `json:"-"`
}

// Through reports whether a function is in the stack, compilers' suffixes left
// aside.
func (k *Kernel) Through(name string) bool {
	return slices.ContainsFunc(k.Stack, func(f string) bool {
		base, _, _ := strings.Cut(f, ".")
		return base == name
	})
}

// causes are what the reasons mean that mean one thing.
var causes = map[string]Cause{
	"TCP_ABORT_ON_CLOSE":       Unread,
	"TCP_ABORT_ON_LINGER":      Linger2,
	"TCP_ABORT_ON_MEMORY":      Memory,
	"TCP_KEEPALIVE_TIMEOUT":    KeepAlive,
	"TCP_TIMEWAIT_SOCKET":      TimeWait,
	"TCP_DISCONNECT_WITH_DATA": Linger,
	"TCP_ABORT_ON_DATA":        DataAfterClose,
}

// cause is what k says of the cause; empty if the packets say more.
func (k *Kernel) cause() Cause {
	switch {
	case k.Through("inet_csk_listen_stop") || k.Through("inet_child_forget"):
		return ListenerClosed
	case k.Through("tcp_abort"), k.Through("__inet_stream_connect"):
		return Aborted
	case k.Reason == "TCP_STATE" && k.Through("tcp_keepalive_timer"):
		return Linger2 // FIN-WAIT-2 given up (tcp_keepalive_timer)
	case k.Reason == "TCP_STATE" && (k.Linger0 || k.Through("__tcp_close")):
		return Linger
	case k.Reason == "INVALID_SYN":
		return Overflow
	case k.Reason == "TCP_FLAGS" && k.State == "LISTEN":
		return Listener
	case k.Reason == "TCP_INVALID_ACK_SEQUENCE" && k.State == "SYN_SENT", k.Reason == "TCP_RFC7323_PAWS" &&
		k.State == "SYN_SENT":
		return SynSent
	case k.Reason == "TCP_OLD_ACK", k.Reason == "TCP_TOO_OLD_ACK", k.Reason == "TCP_ACK_UNSENT_DATA":
		return SynReceived
	}
	return causes[k.Reason]
}

// kernel lets what the sender's kernel said overrule what the packets say.
func (j *judgement) kernel() {
	k := j.Kernel
	switch {
	case k == nil && j.Asked && j.v.Kind != Firewall && j.v.Kind != Forged:
		// TCP of the sender did not send it: nf_send_reset and raw sockets
		// are not reported.
		j.sign("the sender's TCP did not send it, says its kernel")
		kind, cause := Forged, Injected
		if j.v.Kind == Passive && j.v.Answers != 0 {
			kind, cause = Firewall, Rejected
		}
		j.is(kind, Certain, cause)
		j.v.Evidence = FromKernel
		return
	case k == nil && j.Asked:
		j.v.Evidence, j.v.Confidence = FromKernel, Certain
		j.sign("the sender's TCP did not send it, says its kernel")
		return
	case k == nil:
		return
	}
	j.v.Kernel, j.v.Evidence = k, FromKernel
	kind := Active
	if k.Passive {
		kind = Passive
		if j.v.Kind == Challenge {
			kind = Challenge // the same to the kernel: it has no use for the segment
		}
	}
	cause := k.cause()
	if cause == Listener && (j.v.Cause == TimedOut || j.v.Cause == AfterReset) {
		// Why there was nobody but the listener, the packets say.
		j.is(kind, Certain, j.v.Cause, Listener)
		return
	}
	if cause == "" {
		cause = j.v.Cause // such as NO_SOCKET, of which the packets say why
		if j.v.Kind != kind {
			cause = NoSocket
		}
	}
	j.is(kind, Certain, cause)
}
