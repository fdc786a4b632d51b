//go:build linux

package fault

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"netrepro/engine/lab/wire"
	"netrepro/engine/match"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// hits feeds six data segments of each of two connections, in turn, and says
// which were dropped: "a1 b1".
func hits(s Spec) (string, *Fault) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	pt := &trace.Point{Addrs: []netip.Addr{a}}
	tr := trace.New(time.Unix(0, 0), []*trace.Point{pt}, nil)
	s.Action = Drop{}
	d := New(s)
	var out []string
	for i := range 6 {
		for c, name := range []string{"a", "b"} {
			segment := &packet.Packet{Src: a, Dst: b, SrcPort: uint16(40000 + c), DstPort: 80, Proto: packet.ProtoTCP,
				Flags: packet.ACK, Seq: uint32(1 + i*100), PayloadLen: 100, WScale: -1}
			p := tr.Arrive(pt, time.Duration(i)*time.Millisecond, segment, nil, nil)
			var v wire.Verdict
			before, _ := d.Hits()
			d.Apply(p, &v)
			if after, _ := d.Hits(); after > before {
				out = append(out, fmt.Sprint(name, i+1))
			}
		}
	}
	return strings.Join(out, " "), d
}

// meant is a match written as a text, of which the test is sure.
func meant(text string) match.Match {
	m, err := match.Parse(text, nil)
	if err != nil {
		panic(err)
	}
	return m
}

// one is a match of an event.
func one(text string) *match.Match {
	m := meant(text)
	return &m
}

func TestCounting(t *testing.T) {
	data := meant("tcp=data")
	for _, tt := range []struct {
		name string
		spec Spec
		want string
	}{
		{"all", Spec{Match: data}, "a1 b1 a2 b2 a3 b3 a4 b4 a5 b5 a6 b6"},
		{"nth is one, of each connection", Spec{Match: data, Gate: Gate{Nth: 3}}, "a3 b3"},
		{"times without nth begins at once", Spec{Match: data, Gate: Gate{Times: 2}}, "a1 b1 a2 b2"},
		{"nth and times", Spec{Match: data, Gate: Gate{Nth: 5, Times: 9}}, "a5 b5 a6 b6"},
		{"what does not match is not counted", Spec{Match: meant("sport=40001"), Gate: Gate{Nth: 2}}, "b2"},
		{"nothing", Spec{Match: meant("tcp=rst")}, ""},
	} {
		got, d := hits(tt.spec)
		if got != tt.want {
			t.Errorf("%s: hit %q, want %q", tt.name, got, tt.want)
		}
		n, err := d.Hits()
		if want := len(strings.Fields(tt.want)); err != nil || n != want {
			t.Errorf("%s: %d hits, %v; want %d", tt.name, n, err, want)
		}
		if idle, _ := d.Idle(); idle != (tt.want == "") {
			t.Errorf("%s: idle %t", tt.name, idle)
		}
	}
}

func TestHandle(t *testing.T) {
	_, d := hits(Spec{Match: meant("tcp=data"), Gate: Gate{Nth: 3}, Where: "wan", Line: 9})
	if h := d.First(); h == nil || h.Seq != 201 || h.End != 301 {
		t.Errorf("first hit %+v", h)
	}
	if got, want := d.String(), `wan:drop { tcp = "data" } nth 3`; got != want || d.Line() != 9 {
		t.Errorf("called %q on line %d, want %q", got, d.Line(), want)
	}
	_, o := hits(Spec{Match: meant("tcp=rst"), Optional: true})
	if idle, _ := o.Idle(); idle || o.First() != nil {
		t.Error("an optional fault may stay unused")
	}
}
