//go:build linux

package fault

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// stream makes n packets of one connection, entering at one point.
func stream(n int) []*trace.Packet {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	pt := &trace.Point{Addrs: []netip.Addr{a}}
	tr := trace.New(time.Unix(0, 0), []*trace.Point{pt}, nil)
	out := make([]*trace.Packet, n)
	for i := range out {
		p := &packet.Packet{Src: a, Dst: b, SrcPort: 40000, DstPort: 80, Proto: packet.ProtoUDP, WScale: -1}
		out[i] = tr.Arrive(pt, time.Duration(i), p, nil, nil)
	}
	return out
}

func bursts(t *testing.T, rate, mean float64) chance.Model {
	t.Helper()
	m, err := chance.Bursts(rate, mean)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestModels holds the share of 100,000 packets that each model hits to its 99 %
// interval, and the same seed to the same packets.
func TestModels(t *testing.T) {
	const n, z99 = 100_000, 2.576
	packets := stream(n)
	models := []chance.Model{{P: 0}, {P: 0.001}, {P: 0.01}, {P: 0.2}, {P: 1},
		bursts(t, 0.01, 3), bursts(t, 0.05, 1), bursts(t, 0.3, 10),
		{States: true, P: 0.01, R: 0.25, Bad: 0.8, Good: 0.002}, {States: true, P: 0, R: 0.5, Bad: 1, Good: 0.01}}
	for _, m := range models {
		outside := 0
		for seed := range uint64(20) {
			first := hitBy(m, seed, packets)
			share := float64(len(first)) / n
			if math.Abs(share-m.Mean()) > z99*m.Deviation(n)+1e-12 {
				outside++
			}
			if seed == 1 {
				for range 19 {
					if again := hitBy(m, seed, packets); fmt.Sprint(again) != fmt.Sprint(first) {
						t.Fatalf("%s: the same seed hit other packets", &m)
					}
				}
			}
			if m.Good == 0 && m.Bad == 1 && m.States {
				if got, want := runs(first), 1/m.R; math.Abs(got-want) > 0.15*want {
					t.Errorf("%s seed %d: runs of %.2f on average, want %.2f", &m, seed, got, want)
				}
			}
		}
		// Of 20 draws 0.2 are outside a 99 % interval on average.
		if outside > 2 {
			t.Errorf("%s: %d of 20 seeds outside the interval around %.4f", &m, outside, m.Mean())
		}
	}
}

func hitBy(m chance.Model, seed uint64, packets []*trace.Packet) (hit []int) {
	g := Gate{Chance: &m}.open(seed)
	for i, p := range packets {
		if g.hit(p) {
			hit = append(hit, i)
		}
	}
	return hit
}

// runs is the mean length of runs of consecutive numbers.
func runs(hit []int) float64 {
	n := 0
	for i := range hit {
		if i == 0 || hit[i] != hit[i-1]+1 {
			n++
		}
	}
	return float64(len(hit)) / float64(max(n, 1))
}

// TestChanceOfConnections shows that what one connection does changes nothing
// for another.
func TestChanceOfConnections(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	m := chance.Model{P: 0.5}
	hits := func(mixed bool) (out string) {
		pt := &trace.Point{Addrs: []netip.Addr{a}}
		tr := trace.New(time.Unix(0, 0), []*trace.Point{pt}, nil)
		g := Gate{Chance: &m}.open(7)
		for range 64 {
			for c := range uint16(2) {
				if c == 1 && !mixed {
					continue
				}
				p := tr.Arrive(pt, 0, &packet.Packet{Src: a, Dst: b, SrcPort: 40000 + c, DstPort: 80,
					Proto: packet.ProtoUDP, WScale: -1}, nil, nil)
				if hit := g.hit(p); c == 0 {
					out += fmt.Sprint(hit, " ")
				}
			}
		}
		return out
	}
	if hits(false) != hits(true) {
		t.Error("another connection changed what was drawn")
	}
}

func TestGates(t *testing.T) {
	data := meant("tcp=data")
	first := New(Spec{Match: data, Action: Drop{}, Gate: Gate{Nth: 2}})
	for _, tt := range []struct {
		name string
		gate Gate
		want string
	}{
		{"every", Gate{Every: 2}, "a1 b1 a3 b3 a5 b5"},
		{"nth and every", Gate{Nth: 2, Every: 2}, "a2 b2 a4 b4 a6 b6"},
		{"every, times", Gate{Nth: 1, Every: 3, Times: 1}, "a1 b1"},
		{"after a packet, not that one", Gate{After: &Event{Match: one("seq=301")}}, "b4 a5 b5 a6 b6"},
		{"before a packet, not that one", Gate{Before: &Event{Match: one("seq=301")}}, "a1 b1 a2 b2 a3 b3"},
		{"between", Gate{After: &Event{Match: one("seq=101")}, Before: &Event{Match: one("seq=401")}},
			"b2 a3 b3 a4 b4"},
		{"after a fault that never fires", Gate{After: &Event{Fault: first}}, ""},
		{"before a fault that never fires", Gate{Before: &Event{Fault: first}, Nth: 6}, "a6 b6"},
	} {
		if got, _ := hits(Spec{Match: data, Gate: tt.gate}); got != tt.want {
			t.Errorf("%s: hit %q, want %q", tt.name, got, tt.want)
		}
	}
}
