package application

import (
	"fmt"
	"math"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// slow is an answer that takes its time although the question was acknowledged at once.
func slow(f *incident.Flow) *finding.Finding {
	if !f.Established() || len(f.Sides[0].Resent)+len(f.Sides[1].Resent) > len(f.Segments)/10 {
		return nil
	}
	floor := max(20*f.RTT, 400*time.Millisecond)
	var total, worst time.Duration
	var waits []time.Duration
	var cited []*incident.Segment
	n, never := 0, false
	var answered []int // how large questions were that got an answer
	var asked *incident.Segment
	for _, g := range f.Segments {
		if g.Has(packet.SYN) {
			continue
		}
		if asked != nil && len(answered) > 0 && givesUp(f, g, asked, answered) {
			n, never = n+1, true
			wait := g.Time - asked.Time
			total, worst = total+wait, max(worst, wait)
			cited = append(cited, asked, asked.Acked, g)
			if fin := f.Sides[incident.Client].FIN; fin != g {
				cited = append(cited, fin)
			}
			asked = nil
			break
		}
		if g.Side == incident.Client && g.IsData() {
			if asked = g; g.PayloadLen <= 1 || beats(f, g) {
				asked = nil // a keep-alive
			}
			continue
		}
		if greeting(f, g) > floor+slowGreeting {
			n, asked = n+1, nil
			wait := greeting(f, g)
			waits, total, worst = append(waits, wait), total+wait, max(worst, wait)
			cited = append(cited, f.Confirm, g)
			continue
		}
		if asked == nil || g.Side != incident.Server || !g.IsData() && !g.Has(packet.FIN) {
			continue
		}
		if fin := f.Sides[incident.Client].FIN; !g.IsData() && fin != nil && fin.Time < g.Time {
			asked = nil // both closed, and nothing was answered
			continue
		}
		answered = append(answered, int(asked.PayloadLen))
		wait := g.Time - asked.Time
		ack := asked.Acked
		if wait >= floor && ack != nil && ack.Time-asked.Time < wait/2 {
			n++
			waits = append(waits, wait)
			total, worst = total+wait, max(worst, wait)
			cited = append(cited, asked, g)
			if ack != g {
				cited = append(cited, ack)
			}
		}
		asked = nil
	}
	if asked != nil && asked.Acked != nil && f.Reset() == nil &&
		f.Sides[incident.Server].FIN == nil {
		if wait := f.Last().Time - asked.Time; wait > 5*time.Second {
			n, never = n+1, true
			total, worst = total+wait, max(worst, wait)
			cited = append(cited, asked, asked.Acked)
		}
	}
	if polls(waits) {
		return nil
	}
	if n == 0 || worst < 700*time.Millisecond && n < 3 {
		return nil
	}
	c := finding.New("slow-application", f)
	if never {
		c.Say("The server acknowledges the request at once and does not answer it for %v: its application is what "+
			"takes the "+
			"time.", worst.Round(time.Millisecond))
	} else if len(answered) == 0 {
		c.Say("The connection opens at once and the server, which speaks first, says its first word after %v: its application "+
			"takes the time, not the network.", worst.Round(time.Millisecond))
	} else {
		c.Say("The server acknowledges the request at once and answers after %v: its application takes the time, "+
			"not the "+
			"network.", worst.Round(time.Millisecond))
	}
	c.For(1.4, fmt.Sprintf("%d answers take %v in all, the round trip is %v", n, total.Round(time.Millisecond),
		f.RTT.Round(10*time.Microsecond)), cited...)
	if fin := f.Sides[incident.Client].FIN; fin != nil && f.Closed() && !never &&
		fin.Time < f.Sides[incident.Server].FIN.Time-worst {
		c.Against(2, "the client had closed its direction and waits for the rest: it knows that it takes long")
	}
	if worst > 50*f.RTT && f.RTT > 0 {
		c.For(0.5, "many times the round trip")
	}
	return c.IsNot("loss-one-way: nothing was sent again").
		IsNot("zero-window: there was room for the answer")
}

// beats reports whether a message only tells that its sender is there, so that nothing answers it: a
// KEEPALIVE of BGP (RFC 4271, section 4.4).
func beats(f *incident.Flow, g *incident.Segment) bool {
	const bgp, keepalive = 179, 19
	return f.Ends[incident.Server].Port() == bgp && g.PayloadLen == keepalive
}

// slowGreeting is how long a server that speaks first may take, beyond what any answer may.
const slowGreeting = 2 * time.Second

// greeting is how long after the handshake a server that speaks first says g, its first word; 0
// for all else. What it says without being asked for much later is no greeting.
func greeting(f *incident.Flow, g *incident.Segment) time.Duration {
	const most = 3 * time.Minute
	server, client := &f.Sides[incident.Server], &f.Sides[incident.Client]
	if f.Confirm == nil || len(server.Data) == 0 || server.Data[0] != g || len(client.Data) == 0 ||
		client.Data[0].Time < g.Time || client.Data[0].Time-g.Time > time.Second || g.Time-f.Confirm.Time > most {
		return 0
	}
	if syns := server.SYNs; len(syns) > 1 && syns[len(syns)-1].Time > f.Confirm.Time {
		return 0 // it had not heard that the connection is open
	}
	return g.Time - f.Confirm.Time
}

// givesUp reports whether g is the client's goodbye, alone or with the TLS alert that comes
// before it, long after a question that was acknowledged and not answered. What is much smaller
// than the questions that were answered needs no answer, as a window update of HTTP/2, and where
// the client says much that is not answered nothing follows either.
func givesUp(f *incident.Flow, g, asked *incident.Segment, answered []int) bool {
	const patience = 5 * time.Second
	client := &f.Sides[incident.Client]
	if fin := client.FIN; g.Side != incident.Client || fin == nil || g != fin && (!g.IsData() || g.PayloadLen > alert12 ||
		fin.Time < g.Time || fin.Time-g.Time > time.Second) {
		return false
	}
	usual := slices.Max(answered)
	said := 0
	for _, d := range client.Data {
		if d.Time < g.Time {
			said++
		}
	}
	return int(asked.PayloadLen)*2 >= min(usual, 400) && said <= len(answered)+2 &&
		asked.Acked != nil && asked.Acked.Time < g.Time && g.Time-asked.Time > patience
}

// polls reports whether long waits are the same each time: of a server that holds a
// question until there is news or a timeout.
func polls(waits []time.Duration) bool {
	const long = 15 * time.Second
	for i, w := range waits {
		for _, o := range waits[:i] {
			if w >= long && (w-o).Abs() < w/50 {
				return true
			}
		}
	}
	return false
}

// idleClient is a client that lets time go by between an answer and its next question,
// again and again.
func idleClient(f *incident.Flow) *finding.Finding {
	const least, most = 250 * time.Millisecond, 5 * time.Second
	var pauses, asks []time.Duration
	var cited []*incident.Segment
	var total time.Duration
	var answer *incident.Segment
	for _, g := range f.Segments {
		switch {
		case g.Side == incident.Server && g.IsData():
			answer = g
		case g.Side == incident.Client && g.IsData() && answer != nil:
			if p := g.Time - answer.Time; p >= least && p <= most && p > 10*f.RTT {
				pauses, total, asks = append(pauses, p), total+p, append(asks, g.Time)
				cited = append(cited, g)
			}
			answer = nil
		}
	}
	length := f.Last().Time - f.Segments[0].Time
	if len(pauses) < 4 || total*10 < length*6 {
		return nil
	}
	c := finding.New("slow-application", f).
		Say("Each answer comes and is acknowledged at once; then the client takes %v on average before it asks "+
			"again: the "+
			"time goes by in the client's own program.", (total / time.Duration(len(pauses))).Round(time.Millisecond))
	c.For(1.4, fmt.Sprintf("%d pauses of the client, %v of %v in all", len(pauses), total.Round(time.Millisecond),
		length.Round(time.Millisecond)), cited...)
	if steady(asks) {
		c.Against(1.6, "it asks at the beat of a timer: nobody may wait for that")
	}
	return c.IsNot("loss-one-way: nothing was sent again")
}

// steady reports whether all steps between times are of one length.
func steady(times []time.Duration) bool {
	least, most := time.Duration(math.MaxInt64), time.Duration(0)
	for i := 1; i < len(times); i++ {
		step := times[i] - times[i-1]
		least, most = min(least, step), max(most, step)
	}
	return len(times) > 2 && most-least < least/20
}
