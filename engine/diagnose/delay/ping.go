package delay

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// pings are the echoes of a host to another, and when their replies came.
type pings struct {
	client, server netip.Addr
	asked          map[packet.EchoKey]*incident.Message
	trips          []pingTrip
}

type pingTrip struct {
	rtt   time.Duration
	reply *incident.Message
}

// pinged are pings whose round trip grows many times over while a connection between the same
// hosts carries data.
func pinged(in *incident.Incident) (found []*finding.Finding) {
	for _, file := range in.Files {
		for _, p := range collect(file) {
			if len(p.trips) < samples {
				continue
			}
			if c := p.slowed(busiest(file, p)); c != nil {
				found = append(found, c)
			}
		}
	}
	return found
}

// collect finds the pings of a file.
func collect(file *incident.File) (all []*pings) {
	type pair struct{ client, server netip.Addr }
	by := map[pair]*pings{}
	for _, m := range file.Messages {
		request, reply := m.ICMP().Echo(m.Proto)
		key := pair{m.Src, m.Dst}
		if reply {
			key = pair{m.Dst, m.Src}
		}
		p := by[key]
		if p == nil {
			if !request {
				continue
			}
			p = &pings{client: m.Src, server: m.Dst, asked: map[packet.EchoKey]*incident.Message{}}
			by[key] = p
			all = append(all, p)
		}
		e := m.ICMP().EchoKey
		switch q := p.asked[e]; {
		case request:
			p.asked[e] = m
		case reply && q != nil:
			p.trips = append(p.trips, pingTrip{m.Time - q.Time, m})
			delete(p.asked, e)
		}
	}
	return all
}

// samples is the least number of pings that tell.
const samples = 4

// busiest is the connection between the same hosts that carries most.
func busiest(file *incident.File, p *pings) (most *incident.Flow) {
	same := func(f *incident.Flow) bool {
		a, b := f.Ends[0].Addr(), f.Ends[1].Addr()
		return a == p.client && b == p.server || a == p.server && b == p.client
	}
	bytes := func(f *incident.Flow) int { return f.Sides[0].Bytes + f.Sides[1].Bytes }
	for _, f := range file.Flows {
		if len(f.Segments) > 0 && same(f) && (most == nil || bytes(f) > bytes(most)) {
			most = f
		}
	}
	return most
}

// carries reports whether much is on its way between two times: of the sequence space, so that
// what the capture leaves out counts too.
func carries(f *incident.Flow, from, to time.Duration) bool {
	const much = 10_000
	for side := range f.Sides {
		data := f.Sides[side].Data
		at := func(t time.Duration) int {
			i, _ := slices.BinarySearchFunc(data, t, func(g *incident.Segment, t time.Duration) int {
				return cmp.Compare(g.Time, t)
			})
			return i
		}
		i, j := max(at(from)-1, 0), min(at(to), len(data)-1)
		if len(data) > 0 && i < j && int32(data[j].End()-data[i].Seq) > much {
			return true
		}
	}
	return false
}

// slowed says what the pings tell of a connection beside them.
func (p *pings) slowed(f *incident.Flow) *finding.Finding {
	const some = 2
	if f == nil {
		return nil
	}
	least, most := p.trips[0].rtt, time.Duration(0)
	for _, t := range p.trips {
		least, most = min(least, t.rtt), max(most, t.rtt)
	}
	var high, low []*incident.Message
	busy := 0
	for _, t := range p.trips {
		switch {
		case t.rtt >= 4*least && t.rtt-least >= 80*time.Millisecond:
			high = append(high, t.reply)
			if carries(f, t.reply.Time-t.rtt, t.reply.Time) {
				busy++
			}
		case t.rtt <= 2*least:
			low = append(low, t.reply)
		}
	}
	if len(high) < some || busy*2 < len(high) || len(low) == 0 {
		return nil
	}
	c := finding.New("bufferbloat", f).
		Say("Pings take %v as long as nothing else is sent, and up to %v while this connection carries data: they stand "+
			"in the same queue, which is too long.", least.Round(100*time.Microsecond), most.Round(time.Millisecond))
	c.For(1.5, fmt.Sprintf("%d of %d pings take more than four times the least, while data is on its way", len(high),
		len(p.trips))).CiteMessages(high...).CiteMessages(low...)
	if most >= 8*least {
		c.For(0.8, "it grows more than eightfold")
	}
	if len(f.Sides[0].Resent)+len(f.Sides[1].Resent) == 0 {
		c.For(0.5, "and nothing is lost")
	}
	return c.IsNot("loss-one-way: the replies come, late").
		IsNot("slow-application: no application answers a ping")
}
