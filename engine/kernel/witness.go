//go:build linux

package kernel

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/kernel/counters"
	"netrepro/engine/lab/netns"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/trace"
)

// Event is what a node's kernel did, with the names of its functions.
type Event struct {
	bpf.Event
	Node string
	// At is when, since the start of the trace.
	At time.Duration
	// Answered is the packet that a passive reset answers, or the packet that
	// was dropped; only its IP and TCP or UDP headers are whole.
	Answered *packet.Packet
}

// Function is the kernel function that a packet was dropped in.
func (e *Event) Function() string {
	if e.Location == 0 {
		return ""
	}
	return bpf.Function(e.Location)
}

// Functions are those of the stack, innermost first.
func (e *Event) Functions() []string { return bpf.Functions(e.Stack) }

// Witness keeps what the kernels of a lab's nodes say and joins it to the
// packets of a trace. It implements [trace.Witness].
type Witness struct {
	ring  ring
	names bpf.Names
	start time.Duration // of the trace, by CLOCK_MONOTONIC
	nodes map[uint64]string
	// origin is the start of the trace.
	origin time.Time

	mu     sync.Mutex
	dec    packet.Decoder
	events []*Event
	join   joiner
	late   func(*Event) time.Duration
	held   []heldBack
	lost   uint64
	err    error
	// count is how many resets a node has sent by its own count, short whether it has told of
	// fewer, until events are asked for again, and doubted the nodes of which that was ever so.
	count   func(node string) (uint64, error)
	short   map[string]bool
	doubted map[string]bool
	// toldSilent is what whoever asks knows of silent.
	toldSilent bool
}

// ring is where the events of the nodes come from.
type ring interface {
	Drain(wait time.Duration) ([]bpf.Event, error)
	Lost() (uint64, error)
	Close() error
}

// Watch begins to listen to what happens in the namespaces of nodes, each
// named as its node. The witness owns ring.
func Watch(ring *bpf.Ring, start time.Time, nodes []*netns.NS) (*Witness, error) {
	w := &Witness{origin: start, ring: ring, names: ring.Names(), nodes: map[uint64]string{}, join: newJoiner()}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, err
	}
	w.start = time.Duration(now.Nano()) - time.Since(start)
	spaces := map[string]*netns.NS{}
	w.count = func(node string) (uint64, error) {
		ns := spaces[node]
		if ns == nil {
			return 0, nil // no TCP of its own is watched there
		}
		return counters.SentResets(ns)
	}
	for _, ns := range nodes {
		spaces[ns.Name()] = ns
		cookie, err := ns.Cookie()
		if err != nil {
			return nil, err
		}
		w.nodes[cookie] = ns.Name()
		if err := ring.Watch(cookie); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Hear implements [trace.Witness].
func (w *Witness) Hear(fresh []*trace.Packet, wait time.Duration) (changed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drain(wait)
	changed = w.join.settle(fresh)
	if silent := w.silent(); silent != w.toldSilent {
		w.toldSilent, changed = silent, 1 // what was concluded from silence is not so
	}
	return changed
}

// drain takes in what was said.
func (w *Witness) drain(wait time.Duration) {
	evs, err := w.ring.Drain(w.untilDue(wait))
	clear(w.short) // they may have sent, or told, since
	if err != nil && w.err == nil {
		w.err = err
	}
	// Each processor has its own place in the ring.
	slices.SortStableFunc(evs, func(a, b bpf.Event) int { return int(a.Time - b.Time) })
	for _, e := range evs {
		if e := w.event(e); !w.holdsBack(e) {
			w.hear(e)
		}
	}
	w.letGo()
	if w.lost, err = w.ring.Lost(); err != nil && w.err == nil {
		w.err = err
	}
}

func (w *Witness) hear(e *Event) {
	w.events = append(w.events, e)
	w.join.hear(e)
}

// silent reports whether silence of the kernel on a reset says nothing.
func (w *Witness) silent() bool { return w.lost > 0 || w.err != nil || !w.names.Tells(bpf.SendReset) }

// Word implements [trace.Witness].
func (w *Witness) Word(p *trace.Packet) trace.Word {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := trace.Word{Asked: !w.silent()}
	e := w.join.of(p)
	switch {
	case e == nil:
		out.Asked = out.Asked && !w.doubts(p)
	case e.Kind == bpf.SendReset:
		out.Reset = e.verdict()
	case e.Kind == bpf.Retransmit:
		out.Timer = e.timer()
	default:
		out.KernelDrop = e.Reason
		if f := e.Function(); f != "" {
			out.KernelDrop += " in " + f
		}
	}
	return out
}

// Whole says why the kernels are no witness of everything, empty if they are.
func (w *Witness) Whole() string { return w.names.Whole() }

func (w *Witness) event(e bpf.Event) *Event {
	out := &Event{Event: e, Node: w.nodes[e.Netns], At: e.Time - w.start}
	if e.Packet == nil {
		return out
	}
	link := packet.LinkRaw
	var p packet.Packet
	w.dec.Frame(link, e.Packet, len(e.Packet), &p)
	if p.Src.IsValid() {
		out.Answered = &p
	}
	return out
}

// Events are those so far, in the order they happened, and how many were lost.
func (w *Witness) Events() (events []*Event, lost uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drain(0)
	lost = w.lost
	for node := range w.doubted {
		lost += w.untold(node)
	}
	return slices.Clone(w.events), lost, w.err
}

// Close stops listening.
func (w *Witness) Close() error { return w.ring.Close() }

func (e *Event) verdict() *reset.Kernel {
	k := &reset.Kernel{Reason: e.Reason, Passive: e.Passive(), Stack: e.Functions()}
	if e.Socket {
		k.State, k.Before, k.Linger0 = e.State, e.Before, e.Linger0
	}
	if e.Passive() {
		return k // the rest is of whoever was interrupted
	}
	k.Process, k.Pid = e.Process, e.Pid
	if e.RcvNxt-e.CopiedSeq < 1<<31 {
		k.Unread = e.RcvNxt - e.CopiedSeq
	}
	return k
}

// timers are the functions that send again, by what they are called; the first
// that is in a stack tells.
var timers = []string{"tcp_send_loss_probe", "tcp_retransmit_timer", "tcp_xmit_retransmit_queue",
	"tcp_simple_retransmit", "tcp_mtu_probe", "tcp_fastopen_synack_timer",
	"tcp_rcv_fastopen_synack"}

// timer is the function that had a segment sent again, empty if it is none of
// those.
func (e *Event) timer() string {
	stack := e.Functions()
	for _, t := range timers {
		if slices.ContainsFunc(stack, func(f string) bool { base, _, _ := strings.Cut(f, "."); return base == t }) {
			return t
		}
	}
	return ""
}

// TCP reports whether e is about TCP.
func (e *Event) TCP() bool { return e.Kind != bpf.Drop || e.Answered != nil && e.Answered.IsTCP() }

// Ends are sender and receiver of the packet that e is about: of a reset sent,
// those of the reset.
func (e *Event) Ends() (from, to netip.AddrPort) {
	switch p := e.Answered; {
	case p != nil && e.Kind == bpf.SendReset:
		return netip.AddrPortFrom(p.Dst, p.DstPort), netip.AddrPortFrom(p.Src, p.SrcPort)
	case p != nil:
		return netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	case e.Kind == bpf.ReceiveReset:
		return e.Remote, e.Local
	}
	return e.Local, e.Remote
}
