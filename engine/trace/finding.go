package trace

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

// findings are what the analysis says of the packets so far. They are made when
// first asked for: a trace that nobody asks about costs nothing. They depend on
// the packets and on what the kernels said of them, not on when either came: a
// word that changes what is known has the packets analysed anew.
type findings struct {
	witness  Witness
	mu       sync.Mutex
	analyzer *tcp.Analyzer
	records  []*tcp.Record            // by frame number, from 1
	passing  map[string]time.Duration // when a reset came to a node last
	dec      packet.Decoder           // joins fragments
	taken    int                      // packets that the witness has taken in
	asked    time.Duration            // when it was asked last
}

// Witness knows what the kernels of the nodes said.
type Witness interface {
	// Hear takes in packets, in the order of the trace, and what the kernels have
	// said since the last call; it waits so long for something to be said. It
	// returns the number of the first packet, of those taken in by earlier calls,
	// of which something else is said now; 0 if there is none.
	Hear(fresh []*Packet, wait time.Duration) (changed int)
	// Word is what the kernels said of a packet that was taken in.
	Word(p *Packet) Word
}

// Word is what the kernels of the nodes said of a packet.
type Word struct {
	// Reset is what the kernel said of a reset that left its node, nil if it said
	// nothing; Asked is whether it says something of each that it sends.
	Reset *reset.Kernel
	Asked bool
	// KernelDrop is why the kernel threw away a packet that arrived, empty if it
	// said nothing.
	KernelDrop string
	// Timer is what made a node's kernel send the packet again, empty if it did
	// not.
	Timer string
}

// Ask lets w be asked for what the packets do not tell, from the first that is
// analysed.
func (t *Trace) Ask(w Witness) {
	t.findings.mu.Lock()
	defer t.findings.mu.Unlock()
	t.findings.witness = w
}

// Asked reports whether kernels are asked about packets.
func (t *Trace) Asked() bool {
	t.findings.mu.Lock()
	defer t.findings.mu.Unlock()
	return t.findings.witness != nil
}

// Finding is what the analysis says of p, which must be recorded; nil if it is
// not.
func (p *Packet) Finding() *tcp.Record {
	if p.N == 0 || p.Point == nil || p.Point.trace == nil {
		return nil
	}
	rs := p.Point.trace.Findings()
	if p.N > len(rs) {
		return nil
	}
	return rs[p.N-1]
}

// Known is the number of the frame in which the packet was seen first.
func (p *Packet) Known() int {
	if r := p.Finding(); r != nil {
		return r.First()
	}
	return p.N
}

// Findings are what the analysis says of every packet in memory, in the order of
// their frame numbers.
func (t *Trace) Findings() []*tcp.Record {
	f := &t.findings
	f.mu.Lock()
	defer f.mu.Unlock()
	// The clock first: what was said by then is heard.
	now := t.now()
	packets := t.Packets()
	if f.witness != nil && (len(packets) > f.taken || now-f.asked >= again) {
		f.asked = now
		f.hear(packets, 0)
		t.waitForResets(packets)
	}
	if f.analyzer == nil {
		f.analyzer, f.passing = tcp.New(tcp.Options{}), map[string]time.Duration{}
		f.dec = packet.Decoder{Defragment: true}
		f.analyzer.Describe(t.CapturePoints())
	}
	for _, p := range packets[len(f.records):] {
		r := &tcp.Record{}
		in := f.input(p)
		f.analyzer.Add(&in, r)
		r.App = slices.Clone(r.App)
		f.records = append(f.records, r)
	}
	return f.records
}

// hear lets the witness take in packets, and forgets what was found if a word
// changes it.
func (f *findings) hear(packets []*Packet, wait time.Duration) {
	changed := f.witness.Hear(packets[f.taken:], wait)
	f.taken = len(packets)
	if changed > 0 && changed <= len(f.records) {
		f.analyzer, f.records = nil, nil
	}
}

// input is what the analysis gets of p.
func (f *findings) input(p *Packet) tcp.Input {
	in := tcp.Input{N: p.N, Time: p.Time, Point: p.Point.Index, Packet: &p.Packet, Payload: p.Payload, Frame: p.Frame,
		Dropped: p.Dropped, Fault: p.Fault, Direction: tcp.Out, Paired: p.Dir == Out, Kept: true, More: p.More}
	if p.Fragment || p.Unsized {
		// A match asks what one frame says, the analysis what it makes whole.
		var d packet.Packet
		f.dec.Place = p.Point.Index<<1 | int(p.Dir)
		f.dec.Frame(packet.LinkEthernet, p.Frame, int(p.Length), &d)
		in.Packet, in.Payload = &d, f.dec.Payload()
	}
	if p.Dir == In {
		in.Direction = tcp.In
		if p.Sent != nil {
			in.SameAs = p.Sent.N
		}
	}
	if f.witness == nil {
		return in
	}
	w := f.witness.Word(p)
	switch {
	case p.Dir == In:
		in.KernelDrop = w.KernelDrop
		if p.IsTCP() && p.Flags.Has(packet.RST) && p.Dropped == "" {
			f.passing[p.Point.Node] = p.Time
		}
	case p.IsTCP() && p.Flags.Has(packet.RST):
		in.Kernel, in.Asked = w.Reset, w.Asked
		// One that only passes a node, which may change all of it, is not its own.
		if came, any := f.passing[p.Point.Node]; w.Reset == nil && any && p.Time-came < passes {
			in.Asked = false
		}
	case p.Is(sender.Rexmit):
		in.Timer = w.Timer
	}
	return in
}

// Late is how long after a packet its kernel may still say something of it:
// before a thread or a processor that was taken away in between goes on. Time in
// which the host was stalled does not count.
const Late = 400 * time.Millisecond

// Unheard is how long the kernels may yet say something of a packet that has been
// recorded; 0 if they have had their time, or are not asked.
func (t *Trace) Unheard() time.Duration {
	t.findings.mu.Lock()
	asked := t.findings.witness != nil
	t.findings.mu.Unlock()
	packets := t.Packets()
	if !asked || len(packets) == 0 {
		return 0
	}
	last := packets[len(packets)-1].Time
	return max(last+Late+t.stalledSince(last)-t.now(), 0)
}

// passes is how long a reset takes to pass a node, at most.
const passes = time.Second

// again is how often, at most, the kernels are asked of packets of late while no
// new ones come.
const again = 5 * time.Millisecond

// waitForResets waits for what the kernels say of resets that are not analysed
// yet. One that closes a socket says so only when the packet is on its way
// (tcp_send_active_reset): where it may have been such a one, it is waited for,
// because who is not in what the kernel says is taken for a forger.
func (t *Trace) waitForResets(packets []*Packet) {
	f := &t.findings
	for _, p := range packets[min(len(f.records), len(packets)):] {
		if p.Dir != Out || !p.IsTCP() || !p.Flags.Has(packet.RST|packet.ACK) || p.Seq == 0 || !t.Owns(p.Point, p.Src) {
			continue
		}
		for left := Late; left > 0; {
			if w := f.witness.Word(p); w.Reset != nil || !w.Asked {
				break
			}
			left = p.Time + Late + t.stalledSince(p.Time) - t.now()
			f.hear(packets, max(left, 0))
		}
	}
}

// Hosts are the nodes by their addresses.
func (t *Trace) Hosts() map[netip.Addr]string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return maps.Clone(t.names)
}

// CapturePoints are the points of the trace as the analysis knows them: each
// with all addresses of its node.
func (t *Trace) CapturePoints() []tcp.Point {
	nodes := map[string][]netip.Addr{}
	for _, p := range t.Points {
		nodes[p.Node] = append(nodes[p.Node], p.Addrs...)
	}
	out := make([]tcp.Point, len(t.Points))
	for i, p := range t.Points {
		out[i] = tcp.Point{Name: p.Name(), Addrs: nodes[p.Node]}
	}
	return out
}
