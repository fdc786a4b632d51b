package trace

import (
	"fmt"
	"net/netip"

	"netrepro/engine/forge"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
)

// FieldMatch says what a header field must be.
type FieldMatch struct {
	Field  *forge.Field
	Range  *Range       // of a number
	Value  forge.Value  // of all else
	Prefix netip.Prefix // of an address, if it is valid
	Absent bool         // a TCP option must not be there
}

// matches reports whether the frame of p has it so.
func (m *FieldMatch) matches(p *Packet, l *forge.Layout) bool {
	v, ok := m.Field.Get(p.Frame, l)
	switch {
	case m.Absent:
		return !ok && p.IsTCP()
	case !ok:
		return false
	case m.Field.Type == forge.Number:
		return m.Range.has(int(v.N))
	case m.Field.Type == forge.Address:
		return m.Prefix.Contains(v.Addr)
	}
	return v == m.Value
}

// String writes m as a script would.
func (m *FieldMatch) String() string {
	switch {
	case m.Absent:
		return m.Field.Name + " = false"
	case m.Field.Type == forge.Number:
		return fmt.Sprintf("%s = %s", m.Field.Name, m.Range.quoted())
	case m.Field.Type == forge.Address && m.Prefix.IsSingleIP():
		return fmt.Sprintf("%s = %q", m.Field.Name, m.Prefix.Addr())
	case m.Field.Type == forge.Address:
		return fmt.Sprintf("%s = %q", m.Field.Name, m.Prefix)
	}
	return m.Field.Name + " = " + m.Field.String(m.Value)
}

// fieldsMatch reports whether the frame of p has all of them so.
func (m *Match) fieldsMatch(p *Packet) bool {
	l := forge.Parse(p.Frame)
	for i := range m.Fields {
		if !m.Fields[i].matches(p, &l) {
			return false
		}
	}
	return true
}

// protocols are what a match can be about, by what it asks for.
var protocols = []struct {
	name  string
	layer []forge.Layer
}{
	{"TCP", []forge.Layer{forge.TCP, forge.Ports}},
	{"UDP", []forge.Layer{forge.UDP, forge.Ports}},
	{"ICMP", []forge.Layer{forge.ICMP}},
}

// protocol is the one that m asks for by its number, empty if it does not or if
// [protocols] has none of that number.
func (m *FieldMatch) protocol() string {
	if m.Field.Name != "proto" || m.Range == nil || m.Range.Min != m.Range.Max {
		return ""
	}
	switch m.Range.Min {
	case packet.ProtoTCP:
		return "TCP"
	case packet.ProtoUDP:
		return "UDP"
	case packet.ProtoICMP, packet.ProtoICMPv6:
		return "ICMP"
	}
	return ""
}

// Check reports what about m can never match: fields of layers that no packet
// has at once. word is the name at fault.
func (m *Match) Check() (word string, err error) {
	of, why := "", ""
	is := func(proto, name string) error {
		if of != "" && of != proto {
			return fmt.Errorf("%s is of %s, and %s of %s: no packet is both", why, of, name, proto)
		}
		of, why = proto, name
		return nil
	}
	if m.tcpOnly() {
		_ = is("TCP", m.tcpWord())
	}
	if m.UDP {
		if err := is("UDP", "udp"); err != nil {
			return "udp", err
		}
	}
	if m.ICMP != "" {
		if err := is("ICMP", "icmp"); err != nil {
			return "icmp", err
		}
	}
	four, six := "", ""
	for i := range m.Fields {
		f := &m.Fields[i]
		for _, p := range protocols {
			if f.Field.Layer == p.layer[0] {
				if err := is(p.name, f.Field.Name); err != nil {
					return f.Field.Name, err
				}
			}
		}
		if name := f.protocol(); name != "" {
			if err := is(name, f.Field.Name); err != nil {
				return f.Field.Name, err
			}
		}
		if f.Field.Layer == forge.Ports && of == "ICMP" {
			return f.Field.Name, fmt.Errorf("%s is of ICMP, which has no %s", why, f.Field.Name)
		}
		v6 := f.Field.Layer == forge.IPv6 || f.Prefix.IsValid() && f.Prefix.Addr().Is6()
		v4 := f.Field.Layer == forge.IPv4 || f.Prefix.IsValid() && f.Prefix.Addr().Is4()
		if v4 {
			four = f.Field.Name
		}
		if v6 {
			six = f.Field.Name
		}
		if four != "" && six != "" {
			return f.Field.Name, fmt.Errorf("%s is of IPv4, and %s of IPv6: no packet is both", four, six)
		}
	}
	for _, p := range []struct {
		name string
		port int
	}{{"port", m.Port}, {"sport", m.SPort}, {"dport", m.DPort}} {
		if of == "ICMP" && p.port != 0 {
			return p.name, fmt.Errorf("%s is of ICMP, which has no ports", why)
		}
	}
	return "", nil
}

// Bears reports why no packet that m matches can have the field, nil if one can.
func (m *Match) Bears(f *forge.Field) error {
	with := *m
	with.Fields = append(append([]FieldMatch(nil), m.Fields...), FieldMatch{Field: f, Range: &Range{Max: -1}})
	_, err := with.Check()
	return err
}

// tcpWord is what makes m one of TCP alone.
func (m *Match) tcpWord() string {
	for _, w := range []struct {
		name string
		on   bool
	}{{"tcp", m.TCP != ""}, {"seq", m.Seq != nil}, {"ack", m.Ack != nil}, {"flags", m.Flags != ""}, {"sacks", m.SACKs != nil}, {"covers", m.Covers != nil},
		{"rexmit", m.Rexmit != nil}, {"tls", m.TLS != ""}, {"http", m.HTTP != ""}, {"rst", m.RST != nil}} {
		if w.on {
			return w.name
		}
	}
	return "original"
}

// app reports whether p says, in TLS or HTTP, what m asks for.
func (m *Match) app(p *Packet) bool {
	events := p.App
	if p.N > 0 {
		r := p.Finding()
		if r == nil {
			return false
		}
		events = r.App
		switch {
		case p.Sent != nil && p.Segment != p.Sent.Segment: // it was changed on the way
			var s payload.Stream
			events = s.Feed(p.Seq, int(p.PayloadLen), p.Payload, nil)
		case r.Copy > 0: // the first sighting says it
			events = p.Point.trace.Findings()[r.Copy-1].App
		}
	}
	tls, http := m.TLS == "", m.HTTP == ""
	for _, e := range events {
		tls = tls || e.Proto == "tls" && e.Name == m.TLS
		http = http || e.Proto == "http" && len(e.Detail) >= len(m.HTTP) && e.Detail[:len(m.HTTP)] == m.HTTP
	}
	return tls && http
}

// toward reports whether p is on its way to the node: it left the other end of
// a wire of the node's, or arrives there.
func toward(node string, p *Packet) bool {
	if p.Dir == In {
		return p.Point.Node == node
	}
	return p.Point.Far == node
}
