package golden

import (
	"fmt"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// exchange is one connection.
type exchange struct {
	conn *tcp.Conn
	lane [2][]*item
	ack  [2]uint32 // highest acknowledgement of each side, relative
	tls  bool
}

// item is one event of one side.
type item struct {
	text string
	// from and end are the sequence space that the event takes; both 0 for
	// none.
	from, end uint32
	ack       uint32 // what its sender had received when it began
	data      bool
	times     int
	app       []string
}

func (i *item) String() string {
	s := i.text
	if i.data {
		s = fmt.Sprintf("sends %d:%d", i.from, i.end)
		if len(i.app) > 0 {
			s += ": " + strings.Join(i.app, ", ")
		}
	}
	if i.times > 1 {
		s += ", repeatedly"
	}
	return s
}

// note adds an event that takes no sequence space, or counts it if it was there
// already.
func (x *exchange) note(side int, text string) *item {
	for _, i := range x.lane[side] {
		if i.text == text {
			i.times++
			return i
		}
	}
	i := &item{text: text, ack: x.ack[side], times: 1}
	x.lane[side] = append(x.lane[side], i)
	return i
}

// segment adds what a TCP segment means. reached says that packets to where it
// goes are seen to arrive.
func (x *exchange) segment(r *tcp.Record, f *fate, reached bool) {
	p, side := r.Packet, r.Side
	if p.Flags.Has(packet.ACK) && (x.ack[side] == 0 || int32(r.Ack-x.ack[side]) > 0) {
		x.ack[side] = r.Ack
	}
	end := r.Seq + p.SeqLen()
	switch {
	case p.Flags.Has(packet.RST):
		text := "RST"
		if v := r.Reset; v != nil {
			text = "RST, " + string(v.Kind) + ": " + string(v.Cause)
			for _, o := range v.Or {
				text += " or " + string(o)
			}
		}
		x.note(side, text)
	case r.Class&(sender.KeepAlive|sender.WindowProbe) != 0:
		x.note(side, "probes")
	case r.Class&sender.Rexmit != 0:
		x.resent(r, end)
	case p.Flags.Has(packet.SYN):
		text := "SYN"
		if p.MSS > 0 {
			text += fmt.Sprintf(" mss %d", p.MSS)
		}
		i := x.note(side, text)
		i.from, i.end = r.Seq, end
	case p.PayloadLen > 0:
		x.data(r)
	}
	if p.Flags.Has(packet.FIN) && r.Class&sender.Rexmit == 0 {
		i := x.note(side, "FIN")
		i.from, i.end = end-1, end
	}
	if p.SeqLen() == 0 && !p.Flags.Has(packet.RST) {
		return
	}
	switch {
	case f.dropped != "":
		x.note(side, fmt.Sprintf("loses %d:%d, dropped: %s", r.Seq, end, f.dropped))
	case reached && !f.arrived && p.SeqLen() == 0:
		x.note(side, "loses a reset") // whose number may be a matter of chance
	case reached && !f.arrived:
		x.note(side, fmt.Sprintf("loses %d:%d", r.Seq, end))
	}
}

// resent adds that something was sent again. Which of the quick repairs did it
// is a question of microseconds, and one that was not needed is a guess at the
// end of a wait that a busy host made too long.
func (x *exchange) resent(r *tcp.Record, end uint32) {
	if r.Class&sender.RTO == 0 && r.Original == "arrived" {
		return
	}
	why := "repair"
	switch {
	case r.Class&sender.RTO != 0:
		why = "timeout"
	case r.Class&sender.Resized != 0:
		why = "path MTU"
	}
	if r.Original == "arrived" {
		why += ", needless"
	}
	x.note(r.Side, fmt.Sprintf("resends %d:%d, %s", r.Seq, end, why))
}

// data adds new payload: to what its side sends already, or as a new turn.
func (x *exchange) data(r *tcp.Record) {
	side := r.Side
	end := r.Seq + uint32(r.Packet.PayloadLen)
	last := x.lastData(side)
	if last == nil || x.turn(side, last, r.Seq) {
		last = &item{from: r.Seq, end: end, ack: x.ack[side], data: true, times: 1}
		x.lane[side] = append(x.lane[side], last)
	}
	if int32(end-last.end) > 0 {
		last.end = end
	}
	for _, e := range r.App {
		x.tls = x.tls || e.Proto == "tls"
		if t := appText(e); t != "" {
			last.app = append(last.app, t)
		}
	}
}

func (x *exchange) lastData(side int) *item {
	for i := len(x.lane[side]) - 1; i >= 0; i-- {
		if x.lane[side][i].data {
			return x.lane[side][i]
		}
	}
	return nil
}

// turn reports whether data of a side from seq on is an answer, and not more of
// what it was sending: the other side has sent something after it had received
// all of that, and this side has received it. What TLS sends of itself once a
// connection is up answers nothing, so that it has no turns.
func (x *exchange) turn(side int, last *item, seq uint32) bool {
	other := x.lastData(1 - side)
	return !x.tls && other != nil && other.ack == last.end && last.end == seq && x.ack[side] == other.end
}

// lines are the events of both sides in one order that respects what each side
// had acknowledged; where that leaves a choice, the side that opened the
// connection comes first.
func (x *exchange) lines(n int, names Names) []string {
	who := [2]string{names(x.conn.Ends[0].Addr()), names(x.conn.Ends[1].Addr())}
	out := []string{fmt.Sprintf("connection %d: %s > %s:%d", n, who[0], who[1], x.conn.Ends[1].Port())}
	at := [2]int{}
	done := [2]uint32{} // sequence space of each side that is told
	for at[0] < len(x.lane[0]) || at[1] < len(x.lane[1]) {
		side := x.choose(at, done)
		i := x.lane[side][at[side]]
		at[side]++
		if i.end > 0 {
			done[side] = max(done[side], i.end)
		}
		out = append(out, fmt.Sprintf("  %s %s", who[side], i))
	}
	return out
}

// choose is the side whose next event is told next.
func (x *exchange) choose(at [2]int, done [2]uint32) int {
	for side := range 2 {
		if at[side] == len(x.lane[side]) {
			return 1 - side
		}
	}
	for side := range 2 {
		if i := x.lane[side][at[side]]; !x.waits(i, 1-side, at[1-side], done[1-side]) {
			return side
		}
	}
	return 0
}

// waits reports whether i acknowledges an event of the other side that is not
// told yet.
func (x *exchange) waits(i *item, other, at int, done uint32) bool {
	for _, o := range x.lane[other][at:] {
		if o.end > done && int32(i.ack-o.end) >= 0 {
			return true
		}
	}
	return false
}
