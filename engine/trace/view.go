package trace

// View is a part of a trace. It is a recipe: packets recorded later appear in
// it too.
type View struct {
	Trace  *Trace
	Label  string // how the script said it
	filter []func(*Packet) bool
}

// All is the whole trace: each packet once where it left and once where it
// arrived, on every wire it crossed.
func (t *Trace) All() *View { return &View{Trace: t, Label: "trace"} }

// Where narrows v.
func (v *View) Where(label string, keep func(*Packet) bool) *View {
	f := append(append([]func(*Packet) bool(nil), v.filter...), keep)
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
	var out []*Packet
next:
	for _, p := range all {
		for _, keep := range v.filter {
			if !keep(p) {
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}
