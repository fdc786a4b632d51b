package incident

import (
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/trace/golden"
)

// infer makes an incident of the chosen connections.
func infer(g *gathered, chosen []*tally, o Options) *Incident {
	inc := &Incident{Others: len(g.conns) - len(chosen), Kept: o.Payload, Asked: g.asked, names: g.names}
	records := map[*tcp.Conn][]*tcp.Record{}
	for _, r := range g.records {
		records[r.Root()] = append(records[r.Root()], r)
	}
	var all []*tcp.Record
	for _, t := range chosen {
		all = append(all, records[t.conn]...)
	}
	if len(all) == 0 {
		return inc
	}
	p := pathOf(all)
	inc.Vantage, inc.Delay, inc.MTU, inc.Plain = p.vantage, p.delay(), p.mtu, p.plain
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
			inc.names = append(inc.names, e.Addr().String())
		}
		inc.IPv6 = inc.IPv6 || c.Ends[0].Addr().Is6() && !c.Ends[0].Addr().Is4In6()
		if _, ok := tuples[c.Ends]; !ok {
			tuples[c.Ends] = len(tuples)
		}
		f := &flow{Flow: &Flow{N: c.ID, Port: c.Ends[1].Port(), Start: rs[0].Time - begin,
			End: rs[len(rs)-1].Time - begin, Begun: t.begun, Tuple: tuples[c.Ends]}, conn: c,
			everywhere: p.vantage == Everywhere, Asked: g.asked, away: p.away}
		f.segments(rs)
		f.Form = FormOf(rs, c)
		f.opening()
		f.steps(inc)
		f.losses()
		f.silence()
		f.packets()
		flows = append(flows, f)
		inc.Flows = append(inc.Flows, f.Flow)
		for side := range 2 {
			inc.Offload = inc.Offload || c.MSS[1-side] > 0 && c.Largest[side] > c.MSS[1-side]
		}
	}
	inc.Hosts = len(hosts)
	inc.narrow(flows)
	inc.reject(flows)
	inc.shorten()
	return inc
}

// FormOf is what the records of a connection mean, without addresses.
func FormOf(rs []*tcp.Record, c *tcp.Conn) []string {
	names := func(a netip.Addr) string {
		switch a {
		case c.Ends[0].Addr():
			return "client"
		case c.Ends[1].Addr():
			return "server"
		}
		return "router"
	}
	form := golden.Form(rs, names)
	return form[min(1, len(form)):] // the first line is whose connection it is
}

// silence finds the longest time in which nothing came.
func (f *flow) silence() {
	for i := 1; i < len(f.segs); i++ {
		f.Silence = max(f.Silence, f.segs[i].sent-f.segs[i-1].sent)
	}
	for _, r := range f.errs {
		if icmpName(r.Packet) == exceeded && f.Opening != Opened {
			f.TTL = 1
		}
	}
}

// exceeded is what a router says of a packet that does not live to its receiver.
const exceeded = "time-exceeded"

// opening finds out what came of the SYN.
func (f *flow) opening() {
	f.Opening = Opened
	answered := !f.Begun
	for _, s := range f.segs {
		syn, ack := s.has(packet.SYN), s.has(packet.ACK)
		switch {
		case s.Side == Client && (syn || f.Attempts == 0):
			f.Attempts++
			f.Strange = f.Strange || f.Attempts == 1 && s.forged
		case s.Side == Server && syn && ack && !s.lost:
			answered = true
		case s.Side == Server && s.has(packet.RST) && !answered:
			f.Opening = Refused
			if v := s.Reset; v != nil && v.Kind == "firewall" {
				f.Opening = Rejected
			}
			return
		}
	}
	if !answered {
		f.Opening = Silent
		if slices.ContainsFunc(f.errs, func(r *tcp.Record) bool { return icmpName(r.Packet) != "" }) {
			f.Opening = Rejected
		}
	}
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
func (inc *Incident) reject(flows []*flow) {
	for _, f := range flows {
		if f.Opening != Rejected || f.TTL > 0 {
			continue
		}
		inc.Reject = &Reject{Port: f.Port, With: "tcp-reset"}
		f.Losses = slices.DeleteFunc(f.Losses, func(l Loss) bool { return l.TCP == "syn" })
		for _, r := range f.errs {
			if name := icmpName(r.Packet); name != "" {
				inc.Reject.With = name
			}
		}
	}
}

const (
	// longest is the longest pause that a scenario keeps.
	longest = 2 * time.Second
	// patience is how long all pauses of a scenario may take together.
	patience = 15 * time.Second
)

// shorten bounds the pauses: the run takes the time that they take.
func (inc *Incident) shorten() {
	most := longest
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
		f.Stays = min(f.Stays, 3500*time.Millisecond)
	}
}
