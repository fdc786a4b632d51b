package read

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/path"
	"netrepro/engine/reproduction/program"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp"
)

// infer makes an incident of the chosen connections.
func infer(g *gathered, chosen []*tally, o Options) (*reproduction.Incident, error) {
	others := len(g.conns) + len(g.passed) - len(chosen)
	inc := &reproduction.Incident{Others: others, Kept: o.Payload, Asked: g.asked, Names: g.names}
	records := map[*tcp.Conn][]*tcp.Record{}
	for _, r := range g.records {
		records[r.Root()] = append(records[r.Root()], r)
	}
	var all []*tcp.Record
	for _, t := range chosen {
		all = append(all, records[t.conn]...)
	}
	if len(all) == 0 {
		return inc, nil
	}
	p := path.Of(all)
	inc.Vantage, inc.Delay, inc.MTU, inc.Plain = p.Vantage, p.Delay(), p.MTU, p.Plain
	hosts := map[netip.Addr]bool{}
	tuples := map[[2]netip.AddrPort]int{}
	begin := all[0].Time
	var flows []*flow
	for _, t := range chosen {
		rs := records[t.conn]
		if len(rs) == 0 {
			continue
		}
		c := t.conn
		for _, e := range c.Ends {
			hosts[e.Addr()] = true
			inc.Names = append(inc.Names, e.Addr().String())
		}
		inc.IPv6 = inc.IPv6 || c.Ends[0].Addr().Is6() && !c.Ends[0].Addr().Is4In6()
		if _, ok := tuples[c.Ends]; !ok {
			tuples[c.Ends] = len(tuples)
		}
		f := &flow{&segment.Flow{Flow: &reproduction.Flow{N: c.ID, Port: c.Ends[1].Port(), Opener: c.Ends[0].Port(),
			Start: rs[0].Time - begin, End: rs[len(rs)-1].Time - begin, Begun: t.begun, Tuple: tuples[c.Ends]}, Conn: c,
			Everywhere: p.Vantage == reproduction.Everywhere, Asked: g.asked, Away: p.Away, Whole: p.Whole, Over: g.over}}
		f.Add(rs)
		f.opening()
		program.Find(f.Flow, o.Payload)
		path.Losses(f.Flow)
		f.silence()
		f.Play()
		flows = append(flows, f)
		inc.Flows = append(inc.Flows, f.Flow.Flow)
		for side := range 2 {
			inc.Offload = inc.Offload || c.MSS[1-side] > 0 && c.Largest[side] > c.MSS[1-side]
		}
	}
	inc.Hosts = len(hosts)
	var plain []*segment.Flow
	for _, f := range flows {
		plain = append(plain, f.Flow)
	}
	if err := tooMuch(inc); err != nil {
		return nil, err
	}
	path.Order(plain)
	forms(all, flows)
	path.Narrow(inc, plain)
	reject(inc, flows)
	shorten(inc)
	return inc, nil
}

// What a scenario has of each at most: nobody reads more, and it would take minutes to write.
const maxLosses, maxSteps = 5000, 20000

// tooMuch is the error of a capture that makes a scenario nobody could read.
func tooMuch(inc *reproduction.Incident) error {
	losses, steps := 0, 0
	for _, f := range inc.Flows {
		losses, steps = losses+len(f.Losses), steps+len(f.Steps[0])+len(f.Steps[1])
	}
	const hint = "choose a connection with --flow, or a part of it with netrepro trace --filter … --write FILE"
	switch {
	case losses > maxLosses:
		return fmt.Errorf("segments were lost in %d ways, and a scenario has at most %d: %s", losses, maxLosses, hint)
	case steps > maxSteps:
		return fmt.Errorf("the ends do %d things, and a scenario has at most %d: %s", steps, maxSteps, hint)
	}
	return nil
}

// flow is a connection that is looked at.
type flow struct{ *segment.Flow }

// silence finds the longest time in which nothing came.
func (f *flow) silence() {
	for i := 1; i < len(f.Segs); i++ {
		f.Silence = max(f.Silence, f.Segs[i].Sent-f.Segs[i-1].Sent)
	}
	for _, r := range f.Errs {
		if icmpName(r.Packet) == exceeded && f.Opening != reproduction.Opened {
			f.TTL = 1
			f.Losses = slices.DeleteFunc(f.Losses, func(l reproduction.Loss) bool { return l.TCP == "syn" })
		}
	}
}

// exceeded is what a router says of a packet that does not live to its receiver.
const exceeded = "time-exceeded"

// opening finds out what came of the SYN.
func (f *flow) opening() {
	f.Opening = reproduction.Opened
	if f.stray() {
		f.Opening, f.Strange, f.Attempts = reproduction.Refused, true, 1
		return
	}
	answered := !f.Begun
	for _, s := range f.Segs {
		syn, ack := s.Has(packet.SYN), s.Has(packet.ACK)
		switch {
		case s.Side == reproduction.Client && (syn || f.Attempts == 0):
			f.Attempts++
			f.Strange = f.Strange || f.Attempts == 1 && s.Forged
		case s.Side == reproduction.Server && syn && ack && !s.Lost:
			answered = true
		case s.Side == reproduction.Server && s.Has(packet.RST) && !answered:
			f.Opening = reproduction.Refused
			if v := s.Reset; v != nil && v.Kind == "firewall" {
				f.Opening = reproduction.Rejected
			}
			return
		}
	}
	if !answered {
		f.Opening = reproduction.Silent
		if slices.ContainsFunc(f.Errs, func(r *tcp.Record) bool { return icmpName(r.Packet) != "" }) {
			f.Opening = reproduction.Rejected
		}
	}
}

// stray reports a connection from its middle of which nothing was captured but packets without
// data, each reset: the program that could have sent them is not there.
func (f *flow) stray() bool {
	resets := 0
	for _, s := range f.Segs {
		switch {
		case s.Side == reproduction.Server && s.Has(packet.RST):
			resets++
		case s.Side == reproduction.Server, s.Has(packet.SYN), s.Packet.PayloadLen > 0:
			return false
		}
	}
	return !f.Begun && resets > 0
}

// icmpName is an ICMP error as host:reject can say it, empty if it cannot.
func icmpName(p *packet.Packet) string {
	m := p.ICMP()
	if m == nil || m.MTU > 0 {
		return ""
	}
	if p.Src.Is4() && m.Type == 11 || p.Src.Is6() && m.Type == 3 {
		return exceeded
	}
	if p.Src.Is4() && m.Type == 3 {
		return map[uint8]string{0: "net-unreachable", 1: "host-unreachable", 2: "proto-unreachable",
			3: "port-unreachable", 9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"}[m.Code]
	}
	if p.Src.Is6() && m.Type == 1 {
		return map[uint8]string{0: "net-unreachable", 1: "admin-prohibited", 3: "host-unreachable",
			4: "port-unreachable"}[m.Code]
	}
	return ""
}

// reject finds a firewall that refuses.
func reject(inc *reproduction.Incident, flows []*flow) {
	for _, f := range flows {
		if f.Opening != reproduction.Rejected || f.TTL > 0 {
			continue
		}
		inc.Reject = &reproduction.Reject{Port: f.Port, With: "tcp-reset"}
		f.Losses = slices.DeleteFunc(f.Losses, func(l reproduction.Loss) bool { return l.TCP == "syn" })
		for _, r := range f.Errs {
			if name := icmpName(r.Packet); name != "" {
				inc.Reject.With = name
			}
		}
	}
}

const (
	// patience is how long all pauses of a scenario may take together.
	patience = 15 * time.Second
)

// shorten bounds the pauses: the run takes the time that they take.
func shorten(inc *reproduction.Incident) {
	most := segment.Longest
	for {
		var sum time.Duration
		for _, f := range inc.Flows {
			for side := range f.Steps {
				for _, s := range f.Steps[side] {
					sum += min(s.Pause, most)
				}
			}
		}
		if sum <= patience || most < 20*time.Millisecond {
			break
		}
		most /= 2
	}
	for _, f := range inc.Flows {
		for side := range f.Steps {
			for i := range f.Steps[side] {
				if s := &f.Steps[side][i]; s.Pause > most {
					s.Was, s.Pause = s.Pause, most
				}
			}
		}
		most := 3500 * time.Millisecond
		if f.KeepAlive[0].Idle+f.KeepAlive[1].Idle > 0 {
			most = 12 * time.Second
		}
		f.Stays = min(f.Stays, most)
	}
}
