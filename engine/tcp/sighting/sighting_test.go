package sighting

import (
	"net/netip"
	"testing"
	"time"

	"netrepro/engine/packet"
)

func at(n, point int, leaves bool, ttl uint8, seq uint32) *Sighting {
	return &Sighting{N: n, Time: time.Duration(n) * time.Millisecond, Point: point, Leaves: leaves,
		Packet: &packet.Packet{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), SrcPort: 1,
			DstPort: 2, Seq: seq, TTL: ttl, Proto: packet.ProtoTCP}}
}

func TestSeen(t *testing.T) {
	any := func(string) bool { return true }
	for _, tt := range []struct {
		name   string
		before []*Sighting
		now    *Sighting
		may    func(string) bool
		want   int // the frame that it was seen in first
	}{
		{"the first", nil, at(1, 0, true, 64, 1), any, 1},
		{"at the other end of the wire", []*Sighting{at(1, 0, true, 64, 1)}, at(2, 1, false, 64, 1), any, 1},
		{"behind a router", []*Sighting{at(1, 0, true, 64, 1), at(2, 1, false, 64, 1)}, at(3, 2, true, 63, 1), any, 1},
		{"sent again from the same point", []*Sighting{at(1, 0, true, 64, 1)}, at(2, 0, true, 64, 1), any, 2},
		{"out of the wire that it came in", []*Sighting{at(1, 0, true, 64, 1), at(2, 1, false, 64, 1)},
			at(3, 1, true, 63, 1), any, 1},
		{"another packet", []*Sighting{at(1, 0, true, 64, 1)}, at(2, 1, false, 64, 2), any, 2},
		{"of what it cannot be", []*Sighting{at(1, 0, true, 64, 1)}, at(2, 1, false, 64, 1),
			func(string) bool { return false }, 2},
		{"with more to live than it had", []*Sighting{at(1, 0, true, 63, 1)}, at(2, 0, true, 64, 1), any, 2},
		{"long after", []*Sighting{at(1, 0, true, 64, 1)}, at(20000, 1, false, 64, 1), any, 20000},
	} {
		var table Table[string]
		for _, s := range tt.before {
			table.Seen(s, "known", any)
		}
		p, fresh := table.Seen(tt.now, "new", tt.may)
		if p.N != tt.want || fresh != (tt.want == tt.now.N) {
			t.Errorf("%s: seen first in frame %d, fresh %t; want %d", tt.name, p.N, fresh, tt.want)
		}
	}
}

// TestSaid believes a capture that says which frames are one packet, whatever a box
// made of it on the way.
func TestSaid(t *testing.T) {
	var table Table[int]
	any := func(int) bool { return true }
	out := at(1, 0, true, 64, 1)
	out.Paired = true
	table.Seen(out, 1, any)
	once := at(2, 1, false, 64, 99)
	once.SameAs, once.More = 1, true
	twice := at(3, 1, false, 64, 98)
	twice.SameAs = 1
	thrice := at(4, 1, false, 64, 97)
	thrice.SameAs = 1
	for i, s := range []*Sighting{once, twice} {
		if p, fresh := table.Seen(s, 2, any); p.N != 1 || fresh {
			t.Errorf("arrival %d: frame %d, fresh %t", i+1, p.N, fresh)
		}
	}
	if p, fresh := table.Seen(thrice, 2, any); p.N != 4 || !fresh {
		t.Errorf("one arrival more than were told: frame %d, fresh %t", p.N, fresh)
	}
}
