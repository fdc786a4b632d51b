package trace

// View is a part of a trace. It is a recipe: packets recorded later appear in
// it too.
type View struct {
	Trace  *Trace
	Label  string // how the script said it
	filter []Test
}

// Test makes what says of packets whether they are in a view, of those that are
// recorded by then.
type Test func(*Trace) func(*Packet) bool

// All is the whole trace: each packet once where it left and once where it
// arrived, on every wire it crossed.
func (t *Trace) All() *View { return &View{Trace: t, Label: "trace"} }

// Where narrows v to packets for which keep is true.
func (v *View) Where(label string, keep func(*Packet) bool) *View {
	return v.With(label, func(*Trace) func(*Packet) bool { return keep })
}

// With narrows v by a test that is made whenever the packets are asked for.
func (v *View) With(label string, test Test) *View {
	f := append(append([]Test(nil), v.filter...), test)
	return &View{Trace: v.Trace, Label: v.Label + label, filter: f}
}

// At narrows v to what a node's own devices saw.
func (v *View) At(node string) *View {
	return v.Where(":at("+node+")", func(p *Packet) bool { return p.Point.Node == node })
}

// Packets returns the packets in v now.
func (v *View) Packets() []*Packet {
	all := v.Trace.Packets()
	if len(v.filter) == 0 {
		return all
	}
	keeps := make([]func(*Packet) bool, len(v.filter))
	for i, test := range v.filter {
		keeps[i] = test(v.Trace)
	}
	var out []*Packet
next:
	for _, p := range all {
		for _, keep := range keeps {
			if !keep(p) {
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}
