package trace

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

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
}

// Witness knows what the kernels of the nodes said.
type Witness interface {
	// Refresh takes in what was said until now.
	Refresh()
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
	if f.witness != nil && len(fresh) > 0 {
		f.witness.Refresh()
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
			f.ask(p, &in)
		}
		r := &analysis.Record{}
		f.analyzer.Add(&in, r)
		r.App = slices.Clone(r.App)
		f.records = append(f.records, r)
	}
	return f.records
}

// ask adds what the kernels said of p.
func (f *findings) ask(p *Packet, in *analysis.Input) {
	if p.Dir == In {
		in.Refused = f.witness.Refused(p)
		return
	}
	if p.IsTCP() && p.Flags.Has(packet.RST) {
		in.Kernel, in.Asked = f.witness.Reset(p)
	}
	if p.Is(analysis.Rexmit) {
		in.Timer = f.witness.Timer(p)
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
