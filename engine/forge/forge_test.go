package forge

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"netrepro/engine/packet"
)

var (
	a4, b4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	a6, b6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
)

// samples are packets of every kind.
func samples() map[string]Packet {
	out := map[string]Packet{}
	for name, ends := range map[string][2]netip.Addr{"4": {a4, b4}, "6": {a6, b6}} {
		base := Packet{Src: ends[0], Dst: ends[1], SrcPort: 40000, DstPort: 80, Payload: []byte("hello"), TTL: 61, TOS: 0x2e<<2 | 1}
		tcp := base
		tcp.Proto, tcp.Seq, tcp.Ack, tcp.Flags, tcp.Window, tcp.Urgent = protoTCP, 7, 9, packet.PSH|packet.ACK, 500, 3
		tcp.Options = Options{MSS: -1, WScale: -1, HasTS: true, TSVal: 11, TSEcr: 12, SACK: []packet.Block{{Left: 5, Right: 6}}}
		out["tcp"+name] = tcp
		syn := tcp
		syn.Flags, syn.Options, syn.Payload = packet.SYN, Options{MSS: 1460, WScale: 7, SACKPermitted: true, HasTS: true, TSVal: 1}, nil
		out["syn"+name] = syn
		udp := base
		udp.Proto = protoUDP
		out["udp"+name] = udp
		icmp := base
		icmp.Proto, icmp.ICMPType, icmp.ICMPRest = protoICMP, 8, 0x00010002
		if name == "6" {
			icmp.Proto, icmp.ICMPType = protoICMPv6, 128
		}
		out["icmp"+name] = icmp
		raw := base
		raw.Proto = 253
		out["raw"+name] = raw
	}
	return out
}

func build(t testing.TB, p Packet) []byte {
	t.Helper()
	b, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBuild reads back what was built with the decoder of traces.
func TestBuild(t *testing.T) {
	for name, want := range samples() {
		b := build(t, want)
		var d packet.Decoder
		var p packet.Packet
		d.Ethernet(b, len(b), &p)
		net, trans := Valid(b)
		if p.Malformed() != "" || !net || !trans {
			t.Errorf("%s: malformed %q, checksums %t %t", name, p.Malformed(), net, trans)
		}
		if p.Src != want.Src || p.Dst != want.Dst || p.Proto != want.Proto || p.TTL != 61 {
			t.Errorf("%s: %s > %s proto %d ttl %d", name, p.Src, p.Dst, p.Proto, p.TTL)
		}
		if want.Proto == protoTCP || want.Proto == protoUDP {
			if p.SrcPort != 40000 || p.DstPort != 80 || !bytes.Equal(d.Payload(), want.Payload) {
				t.Errorf("%s: ports %d %d, payload %q", name, p.SrcPort, p.DstPort, d.Payload())
			}
		}
		if want.Proto != protoTCP {
			continue
		}
		if p.Seq != 7 || p.Ack != 9 || p.Flags != want.Flags || p.Window != 500 || !p.HasTS || p.TSVal != want.Options.TSVal ||
			int(p.MSS) != max(want.Options.MSS, 0) || int(p.WScale) != want.Options.WScale || p.SACKPermitted != want.Options.SACKPermitted || len(p.SACK()) != len(want.Options.SACK) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, p := range map[string]Packet{
		"no address":   {Src: a4},
		"two versions": {Src: a4, Dst: b6},
		"too long":     {Src: a4, Dst: b4, Proto: protoUDP, Payload: make([]byte, 65530)},
		"options":      {Src: a4, Dst: b4, Proto: protoTCP, Options: Options{WScale: -1, HasTS: true, MSS: 1, SACK: make([]packet.Block, 4)}},
	} {
		if _, err := p.Build(); err == nil {
			t.Errorf("%s was built", name)
		}
	}
}

// TestFields writes another value into every field of every sample that has it
// and reads it back; nothing else changes, and the checksums stay right.
func TestFields(t *testing.T) {
	seen := map[string]bool{}
	for name, p := range samples() {
		frame := build(t, p)
		l := Parse(frame)
		for _, f := range Fields {
			old, ok := f.Get(frame, &l)
			if !ok || f.ReadOnly || f.Option && f.Type == Bool {
				continue
			}
			want := old
			switch f.Type {
			case Address:
				want.Addr = old.Addr.Next().Next().Next()
			case Hardware:
				want.MAC = [6]byte{2, 3, 4, 5, 6, 7}
			default:
				want.N = (old.N ^ 1) & max(f.Max, 1)
			}
			got, err := Edit(frame, false, func(b []byte, l *Layout) ([]byte, error) {
				if !f.Set(b, l, want) {
					return nil, fmt.Errorf("%s cannot be set", f.Name)
				}
				return b, nil
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			after := Parse(got)
			if v, ok := f.Get(got, &after); f.Name != "ether_type" && f.Name != "proto" && (!ok || v != want) {
				t.Errorf("%s: %s is %s, want %s", name, f.Name, f.String(v), f.String(want))
			}
			structural := f.Name == "ether_type" || f.Name == "proto" || f.Name == "mf" || f.Name == "frag_offset"
			if net, trans := Valid(got); !structural && (!net || !trans) {
				t.Errorf("%s: checksums after %s: %t %t", name, f.Name, net, trans)
			}
			for _, o := range Fields {
				before, was := o.Get(frame, &l)
				now, is := o.Get(got, &after)
				if o != f && !structural && (was != is || before != now) {
					t.Errorf("%s: setting %s changed %s", name, f.Name, o.Name)
				}
			}
			seen[f.Name] = true
		}
	}
	for _, f := range Fields {
		tagged := f.Name == "vlan" || f.Name == "pcp"
		if !seen[f.Name] && !f.ReadOnly && !tagged && (f.Type != Bool || !f.Option) {
			t.Errorf("no sample has %s", f.Name)
		}
	}
}

func TestStrip(t *testing.T) {
	syn := build(t, samples()["syn4"])
	for _, name := range []string{"mss", "wscale", "sack_permitted", "timestamps"} {
		f := FieldNamed(name)
		got, err := Edit(syn, false, func(b []byte, l *Layout) ([]byte, error) {
			if !f.Strip(b, l) || f.Strip(b, l) {
				t.Errorf("%s was not there once", name)
			}
			return b, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		l := Parse(got)
		if v, ok := f.Get(got, &l); ok && v.N != 0 {
			t.Errorf("%s is still there", name)
		}
		if _, trans := Valid(got); !trans || len(got) != len(syn) {
			t.Errorf("%s: checksum %t, %d bytes, want %d", name, trans, len(got), len(syn))
		}
	}
}

func TestVLAN(t *testing.T) {
	b := build(t, samples()["tcp4"])
	tagged := append(append(append([]byte{}, b[:12]...), 0x81, 0, 0x60, 5), b[12:]...)
	l := Parse(tagged)
	if v, ok := FieldNamed("vlan").Get(tagged, &l); !ok || v.N != 5 || !l.IsTCP() {
		t.Errorf("vlan %v %t, tcp %t", v.N, ok, l.IsTCP())
	}
	if v, _ := FieldNamed("pcp").Get(tagged, &l); v.N != 3 {
		t.Errorf("priority %d", v.N)
	}
}

// TestEditSizes grows and shrinks payloads: lengths and checksums follow, and
// what was wrong before is wrong after.
func TestEditSizes(t *testing.T) {
	for name, p := range samples() {
		frame := build(t, p)
		for _, by := range []int{-3, -1, 1, 2, 7} {
			resized := func(from []byte) []byte {
				got, err := Edit(from, false, func(b []byte, _ *Layout) ([]byte, error) {
					if by < 0 && len(p.Payload) < -by {
						return b, nil
					}
					if by < 0 {
						return b[:len(b)+by], nil
					}
					return append(b, bytes.Repeat([]byte{0xa5}, by)...), nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			if net, trans := Valid(resized(frame)); !net || !trans {
				t.Errorf("%s by %d: checksums %t %t", name, by, net, trans)
			}
			l := Parse(frame)
			at := l.checksumAt()
			if at < 0 {
				continue
			}
			bad := bytes.Clone(frame)
			bad[at] ^= 0x55
			if _, trans := Valid(resized(bad)); trans {
				t.Errorf("%s by %d: a wrong checksum was put right", name, by)
			}
		}
	}
}

func FuzzEdit(f *testing.F) {
	for _, p := range samples() {
		b, _ := p.Build()
		f.Add(b, 0, uint64(5), 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, field int, n uint64, by int) {
		l := Parse(b)
		fl := Fields[uint(field)%uint(len(Fields))]
		fl.Get(b, &l)
		got, err := Edit(b, false, func(b []byte, l *Layout) ([]byte, error) {
			fl.Set(b, l, Value{N: n, Addr: a4})
			fl.Strip(b, l)
			if by = min(by, 100); by < 0 {
				return b[:max(0, len(b)+max(by, -200))], nil
			}
			return append(b, make([]byte, by)...), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		Valid(got)
		Quote(got)
	})
}
