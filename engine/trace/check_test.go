package trace

import (
	"net/netip"
	"strings"
	"testing"

	"netrepro/engine/forge"
	"netrepro/engine/packet"
)

func field(name string) FieldMatch {
	return FieldMatch{Field: forge.FieldNamed(name), Range: &Range{Max: -1}}
}

func TestCheck(t *testing.T) {
	four, six := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")
	for _, tt := range []struct {
		name  string
		match Match
		want  string // of the error, empty for none
	}{
		{"nothing", Match{}, ""},
		{"one layer", Match{TCP: KindSYN, Fields: []FieldMatch{field("mss"), field("ttl")}}, ""},
		{"ports are of both", Match{UDP: true, SPort: 5, Fields: []FieldMatch{field("sport")}}, ""},
		{"UDP has no MSS", Match{UDP: true, Fields: []FieldMatch{field("mss")}}, "mss of TCP"},
		{"TCP is not ICMP", Match{TCP: KindSYN, ICMP: "any"}, "icmp of ICMP"},
		{"nor UDP", Match{Flags: "S", UDP: true}, "udp of UDP"},
		{"ICMP has no ports", Match{ICMP: "any", Port: 5}, "no ports"},
		{"nor fields of them", Match{ICMP: "any", Fields: []FieldMatch{field("sport")}}, "has no sport"},
		{"two protocols by field", Match{Fields: []FieldMatch{field("mss"), field("icmp_type")}}, "icmp_type of ICMP"},
		{"two versions by field", Match{Fields: []FieldMatch{field("df"), field("flow_label")}}, "df is of IPv4"},
		{"two versions by address", Match{Fields: []FieldMatch{{Field: forge.FieldNamed("src"), Prefix: four}, {Field: forge.FieldNamed("dst"), Prefix: six}}}, "no packet is both"},
		{"a protocol by number", Match{TCP: KindSYN, Fields: []FieldMatch{{Field: forge.FieldNamed("proto"), Range: &Range{Min: 17, Max: 17}}}}, "proto of UDP"},
		{"protocols by range", Match{TCP: KindSYN, Fields: []FieldMatch{{Field: forge.FieldNamed("proto"), Range: &Range{Min: 0, Max: 17}}}}, ""},
		{"a retransmission is TCP", Match{Rexmit: &Range{Min: 1}, UDP: true}, "rexmit is of TCP"},
	} {
		word, err := tt.match.Check()
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err == nil || word == "" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: word %q, error %v; want %q", tt.name, word, err, tt.want)
		}
	}
}

// TestQuick holds the quick part of matches to the whole: what it turns away is
// not meant.
func TestQuick(t *testing.T) {
	w := newWire()
	var packets []*Packet
	for _, g := range []step{
		{from: 'c', flags: packet.SYN}, {from: 's', flags: packet.SYN | packet.ACK, ack: 1}, {from: 'c', flags: packet.ACK, seq: 1, ack: 1},
		{from: 'c', flags: packet.PSH | packet.ACK, seq: 1, ack: 1, n: 100}, {from: 's', flags: packet.ACK, seq: 1, ack: 101},
		{from: 'c', flags: packet.PSH | packet.ACK, seq: 1, ack: 1, n: 100}, {from: 's', flags: packet.RST | packet.ACK, seq: 1, ack: 101},
		{from: 'c', flags: packet.FIN | packet.ACK, seq: 101, ack: 1},
	} {
		packets = append(packets, w.send(g))
	}
	udp := &packet.Packet{Src: client, Dst: server, SrcPort: 5, DstPort: 53, Proto: packet.ProtoUDP, PayloadLen: 20, TTL: 9, WScale: -1}
	packets = append(packets, w.Arrive(w.c, 0, udp, nil, nil))
	matches := []Match{{}, {UDP: true}, {ICMP: "any"}, {DPort: 80}, {SPort: 80}, {Flags: "S"}, {Flags: "P."}, {Len: &Range{Min: 100, Max: 100}}, {Len: &Range{Min: 1, Max: -1}},
		{Payload: "x"}, {Seq: num(1)}, {Fields: []FieldMatch{{Field: forge.FieldNamed("ttl"), Range: &Range{Min: 9, Max: 9}}}}}
	for _, k := range Kinds {
		matches = append(matches, Match{TCP: k})
	}
	turned := 0
	for i := range matches {
		q := matches[i].Quick()
		for _, p := range packets {
			k := p.Key()
			if may := q.May(&k); !may {
				turned++
				if matches[i].Matches(p) {
					t.Errorf("%s means %s %d:%d, and its quick part turns it away", &matches[i], p.Flags, p.RelSeq, p.End())
				}
			}
		}
	}
	if turned < 100 {
		t.Errorf("%d turned away: the quick part decides next to nothing", turned)
	}
}

func num(n uint32) *uint32 { return &n }
