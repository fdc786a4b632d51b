package path

import (
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

// leastLate is how late a packet is at least that a delay can be said of, where nothing overtook
// it: busy hosts are as late.
const leastLate = 2 * time.Millisecond

// Order finds out what overtook each segment that was late, in its own connection or, if
// nothing did there, in another: order can be asked for, and a time is never met twice.
func Order(connections []*segment.Flow) {
	for _, c := range connections {
		f := &flow{c}
		if f.Strange { // what is made by hand passes no fault
			f.Late = nil
			continue
		}
		keep := f.Late[:0]
		for i, l := range f.Late {
			late := f.Overdue[i]
			if l.Till = last(c, late, true); l.Till == nil && !late.Own {
				for _, o := range connections {
					if t := last(o, late, false); o != c && !o.Strange && t != nil {
						l.Till = t
					}
				}
			}
			if l.Till != nil || l.By > leastLate || late.Own {
				keep = append(keep, l)
			}
		}
		f.Late = keep
		f.crossing()
	}
}

// crossing has what a side sent before it had the other's FIN, and was reset for, not arrive
// before that was sent. Where one was late the order is asked for already.
func (f *flow) crossing() {
	for _, rst := range f.Segs {
		v := rst.Reset
		if v == nil || v.Kind != reset.Passive || !v.May(reset.DataAfterClose) && !v.May(reset.TimeWait) {
			continue
		}
		var fin, data *segment.Segment
		for _, s := range f.Segs {
			switch {
			case s.Side == rst.Side && s.Has(packet.FIN) && fin == nil:
				fin = s
			case s.N == v.Answers && s.Packet.PayloadLen > 0 && s.Class&sender.Rexmit == 0:
				data = s
			}
		}
		if fin == nil || data == nil || int32(data.Ack-fin.End) >= 0 {
			continue
		}
		k := data.Key()
		if slices.ContainsFunc(f.Late, func(l reproduction.Late) bool { return l.Side == k.Side && l.Seq == k.Seq }) {
			continue
		}
		k.Nth, k.Times = 1, 1
		f.Late = append(f.Late, reproduction.Late{Loss: k, Before: true,
			Till: &reproduction.Overtaker{Flow: f.Flow.Flow, Loss: fin.Key()}})
	}
}

// last is the last segment of a connection that was sent while another was late, and whose
// like had not been sent meanwhile. Own says that the late one is of this connection.
func last(f *segment.Flow, late segment.Overdue, own bool) (out *reproduction.Overtaker) {
	seen := map[reproduction.Loss]bool{}
	for _, s := range f.Segs {
		if s == late.Segment || s.Sent <= late.From || s.Sent > late.To {
			continue
		}
		if late.Own && (s.Side != late.Side || int32(s.Seq-late.Seq) <= 0) {
			continue
		}
		if k := s.Key(); !seen[k] && (!own || k != late.Key()) {
			seen[k] = true
			out = &reproduction.Overtaker{Flow: f.Flow, Loss: k}
		}
	}
	return out
}
