// Package opening has the rules for connections that do not open: refused, or not answered.
package opening

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Each(refusedByAnother), finding.Each(refused), finding.Each(prohibited),
	finding.Each(silent), finding.Each(halfOpen), finding.Each(unaccepted), finding.Each(oneWay),
	finding.Each(repeatedSYN), truncated, broken6}

// refused is a SYN that a reset answers: by the host, as nobody listens, or by a
// firewall in its name.
func refused(f *incident.Flow) *finding.Finding {
	if !f.Refused() {
		return nil
	}
	server := &f.Sides[incident.Server]
	rst := server.Resets[0]
	syns := f.Sides[incident.Client].SYNs
	silent := 0
	for _, g := range syns {
		if g.Time < rst.Time {
			silent++
		}
	}
	host := f.Ends[incident.Server].Addr()
	distant := rst.Distant(f.File.HostTTLs(host))
	rtt, took := f.HostRTT(host), rst.Time-f.SYN.Time
	shaped := rst.Has(packet.ACK) && rst.Window == 0 && (rst.Seq == 0 || rst.Missing.Has(packet.NoSeq))
	switch {
	case distant > 0:
		return finding.New("firewall-reject", f).
			Say("A firewall refuses the connection to %s in the server's name: its reset has time to live %d, the "+
				"server's own packets do not.", f.Ends[incident.Server], rst.TTL).
			For(2.5, fmt.Sprintf("the reset has time to live %d, %d off from the server's other packets", rst.TTL,
				distant), syns...).Cite(server.Resets...).
			IsNot("rst-no-listener: the server's own kernel would have the server's time to live")
	case rtt > 0 && took*2 < rtt && rtt-took > time.Millisecond && silent == 1:
		return finding.New("firewall-reject", f).
			Say("Something nearer than the server refuses the connection to %s: the reset comes after %v, the server "+
				"is %v away.", f.Ends[incident.Server], took, rtt).
			For(2.2, fmt.Sprintf("the reset comes after %v, the server needs %v at least", took, rtt), syns...).
			Cite(server.Resets...).IsNot("rst-no-listener: the server is too far away to have sent it")
	}
	what := "each SYN"
	if len(server.Resets) < len(syns) {
		what = fmt.Sprintf("a SYN, of %d", len(syns))
	}
	c := finding.New("rst-no-listener", f).
		Say("Nobody listens on %s: its kernel refuses %s.", f.Ends[incident.Server], what)
	c.For(2, "a reset answers the SYN, and nothing else was seen of the connection", syns...).Cite(server.Resets...)
	if shaped {
		c.For(1, "sequence number 0, the SYN acknowledged, no window: a kernel's answer where nobody listens "+
			"(RFC 9293, section 3.10.7.1)")
	}
	if silent > 1 && rst.Time-syns[0].Time > time.Second {
		c.Against(1.5, "it came only after several SYNs")
	}
	if len(syns) > 1 {
		c.IsNot("syn-unanswered-filtered: each SYN is answered; that it comes several times is how the client's " +
			"system takes a refusal")
	}
	return c
}

// prohibited is an ICMP message with which a firewall says no.
func prohibited(f *incident.Flow) *finding.Finding {
	var ms []*incident.Message
	var why string
	weight := 0.0
	for _, m := range f.Messages {
		if w, text := refusal(m); w > 0 {
			ms = append(ms, m)
			if w > weight {
				weight, why = w, text
			}
		}
	}
	if len(ms) == 0 || f.Established() && weight < 3 {
		return nil
	}
	c := finding.New("firewall-reject", f).
		Say("%s refuses the connection to %s with an ICMP message: %s.", ms[0].Src, f.Ends[incident.Server], why)
	c.For(weight, why).CiteMessages(ms...)
	for _, g := range f.Sides[incident.Client].SYNs {
		c.Cite(g)
	}
	return c.IsNot("syn-unanswered-filtered: it is answered, by ICMP")
}

// refusal is how much a message speaks for a firewall that rejects, and what it says.
func refusal(m *incident.Message) (float64, string) {
	i := m.ICMP()
	switch {
	case m.Proto == packet.ProtoICMP && i.Type == 3 && (i.Code == 9 || i.Code == 10 || i.Code == 13):
		return 3.5, "administratively prohibited"
	case m.Proto == packet.ProtoICMP && i.Type == 3 && i.Code == 3:
		return 3, "port unreachable, which no TCP answers a SYN with (it resets): a reject rule does"
	case m.Proto == packet.ProtoICMPv6 && i.Type == 1 && (i.Code == 1 || i.Code == 5 || i.Code == 6):
		return 3.5, "administratively prohibited"
	case m.Proto == packet.ProtoICMPv6 && i.Type == 1 && i.Code == 4:
		return 3, "port unreachable, which no TCP answers a SYN with (it resets): a reject rule does"
	case m.Proto == packet.ProtoICMP && i.Type == 3 && i.Code == 2:
		return 2, "protocol unreachable: a reject rule"
	case m.Proto == packet.ProtoICMP && i.Type == 3 && (i.Code == 0 || i.Code == 1),
		m.Proto == packet.ProtoICMPv6 && i.Type == 1 && (i.Code == 0 || i.Code == 3):
		return 0.4, "no route or no such host: a router, or a reject rule"
	}
	return 0, ""
}
