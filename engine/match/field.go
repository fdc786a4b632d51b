package match

import (
	"netrepro/engine/match/value"
	"netrepro/engine/packet/field"
)

// own are the header fields that have keys of their own: their numbers are relative,
// or there are names for what they hold.
var own = map[string]bool{"sport": true, "dport": true, "seq": true, "ack": true, "flags": true}

// protoOf is the transport protocol that has a layer alone, empty if several have it.
func protoOf(y field.Layer) string {
	switch y {
	case field.TCP:
		return "TCP"
	case field.UDP:
		return "UDP"
	case field.ICMP:
		return "ICMP"
	}
	return ""
}

// fieldKeys are the keys of all header fields that have none of their own.
func fieldKeys() []*Key {
	var out []*Key
	for _, f := range field.All {
		if own[f.Name] {
			continue
		}
		out = append(out, &Key{Name: f.Name, Doc: "of " + f.Layer.String() + ": " + f.Doc, Kind: value.OfField(f),
			Proto: protoOf(f.Layer),
			Layer: f.Layer,
			test:  of(func(v value.Field, p *Packet) bool { return v.Has(p.Frame, p.header()) }), quick: quickField})
	}
	return out
}
