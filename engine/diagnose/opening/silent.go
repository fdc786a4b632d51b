package opening

import (
	"fmt"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// silent is a connection whose SYNs nobody answers.
func silent(f *incident.Flow) *finding.Finding {
	if !f.Silent() || behind(f) {
		return nil
	}
	if o, _ := f.AnsweredAs(); o != nil {
		return nil
	}
	syns := f.Sides[incident.Client].SYNs
	if c := recycled(f, syns); c != nil {
		return c
	}
	if early(f, syns) || oneSided(f) {
		return nil
	}
	server := f.Ends[incident.Server]
	same := f.Others(func(o *incident.Flow) bool { return o.SameServer(f) && o.SYNACK != nil && o.SYN != nil })
	host := f.Others(func(o *incident.Flow) bool {
		return o.Ends[incident.Server].Addr() == server.Addr() && o.Answered()
	})
	here := f.From == incident.AtServer || f.SYN.Direction == tcp.In && len(f.SYN.Copies) == 0
	switch {
	case swallowed(f):
		return finding.New("syn-unanswered-filtered", f).
			Say("The SYNs to %s come in by %s and do not leave this host, which forwards others to it: a filter or a policy "+
				"here drops them without a word, or it finds no way on (ip route, ip neigh).", server, f.SYN.Interface()).
			For(1.6, fmt.Sprintf("%d SYNs come in and go out nowhere", len(syns)), syns...).
			For(1.2, "others to the same server come in and go on by another interface").
			IsNot("syn-unanswered-backlog: they do not reach the server")
	case wrongWay(f):
		return finding.New("asymmetric-path", f).
			Say("The SYNs to %s come in by %s, but this host reaches %s by another interface: it drops what comes the "+
				"wrong way, or its answer would go another way.", server, f.SYN.Interface(),
				f.Ends[incident.Client].Addr()).
			For(1.8, "they come in by another interface than the one that leads back to the client", syns...).
			IsNot("syn-unanswered-filtered: they arrive")
	case here && len(same) > 0:
		return finding.New("syn-unanswered-backlog", f).
			Say("The SYNs to %s arrive and this host does not answer them, though it answers others: the accept queue "+
				"is full.", server).
			For(1.2, fmt.Sprintf("the SYN arrives %d times and is not answered here", len(syns)), syns...).
			For(0.8, "other connections to the same port were opened")
	case len(same) > 1 && within(same, f):
		return finding.New("syn-unanswered-backlog", f).
			Say("Some SYNs to %s are answered and some are not, at the same time: the server drops them because its "+
				"accept queue is full, or they are lost.", server).
			For(0.9, "other connections to the same port were opened before and after", syns...)
	}
	c := finding.New("syn-unanswered-filtered", f).
		Say("Nobody answers the SYNs to %s: a filter drops them without a word, or the answers; or the host is away.", server)
	c.For(1.5, fmt.Sprintf("%d SYNs, nothing comes back: no SYN-ACK, no reset, no ICMP", len(syns)), syns...)
	if len(syns) > 2 {
		c.For(0.6, "the client gave it several tries")
	}
	if len(host) > 0 {
		c.For(0.6, "another port of the same host answers over the same way")
		c.IsNot("the host is not down: it answers on another port")
	}
	if f.From == incident.AtClient {
		c.IsNot("rst-no-listener: a host without a listener would refuse")
	}
	for _, t := range f.Twins {
		if t.SYNACK != nil {
			c.Against(2, "the other capture has an answer")
		}
	}
	return c
}

// swallowed reports whether this host takes in the SYNs of f and passes none on, where it passes
// on those of another connection to the same server.
func swallowed(f *incident.Flow) bool {
	out := func(g *incident.Segment) bool {
		return g.Direction == tcp.Out || slices.ContainsFunc(g.Copies,
			func(c incident.Sighting) bool { return c.Direction == tcp.Out && c.Point != g.Point })
	}
	own := f.Others(func(o *incident.Flow) bool {
		return o.SameServer(f) && o.SYN != nil && o.SYNACK != nil && !out(o.SYN)
	})
	if len(own) > 0 {
		return false // this host answers for it
	}
	if f.SYN.Direction != tcp.In || slices.ContainsFunc(f.Sides[incident.Client].SYNs, out) {
		return false
	}
	return len(f.Others(func(o *incident.Flow) bool {
		return o.File == f.File && o.Ends[incident.Server].Addr() == f.Ends[incident.Server].Addr() && o.SYN != nil &&
			o.SYN.Direction == tcp.In && out(o.SYN)
	})) > 0
}

// early reports whether it is too early to tell that nobody answers: one SYN, and less time
// after it than an answer may take.
func early(f *incident.Flow, syns []*incident.Segment) bool {
	const usual = 900 * time.Millisecond // before Linux asks again
	wait := f.File.End - f.SYN.Time
	rtt := f.HostRTT(f.Ends[incident.Server].Addr())
	return len(syns) < 2 && wait < usual && (rtt == 0 || wait < max(2*incident.RTO, 20*rtt))
}

// oneSided reports whether nothing that the server sends is in the capture, though the
// client goes on in another connection to it.
func oneSided(f *incident.Flow) bool {
	server := f.Ends[incident.Server].Addr()
	heard := f.Others(func(o *incident.Flow) bool { return o.Ends[incident.Server].Addr() == server && o.Answered() })
	goes := f.Others(func(o *incident.Flow) bool {
		return o.Ends[incident.Server].Addr() == server && o.Sides[incident.Client].Acks && !o.Answered()
	})
	return len(heard) == 0 && len(goes) > 0
}

// behind reports whether the flow is the same connection as another one under other
// addresses, which answers for it.
func behind(f *incident.Flow) bool {
	return len(f.Others(func(o *incident.Flow) bool { return f.Translated(o) && o.ID < f.ID })) > 0
}

// within reports whether some of the flows began before f and some after.
func within(others []*incident.Flow, f *incident.Flow) bool {
	before, after := false, false
	for _, o := range others {
		before = before || o.SYN.Time < f.SYN.Time
		after = after || o.SYN.Time > f.SYN.Time
	}
	return before && after
}

// wrongWay reports whether SYNs come in by an interface by which nothing goes back to
// the client's network, while another interface does.
func wrongWay(f *incident.Flow) bool {
	if f.SYN.Direction != tcp.In || len(f.SYN.Copies) > 0 || f.SYN.Interface() == "" {
		return false
	}
	out, same := 0, 0
	for _, o := range f.File.Flows {
		if o.Ends[incident.Client].Addr() != f.Ends[incident.Client].Addr() {
			continue
		}
		for _, g := range o.Sides[incident.Server].Segments {
			if g.Direction == tcp.Out {
				if out++; g.Point == f.SYN.Point {
					same++
				}
			}
		}
	}
	return out > 0 && same == 0
}

// recycled is a SYN whose timestamp is older than one that the server has seen from the
// same address less than a minute ago: tcp_tw_recycle drops it (tcp_peer_is_proven,
// TCP_PAWS_MSL).
func recycled(f *incident.Flow, syns []*incident.Segment) *finding.Finding {
	var newer *incident.Segment
	var old, stamp uint32 // of the SYN and of newer, where both were seen from one address
	stamped, same := 0, false
	for _, o := range f.Others(func(o *incident.Flow) bool {
		return o.Ends[incident.Server].Addr() == f.Ends[incident.Server].Addr() && o.Answered()
	}) {
		shared := false
		for _, g := range o.Sides[incident.Client].Segments {
			mine, theirs, ok := together(f.SYN, g)
			if shared = shared || ok; !ok || !theirs.HasTS || g.Time > f.SYN.Time || f.SYN.Time-g.Time > remembered {
				continue
			}
			if newer == nil || g.Time > newer.Time {
				newer, old, stamp = g, mine.TSVal, theirs.TSVal
			}
		}
		if same = same || shared && o.SameServer(f) && o.SYNACK != nil; !shared {
			continue
		}
		if o.SYN != nil && !o.SYN.HasTS && o.SYNACK != nil {
			stamped++
		}
	}
	dropped := 0
	for _, g := range syns {
		if g.HasTS {
			dropped++
		}
	}
	if f.SYNACK == nil && len(syns) < 2 && f.File.End-f.SYN.Time < incident.RTO {
		return nil // it is too early to tell
	}
	if dropped == 0 || !f.SYN.HasTS {
		return nil
	}
	if newer != nil && (answeredAnyway(f) || len(f.Others(func(o *incident.Flow) bool {
		return o.SameServer(f) && len(ignored(o)) > 1
	})) > 0) {
		return nil // it was not for the timestamp: the queue is full, or was
	}
	if newer == nil || !packet.Before(old, stamp) && old >= stamp {
		return withoutTimestamps(f, syns)
	}
	if !same || len(f.Others(func(o *incident.Flow) bool { return newerSilent(o, f, stamp) })) > 0 {
		return nil // it is not the timestamp: that port answers nobody, or not a newer one either
	}
	c := finding.New("syn-unanswered-tw-recycle", f).
		Say("The server drops SYNs from %s whose timestamp is older than the last one that it saw from that address: "+
			"several machines share it, and tcp_tw_recycle takes their clocks for one.", f.Ends[incident.Client].Addr())
	c.For(2, fmt.Sprintf("timestamp %d is not answered; %d from the same address was, %v before", old,
		stamp, (f.SYN.Time-newer.Time).Round(time.Millisecond)), syns...)
	if stamped > 0 {
		c.For(0.8, "SYNs without timestamps are answered")
	}
	return c.IsNot("syn-unanswered-filtered: others from the same address are answered on the same port").
		IsNot("syn-unanswered-backlog: who is answered depends on the timestamp, not on the load")
}

// remembered is how long a server with tcp_tw_recycle remembers a host's last timestamp
// (TCP_PAWS_MSL).
const remembered = 60 * time.Second

// answeredAnyway reports whether the SYN was answered when it came again, though its
// timestamp was still older than one that the server had seen less than a minute ago: it was
// not for the timestamp.
func answeredAnyway(f *incident.Flow) bool {
	if f.SYNACK == nil {
		return false
	}
	var syn *incident.Segment
	for _, g := range f.Sides[incident.Client].SYNs {
		if g.Time < f.SYNACK.Time && g.HasTS {
			syn = g
		}
	}
	if syn == nil || syn == f.SYN {
		return false
	}
	for _, o := range f.Others(func(o *incident.Flow) bool { return o.SameServer(f) && o.Answered() }) {
		for _, g := range o.Sides[incident.Client].Segments {
			mine, theirs, ok := together(syn, g)
			if ok && theirs.HasTS && g.Time < syn.Time && syn.Time-g.Time < remembered-time.Second &&
				packet.Before(mine.TSVal, theirs.TSVal) {
				return true
			}
		}
	}
	return false
}

// newerSilent reports whether a SYN of the same address to the same port, with a newer
// timestamp than any that was answered, is not answered either.
func newerSilent(o, f *incident.Flow, stamp uint32) bool {
	return o.Silent() && o.SameServer(f) && o.SYN.HasTS &&
		o.Ends[incident.Client].Addr() == f.Ends[incident.Client].Addr() &&
		packet.After(o.SYN.TSVal, stamp) && o.SYN.TSVal > stamp
}

// together are two packets as they were seen at one point, where they have the same source
// and destination: behind a NAT two clients have.
func together(a, b *incident.Segment) (as, bs *packet.Packet, ok bool) {
	sightings := func(g *incident.Segment) []incident.Sighting {
		return append([]incident.Sighting{{Point: g.Point, Packet: g.Packet}}, g.Copies...)
	}
	for _, x := range sightings(a) {
		for _, y := range sightings(b) {
			if x.Point == y.Point && x.Packet.Src == y.Packet.Src && x.Packet.Dst == y.Packet.Dst {
				return &x.Packet, &y.Packet, true
			}
		}
	}
	return nil, nil, false
}

// withoutTimestamps is a server that answers SYNs without timestamps only.
func withoutTimestamps(f *incident.Flow, syns []*incident.Segment) *finding.Finding {
	if len(syns) < 2 {
		return nil
	}
	var plain *incident.Flow
	for _, o := range f.Others(func(o *incident.Flow) bool {
		return o.Ends[incident.Client].Addr() == f.Ends[incident.Client].Addr() && o.SameServer(f) && o.SYN != nil
	}) {
		switch {
		case o.SYN.HasTS && o.SYNACK != nil:
			return nil // timestamps are no hindrance
		case !o.SYN.HasTS && o.SYNACK != nil:
			plain = o
		}
	}
	if plain == nil {
		return nil
	}
	c := finding.New("syn-unanswered-tw-recycle", f).
		Say("The server %s answers SYNs without timestamps and drops those with: it checks timestamps by address "+
			"(tcp_tw_recycle), and another machine behind the same address has a higher clock.",
			f.Ends[incident.Server])
	c.For(1, "SYNs with timestamps are not answered", syns...)
	return c.For(1.2, "the same without timestamps is, at once", plain.SYN, plain.SYNACK).
		IsNot("syn-unanswered-filtered: the same port answers, without the option")
}
