package match

import (
	"fmt"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
)

// proto is the transport protocol that a packet must have to match t, empty if it may
// be any.
func (t *Term) proto() string {
	if f, ok := t.Value.(value.Field); ok && f.Of.Name == "proto" && f.Range.Min == f.Range.Max {
		switch f.Range.Min {
		case packet.ProtoTCP:
			return "TCP"
		case packet.ProtoUDP:
			return "UDP"
		case packet.ProtoICMP, packet.ProtoICMPv6:
			return "ICMP"
		}
	}
	return t.Key.Proto
}

// ports reports whether a packet must have ports to match t.
func (t *Term) ports() bool { return t.Key.Kind == value.KindPort || t.Key.Layer == field.Ports }

// versions reports whether a packet must be of IPv4, or of IPv6, to match t.
func (t *Term) versions() (four, six bool) {
	f, ok := t.Value.(value.Field)
	if !ok {
		return false, false
	}
	return f.Of.Layer == field.IPv4 || f.Prefix.IsValid() && f.Prefix.Addr().Is4(),
		f.Of.Layer == field.IPv6 || f.Prefix.IsValid() && f.Prefix.Addr().Is6()
}

// Check reports what about m can never match: fields of layers that no packet has at
// once. word is the name at fault.
func (m *Match) Check() (word string, err error) {
	of, why, four, six := "", "", "", ""
	for i := range m.terms {
		t := &m.terms[i]
		name := t.Key.Name
		if p := t.proto(); p != "" {
			if of != "" && of != p {
				return name, fmt.Errorf("%s belongs to %s and %s to %s: no packet has both", why, of, name, p)
			}
			of, why = p, name
		}
		v4, v6 := t.versions()
		if v4 {
			four = name
		}
		if v6 {
			six = name
		}
		if four != "" && six != "" {
			return name, fmt.Errorf("%s belongs to IPv4 and %s to IPv6: no packet has both", four, six)
		}
	}
	for i := range m.terms {
		if t := &m.terms[i]; of == "ICMP" && t.ports() {
			what := "ports"
			if t.Key.Kind != value.KindPort {
				what = t.Key.Name
			}
			return t.Key.Name, fmt.Errorf("%s is of ICMP, which has no %s", why, what)
		}
	}
	return "", nil
}

// Bears reports why no packet that m matches can have the field, nil if one can.
func (m *Match) Bears(f *field.Field) error {
	k := KeyNamed(f.Name)
	if k == nil {
		return nil
	}
	with := Match{append(m.terms[:len(m.terms):len(m.terms)], Term{k, value.Field{Of: f, Range: value.Range{Max: -1}}})}
	_, err := with.Check()
	return err
}
