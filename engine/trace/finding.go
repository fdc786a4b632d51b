package trace

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netrepro/engine/analysis"
	"netrepro/engine/packet"
	"netrepro/engine/reset"
)

// findings are what the analysis says of the packets so far. They are made when
// first asked for: a trace that nobody asks about costs nothing.
type findings struct {
	witness  Witness
	mu       sync.Mutex
	analyzer *analysis.Analyzer
	records  []*analysis.Record // by frame number, from 1
	unsaid   []*Packet          // those of late that a kernel may still say something of
	heard    int                // how much the witness had taken in when they were asked of last
	asked    time.Duration      // when it was asked last
}

// Witness knows what the kernels of the nodes said.
type Witness interface {
	// Refresh takes in what was said, and returns how much that is since the
	// trace began. It waits so long for something to be said.
	Refresh(wait time.Duration) int
	// Reset is what the kernel said of a reset that left a node; asked is
	// whether it was asked at all.
	Reset(p *Packet) (k *reset.Kernel, asked bool)
	// Refused is why the kernel threw away a packet that arrived, empty if it
	// said nothing.
	Refused(p *Packet) string
	// Timer is what made a node's kernel send p again, empty if it did not.
	Timer(p *Packet) string
}

// Ask lets w be asked for what the packets do not tell, from the first that is
// analysed.
func (t *Trace) Ask(w Witness) {
	t.findings.mu.Lock()
	defer t.findings.mu.Unlock()
	t.findings.witness = w
}

// Finding is what the analysis says of p, which must be recorded; nil if it is
// not.
func (p *Packet) Finding() *analysis.Record {
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
func (t *Trace) Findings() []*analysis.Record {
	f := &t.findings
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.analyzer == nil {
		f.analyzer = analysis.New(analysis.Options{})
		f.analyzer.Describe(t.CapturePoints())
	}
	fresh := t.Packets()[len(f.records):]
	// The clock first: what was said by then is heard.
	now := time.Since(t.Start)
	if f.witness != nil && (len(fresh) > 0 || len(f.unsaid) > 0 && now-f.asked >= again) {
		f.asked = now
		f.askAgain(f.witness.Refresh(0), now)
	}
	for _, p := range fresh {
		in := analysis.Input{N: p.N, Time: p.Time, Point: p.Point.Index, Packet: &p.Packet, Payload: p.Payload, Dropped: p.Dropped,
			Harmed: p.Harmed, Direction: analysis.Out, Paired: p.Dir == Out, Kept: true, More: p.More}
		if p.Dir == In {
			in.Direction = analysis.In
			if p.Sent != nil {
				in.SameAs = p.Sent.N
			}
		}
		if f.witness != nil {
			if p.Dir == Out && p.IsTCP() && p.Flags.Has(packet.RST) {
				in.Kernel, in.Asked = t.whoReset(p)
			}
			if !f.ask(p, &in) {
				f.unsaid = append(f.unsaid, p)
			}
		}
		r := &analysis.Record{}
		f.analyzer.Add(&in, r)
		r.App = slices.Clone(r.App)
		f.records = append(f.records, r)
	}
	return f.records
}

// Late is how long after a packet its kernel may still say something of it:
// before a thread or a processor that was taken away in between goes on.
const Late = 250 * time.Millisecond

// again is how often, at most, the kernels are asked of packets of late while no
// new ones come.
const again = 5 * time.Millisecond

// whoReset asks the kernels who sent a reset. One that closes a socket says so
// only when the packet is on its way (tcp_send_active_reset): where it may have
// been such a one, it is waited for, because who is not in what the kernel says
// is taken for a forger.
func (t *Trace) whoReset(p *Packet) (*reset.Kernel, bool) {
	w := t.findings.witness
	k, asked := w.Reset(p)
	mayBe := p.Flags.Has(packet.ACK) && p.Seq != 0 && t.Owns(p.Point, p.Src)
	for left := Late; k == nil && asked && mayBe && left > 0; {
		left = p.Time + Late - time.Since(t.Start)
		w.Refresh(max(left, 0))
		k, asked = w.Reset(p)
	}
	return k, asked
}

// ask adds what the kernels said of p, and reports whether there is nothing
// left that they could say.
func (f *findings) ask(p *Packet, in *analysis.Input) bool {
	switch {
	case p.Dir == In:
		in.Refused = f.witness.Refused(p)
		return in.Refused != ""
	case p.Is(analysis.Rexmit):
		in.Timer = f.witness.Timer(p)
		return in.Timer != ""
	}
	return true
}

// askAgain asks once more of the packets of late, if anything more was said. It
// changes their records, as the analysis does that learns of their fate.
func (f *findings) askAgain(heard int, now time.Duration) {
	if heard > f.heard {
		f.heard = heard
		f.unsaid = slices.DeleteFunc(f.unsaid, func(p *Packet) bool { return f.ask(p, &f.records[p.N-1].Input) })
	}
	for len(f.unsaid) > 0 && f.unsaid[0].Time+Late < now {
		f.unsaid = f.unsaid[1:]
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
func (t *Trace) CapturePoints() []analysis.Point {
	nodes := map[string][]netip.Addr{}
	for _, p := range t.Points {
		nodes[p.Node] = append(nodes[p.Node], p.Addrs...)
	}
	out := make([]analysis.Point, len(t.Points))
	for i, p := range t.Points {
		out[i] = analysis.Point{Name: p.Name(), Addrs: nodes[p.Node]}
	}
	return out
}
