package value

import (
	"fmt"
	"net"
	"net/netip"

	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
)

// Field says what a header field must be.
type Field struct {
	Of     *field.Field
	Range  Range        // of a number
	Value  field.Value  // of all else
	Prefix netip.Prefix // of an address
	Absent bool         // a TCP option must not be there
}

// Has reports whether a frame has it so.
func (m Field) Has(frame []byte, l *header.Layout) bool {
	v, ok := m.Of.Get(frame, l)
	switch {
	case m.Absent:
		return !ok && l.IsTCP()
	case !ok:
		return false
	case m.Of.Type == field.Number:
		return m.Range.Has(int(v.N))
	case m.Of.Type == field.Address:
		return m.Prefix.Contains(v.Addr)
	}
	return v == m.Value
}

// String writes m as a script would.
func (m Field) String() string {
	switch {
	case m.Absent:
		return m.Of.Name + " = false"
	case m.Of.Type == field.Number:
		return fmt.Sprintf("%s = %s", m.Of.Name, quoted(m.Range))
	case m.Of.Type == field.Address && m.Prefix.IsSingleIP():
		return fmt.Sprintf("%s = %q", m.Of.Name, m.Prefix.Addr())
	case m.Of.Type == field.Address:
		return fmt.Sprintf("%s = %q", m.Of.Name, m.Prefix)
	}
	return m.Of.Name + " = " + m.Of.String(m.Value)
}

// Protocols are the names of transport protocols, for the field proto.
var Protocols = map[string]int{"icmp": packet.ProtoICMP, "tcp": packet.ProtoTCP, "udp": packet.ProtoUDP,
	"icmpv6": packet.ProtoICMPv6}

// OfField is what a header field can be asked for.
func OfField(f *field.Field) *Kind {
	k := &Kind{Field: f, Name: "a value of " + f.Name, Type: "integer|string", Hint: `write 18, "1..1448" or ">= 1"`}
	switch f.Type {
	case field.Bool:
		k.Name, k.Type, k.Hint, k.Bare = KindBool.Name, KindBool.Type, KindBool.Hint,
			Field{Of: f, Value: field.Value{N: 1}}
	case field.Address:
		k.Name, k.Type, k.Hint = "an address", "string|Host", `write "192.0.2.1", or net.NAME`
	case field.Hardware:
		k.Name, k.Type, k.Hint = "a MAC address", "string", `write it like "02:00:00:00:01:01"`
	}
	k.Parse = func(x any) (any, bool) { return readField(f, x) }
	return k
}

// readField makes a value of a field of a string, a number, or true or false.
func readField(f *field.Field, x any) (v Field, ok bool) {
	v.Of = f
	switch f.Type {
	case field.Number:
		if b, is := boolean(x); is && b == false && f.Option {
			v.Absent = true
			return v, true
		}
		if s, is := x.(string); is && f.Name == "proto" {
			if n, named := Protocols[s]; named {
				x = float64(n)
			}
		}
		r, err := KindRange.Read(x)
		if err != nil {
			return v, false
		}
		v.Range = r.(Range)
		return v, uint64(v.Range.Min) <= f.Max && (v.Range.Max < 0 || uint64(v.Range.Max) <= f.Max)
	case field.Bool:
		b, is := boolean(x)
		if b == true {
			v.Value.N = 1
		}
		return v, is
	case field.Address:
		s, _ := x.(string)
		if p, err := netip.ParsePrefix(s); err == nil {
			v.Prefix = p.Masked()
			return v, true
		}
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return v, false
		}
		v.Prefix = netip.PrefixFrom(a, a.BitLen())
		return v, true
	case field.Hardware:
		s, _ := x.(string)
		m, err := net.ParseMAC(s)
		if err != nil || len(m) != len(v.Value.MAC) {
			return v, false
		}
		v.Value.MAC = [6]byte(m)
		return v, true
	}
	return v, false
}
