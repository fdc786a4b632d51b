//go:build linux

package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/header"
	"netrepro/engine/trace"
)

// bench is a pipeline with one wire between a and b that sends into memory. Its
// clock stands at now.
type bench struct {
	*Pipeline
	trace *trace.Trace
	now   int64
	sent  []string // device and payload
}

func (b *bench) Locked(f func())         { f() }
func (b *bench) Act(f func(now int64))   { f(b.now) }
func (b *bench) Send(dev int, f []byte)  { b.sent = append(b.sent, fmt.Sprint(dev, " ", payloadOf(f))) }
func (b *bench) wire() *Wire             { return b.Wire("a_b") }
func (b *bench) after(d time.Duration)   { b.now += int64(d); b.Settle(b.now); b.Recycle() }
func (b *bench) send(dev int, f []byte)  { b.Enter(int32(dev), Frame{f, len(f), b.now}, "") }
func payloadOf(f []byte) string          { l := header.Parse(f); return string(f[l.Payload:l.End]) }
func macOf(side byte) [6]byte            { return [6]byte{2, 0, 0, 0, 0, side} }
func addrOf(side byte) netip.Addr        { return netip.AddrFrom4([4]byte{192, 0, 2, side}) }
func (b *bench) records() (out []string) { return describe(b.trace.Packets()) }

func newBench(p Props) *bench {
	var ends [2]End
	var points []*trace.Point
	for i, node := range []string{"a", "b"} {
		side := byte(i + 1)
		ends[i] = End{Ifindex: i + 1, Point: &trace.Point{Index: i, Node: node, Wire: "a_b", MTU: 100, MAC: macOf(side),
			Addrs: []netip.Addr{addrOf(side)}}}
		points = append(points, ends[i].Point)
	}
	now := time.Now()
	b := &bench{trace: trace.New(now, points, nil), now: now.UnixNano()}
	b.Pipeline = NewPipeline(b, ledger.New(b.trace, nil), b, 1)
	b.Add(Spec{Name: "a_b", Ends: ends, Props: p})
	return b
}

// datagram is one from a to b with a payload.
func datagram(t *testing.T, payload string) []byte {
	t.Helper()
	p := build.Packet{SrcMAC: macOf(1), DstMAC: macOf(2), Src: addrOf(1), Dst: addrOf(2), Proto: packet.ProtoUDP,
		TTL: 64, SrcPort: 1000, DstPort: 2000, Payload: []byte(payload)}
	f, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// describe says of every record where it is, what it carries and what befell it.
func describe(packets []*trace.Packet) (out []string) {
	for _, p := range packets {
		s := fmt.Sprintf("%s %s", p.Point.Node, p.Payload)
		if p.Dropped != "" {
			s += " dropped: " + p.Dropped
		}
		if p.Fault != "" {
			s += " fault: " + p.Fault
		}
		out = append(out, s)
	}
	return out
}

// ruled is a fault, or a box, made of a function.
type ruled func(p *trace.Packet, v *Verdict)

func (f ruled) Apply(p *trace.Packet, v *Verdict) { f(p, v) }
func (f ruled) Pass(p *trace.Packet, v *Verdict)  { f(p, v) }

// TestPipeline sends datagrams from a to b: what is recorded, in order, and what b
// is sent.
func TestPipeline(t *testing.T) {
	one, large := datagram(t, "one"), strings.Repeat("x", 73)
	for _, tt := range []struct {
		name    string
		props   Props
		do      func(b *bench)
		records []string
		sent    []string
	}{
		{"a frame is recorded where it leaves and where it arrives", Props{}, func(b *bench) { b.send(1, one) },
			[]string{"a one", "b one"}, []string{"2 one"}},
		{"a device of no wire", Props{}, func(b *bench) { b.send(7, one) }, nil, nil},
		{"the queue before the wire is full", Props{}, func(b *bench) {
			b.Enter(1, Frame{one, len(one), b.now}, "queue full")
		}, []string{"a one dropped: a_b: queue full"}, nil},
		{"what is delayed arrives when it is due", Props{Delay: time.Second}, func(b *bench) {
			b.send(1, one)
			b.after(time.Second / 2)
			b.send(1, datagram(t, "two"))
			b.after(time.Second / 2)
		}, []string{"a one", "a two", "b one"}, []string{"2 one"}},
		{"a wire that is down", Props{}, func(b *bench) {
			b.wire().SetDown("unplugged", false)
			b.send(1, one)
			b.wire().SetDown("", false)
			b.send(1, one)
		}, []string{"a one dropped: unplugged", "a one", "b one"}, []string{"2 one"}},
		{"a wire that is cut", Props{Delay: time.Second}, func(b *bench) {
			b.send(1, one)
			b.wire().SetDown("", true)
			b.after(time.Second)
		}, []string{"a one", "b one dropped: a_b was cut while it was on its way"}, nil},
		{"larger than the MTU", Props{}, func(b *bench) { b.send(1, datagram(t, large)) },
			[]string{"a " + large + " dropped: larger than the MTU of b/a_b, 100"}, nil},
		{"faults are asked in order until one drops", Props{}, func(b *bench) {
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) { v.Note("first") }))
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) { v.Drop("second") }))
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) { v.Note("third") }))
			b.send(1, one)
		}, []string{"a one dropped: second fault: first"}, nil},
		{"a copy", Props{}, func(b *bench) {
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) { v.Copy(time.Second, "again") }))
			b.send(1, one)
			b.after(time.Second)
		}, []string{"a one", "b one", "b one fault: again"}, []string{"2 one", "2 one"}},
		{"a queue without room for a copy", Props{Rate: 8 * 45 * 8, QueuePackets: 1}, func(b *bench) {
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) {
				v.Copy(0, "again")
				v.Copy(0, "more")
			}))
			b.send(1, one)
		}, []string{"a one", "b one dropped: a_b: queue full, 1 packets, 45 bytes fault: more"}, nil},
		{"what the engine sends is behind what it follows, or at once", Props{Delay: time.Second}, func(b *bench) {
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) {
				v.Emit(datagram(t, "on"), true, "test")
				v.Emit(datagram(t, "back"), false, "test")
			}))
			b.send(1, one)
			b.after(time.Second / 2)
			b.after(time.Second)
		}, []string{"a one", "a back dropped: by the receiver: for another MAC address fault: test", "b one",
			"b on fault: test"},
			[]string{"1 back", "2 one", "2 on"}},
		{"a held frame is released behind another", Props{}, func(b *bench) {
			var held []*Held
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) {
				if held == nil {
					v.Hold(func(h *Held) { held = append(held, h) }, 0, "held")
				} else {
					v.Release(held[0])
				}
			}))
			b.send(1, one)
			b.send(1, datagram(t, "two"))
			b.Release(held[0], b.now, false) // it is gone already
		}, []string{"a one fault: held", "a two", "b two", "b one"}, []string{"2 two", "2 one"}},
		{"a hold that ends", Props{}, func(b *bench) {
			b.wire().AddFault(ruled(func(_ *trace.Packet, v *Verdict) { v.Hold(func(*Held) {}, time.Second, "held") }))
			b.send(1, one)
			b.after(time.Second)
		}, []string{"a one fault: held", "b one"}, []string{"2 one"}},
		{"what was let go at once overtakes", Props{Delay: time.Second}, func(b *bench) {
			var held *Held
			b.wire().AddFault(ruled(func(p *trace.Packet, v *Verdict) {
				if string(p.Payload) == "one" {
					v.Hold(func(h *Held) { held = h }, 0, "held")
				}
			}))
			b.send(1, one)
			b.send(1, datagram(t, "two"))
			b.Release(held, b.now, true)
			b.after(time.Second)
		}, []string{"a one fault: held", "a two", "b one", "b two"}, []string{"2 one", "2 two"}},
		{"a box of the node drops", Props{}, func(b *bench) {
			b.wire().AddBox(1, ruled(func(_ *trace.Packet, v *Verdict) { v.Drop("box") }))
			b.send(1, one)
		}, []string{"a one", "b one dropped: box"}, nil},
		{"what a box hands to its node passes no box", Props{}, func(b *bench) {
			b.wire().AddBox(1, ruled(func(_ *trace.Packet, v *Verdict) { v.Emit(datagram(t, "made"), true, "box") }))
			b.send(1, one)
		}, []string{"a one", "b one", "b made fault: box"}, []string{"2 one", "2 made"}},
		{"what a box hands to its node may be too large", Props{}, func(b *bench) {
			b.wire().AddBox(1, ruled(func(_ *trace.Packet, v *Verdict) { v.Emit(datagram(t, large), true, "box") }))
			b.send(1, one)
		}, []string{"a one", "b one", "b " + large + " dropped: larger than the MTU of b/a_b, 100 fault: box"},
			[]string{"2 one"}},
		{"an injected frame arrives only", Props{}, func(b *bench) { b.wire().Inject(1, one, "test") },
			[]string{"b one fault: test"}, []string{"2 one"}},
		{"a wrong checksum is said once something was changed", Props{}, func(b *bench) {
			wrong := slices.Clone(one)
			wrong[len(wrong)-1] ^= 1
			b.wire().Inject(1, wrong, "test")
		}, []string{"b ond dropped: by the receiver: wrong checksum fault: test"}, []string{"2 ond"}},
	} {
		b := newBench(tt.props)
		tt.do(b)
		if got := b.records(); !slices.Equal(got, tt.records) {
			t.Errorf("%s: records\n%q, want\n%q", tt.name, got, tt.records)
		}
		if !slices.Equal(b.sent, tt.sent) {
			t.Errorf("%s: sent %q, want %q", tt.name, b.sent, tt.sent)
		}
		if n, ok := b.Due(); b.store.bytes != 0 && !ok {
			t.Errorf("%s: %d bytes are kept, next due %d", tt.name, b.store.bytes, n)
		}
	}
}

// TestTaps sends frames of a device that stands for a VLAN: they cross the wire
// with its tag, and leave without it where the other end has such a device.
func TestTaps(t *testing.T) {
	one := datagram(t, "one")
	ends := [2]End{
		{Taps: map[uint16]int{10: 11, 20: 12}, Point: &trace.Point{Index: 0, Node: "a", Wire: "a_b", MTU: 100}},
		{Taps: map[uint16]int{10: 21}, Point: &trace.Point{Index: 1, Node: "b", Wire: "a_b", MTU: 100}},
	}
	b := &bench{now: time.Now().UnixNano()}
	b.trace = trace.New(time.Now(), []*trace.Point{ends[0].Point, ends[1].Point}, nil)
	b.Pipeline = NewPipeline(b, ledger.New(b.trace, nil), b, 1)
	b.Add(Spec{Name: "a_b", Ends: ends})
	b.send(11, one)
	b.send(12, one)
	if want := []string{"21 one"}; !slices.Equal(b.sent, want) {
		t.Errorf("sent %q, want %q", b.sent, want)
	}
	got := b.trace.Packets()
	if len(got) != 3 || got[2].Dropped != "VLAN 20 is not carried to b/a_b" {
		t.Fatalf("records %q", describe(got))
	}
	if size, vlan := header.VLANOf(got[0].Frame); size == 0 || vlan != 10 {
		t.Errorf("VLAN %d, a tag of %d bytes", vlan, size)
	}
}
