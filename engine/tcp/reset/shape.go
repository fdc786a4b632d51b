package reset

import (
	"time"

	"netrepro/engine/packet"
)

// numberless says why the numbers of the reset cannot be judged, empty if they can.
func (j *judgement) numberless() string {
	s, peer, p := j.Sender, j.Peer, j.p
	floats := s.Sent > 0 && s.Floats || peer.Sent > 0 && peer.Floats
	switch {
	case p.Missing.Has(packet.NoSeq), p.Flags.Has(packet.ACK) && p.Missing.Has(packet.NoAck):
		return "its numbers are not known"
	case s.Blind || peer.Blind:
		return "the numbers of segments before it are not known"
	case floats && !p.Missing.Has(packet.NoOrigin):
		return "its number is as on the wire, those before it count from a segment that was not captured: they do " +
			"not compare"
	}
	return ""
}

// late is how long after a packet its answer comes at most, where no round trip says
// more.
const late = time.Second

// inTime reports whether a reset may still be the answer to g.
func (j *judgement) inTime(g *Seen) bool { return j.Now-g.Time <= max(late, 3*j.RTT) }

// byShape judges a reset whose numbers say nothing, by when it came and what it has: so
// it is never more than likely.
func (j *judgement) byShape(why string) {
	s, p := j.Sender, j.p
	j.sign("%s", why)
	t := j.Peer.Newest()
	if t != nil && (!j.inTime(t) || t.N <= s.RST.N) {
		t = nil
	}
	if p.Flags.Has(packet.ACK) {
		if t != nil && t.Flags.Has(packet.SYN) && !t.Flags.Has(packet.ACK) && s.Sent == 0 {
			j.v.Answers = int(t.N)
			j.sign("frame %d is a SYN, and nothing else came back", t.N)
			j.is(Passive, Low, ClosedPort)
			return
		}
		j.is(Active, Low, Unread, Linger)
		return
	}
	if t == nil {
		j.is(Passive, Low, NotCaptured)
		return
	}
	j.v.Answers = int(t.N)
	if d := j.Now - t.Time; d > 0 {
		j.sign("it comes %s after frame %d", d.Round(time.Microsecond), t.N)
	} else {
		j.sign("it follows frame %d", t.N)
	}
	if p.Window == 0 && p.NoOptions && !p.Missing.Has(packet.NoWindow) {
		j.sign("no window and no options: from a kernel, for no socket")
	}
	data := t.Len > 0 || t.Missing.Has(packet.NoLength) && t.Flags.Has(packet.PSH)
	switch {
	case s.Finned > 0 && data:
		j.sign("frame %d brings data after the sender closed: its FIN is frame %d", t.N, s.FIN.N)
		j.is(Passive, Low, DataAfterClose, TimeWait)
	case data:
		j.is(Passive, Low, NoSocket, DataAfterClose)
	default:
		j.is(Passive, Low, NoSocket)
	}
}

// Codes of a load balancer, NetScaler, which says in the window of a reset why it gave the
// connection up.
const reasonFirst, reasonLast = 8200, 9999

// withWindow judges that a bare reset has a window, which those of kernels have not. It
// is no sign of a forger: other stacks do so, and balancers write there.
func (j *judgement) withWindow() {
	w := j.p.Window
	switch {
	case w == 0 || j.p.Missing.Has(packet.NoWindow):
	case w >= reasonFirst && w <= reasonLast:
		j.sign("%d in its window is the reason code of a load balancer (NetScaler): the balancer gave the "+
			"connection up itself", w)
		j.is(j.v.Kind, Medium, Rejected)
	default:
		j.sign("window %d: Linux answers with none, other stacks may", w)
		j.v.Confidence = lower(j.v.Confidence)
	}
}
