//go:build linux

package kernel

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/kernel/probe"
	"netrepro/engine/netns"
	"netrepro/engine/packet"
	"netrepro/engine/reset"
	"netrepro/engine/trace"
)

// Event is what a node's kernel did, with the names of its functions.
type Event struct {
	probe.Event
	Node string
	// At is when, since the start of the trace.
	At time.Duration
	// Answered is the packet that a passive reset answers, or the packet that
	// was dropped; only its IP and TCP or UDP headers are whole.
	Answered *packet.Packet

	taken bool // it was joined to a packet
}

// Function is the kernel function that a packet was dropped in.
func (e *Event) Function() string {
	if e.Location == 0 {
		return ""
	}
	return probe.Function(e.Location)
}

// Functions are those of the stack, innermost first.
func (e *Event) Functions() []string { return probe.Functions(e.Stack) }

// Witness keeps what the kernels of a lab's nodes say and joins it to the
// packets of a trace. It implements [trace.Witness].
type Witness struct {
	ring  *probe.Ring
	start time.Duration // of the trace, by CLOCK_MONOTONIC
	nodes map[uint64]string

	mu     sync.Mutex
	dec    packet.Decoder
	events []*Event
	open   map[place][]*Event // those not joined to a packet yet, by time
	lost   uint64
	err    error
}

// place is where events are looked for.
type place struct {
	node string
	kind probe.Kind
}

// Watch begins to listen to what happens in the namespaces of nodes, each
// named as its node. The witness owns ring.
func Watch(ring *probe.Ring, start time.Time, nodes []*netns.NS) (*Witness, error) {
	w := &Witness{ring: ring, nodes: map[uint64]string{}, open: map[place][]*Event{}}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, err
	}
	w.start = time.Duration(now.Nano()) - time.Since(start)
	for _, ns := range nodes {
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

// Refresh implements [trace.Witness].
func (w *Witness) Refresh(wait time.Duration) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	evs, err := w.ring.Drain(wait)
	if err != nil && w.err == nil {
		w.err = err
	}
	// Each processor has its own place in the ring.
	slices.SortStableFunc(evs, func(a, b probe.Event) int { return int(a.Time - b.Time) })
	for _, e := range evs {
		e := w.event(e)
		w.events = append(w.events, e)
		at := place{e.Node, e.Kind}
		w.open[at] = append(w.open[at], e)
	}
	if w.lost, err = w.ring.Lost(); err != nil && w.err == nil {
		w.err = err
	}
	return len(w.events)
}

func (w *Witness) event(e probe.Event) *Event {
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
	w.Refresh(0)
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events), w.lost, w.err
}

// Close stops listening.
func (w *Witness) Close() error { return w.ring.Close() }

// near is how far an event and its packet may be apart: both are stamped by the
// kernel.
const near = trace.Late

// take finds the first event of its kind at the node of p that is p, and joins
// the two. Packets come in the order of their times.
func (w *Witness) take(p *trace.Packet, kind probe.Kind, is func(*Event) bool) *Event {
	at := place{p.Point.Node, kind}
	open := w.open[at]
	for len(open) > 0 && (open[0].taken || open[0].At < p.Time-2*near) {
		open = open[1:]
	}
	w.open[at] = open
	for _, e := range open {
		if e.At > p.Time+near {
			break
		}
		if !e.taken && e.At > p.Time-near && is(e) {
			e.taken = true
			return e
		}
	}
	return nil
}

// Reset implements [trace.Witness].
func (w *Witness) Reset(p *trace.Packet) (*reset.Kernel, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.lost == 0 && w.err == nil
	src, dst := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	// The node's own NAT may have changed the addresses since; the numbers are
	// the same.
	for _, strict := range []bool{true, false} {
		e := w.take(p, probe.SendReset, func(e *Event) bool {
			from, to, ok := e.resets(&p.Packet)
			return ok && (!strict || from == src && to == dst)
		})
		if e != nil {
			return e.verdict(), asked
		}
	}
	return nil, asked
}

// resets reports whether e is the sending of p, but for its addresses, which it
// returns as the kernel had them.
func (e *Event) resets(p *packet.Packet) (from, to netip.AddrPort, ok bool) {
	t := e.Answered
	if !e.Passive() {
		return e.Local, e.Remote, p.Flags.Has(packet.ACK) && p.Ack == e.RcvNxt
	}
	if t == nil || !t.IsTCP() {
		return from, to, false
	}
	from, to = netip.AddrPortFrom(t.Dst, t.DstPort), netip.AddrPortFrom(t.Src, t.SrcPort)
	if t.Flags.Has(packet.ACK) { // RFC 9293, section 3.10.7.1
		return from, to, !p.Flags.Has(packet.ACK) && p.Seq == t.Ack
	}
	return from, to, p.Flags.Has(packet.ACK) && p.Seq == 0 && p.Ack == t.Seq+t.SeqLen()
}

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

// Refused implements [trace.Witness].
func (w *Witness) Refused(p *trace.Packet) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.take(p, probe.Drop, func(e *Event) bool { return e.Answered != nil && same(e.Answered, &p.Packet) })
	if e == nil {
		return ""
	}
	if f := e.Function(); f != "" {
		return e.Reason + " in " + f
	}
	return e.Reason
}

// same reports whether a is the packet p, whose addresses and time to live the
// node may have changed before it dropped it.
func same(a, p *packet.Packet) bool {
	if a.Proto != p.Proto || a.ID != p.ID || a.Src.Is6() != p.Src.Is6() {
		return false
	}
	switch a.Proto {
	case packet.ProtoTCP:
		return a.Seq == p.Seq && a.Ack == p.Ack && a.Flags == p.Flags && (a.SrcPort == p.SrcPort || a.DstPort == p.DstPort)
	case packet.ProtoUDP:
		return a.SrcPort == p.SrcPort || a.DstPort == p.DstPort
	}
	return a.Src == p.Src || a.Dst == p.Dst
}

// timers are the functions that send again, by what they are called; the first
// that is in a stack tells.
var timers = []string{"tcp_send_loss_probe", "tcp_retransmit_timer", "tcp_xmit_retransmit_queue", "tcp_simple_retransmit", "tcp_mtu_probe", "tcp_fastopen_synack_timer",
	"tcp_rcv_fastopen_synack"}

// Timer implements [trace.Witness].
func (w *Witness) Timer(p *trace.Packet) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	src, dst := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	e := w.take(p, probe.Retransmit, func(e *Event) bool {
		return e.Local == src && e.Remote == dst && e.SndUna == p.Seq
	})
	if e == nil {
		return ""
	}
	stack := e.Functions()
	for _, t := range timers {
		if slices.ContainsFunc(stack, func(f string) bool { base, _, _ := strings.Cut(f, "."); return base == t }) {
			return t
		}
	}
	return ""
}

// TCP reports whether e is about TCP.
func (e *Event) TCP() bool { return e.Kind != probe.Drop || e.Answered != nil && e.Answered.IsTCP() }

// Ends are sender and receiver of the packet that e is about: of a reset sent,
// those of the reset.
func (e *Event) Ends() (from, to netip.AddrPort) {
	switch p := e.Answered; {
	case p != nil && e.Kind == probe.SendReset:
		return netip.AddrPortFrom(p.Dst, p.DstPort), netip.AddrPortFrom(p.Src, p.SrcPort)
	case p != nil:
		return netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	case e.Kind == probe.ReceiveReset:
		return e.Remote, e.Local
	}
	return e.Local, e.Remote
}
