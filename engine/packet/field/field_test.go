package field_test

import (
	"fmt"
	"testing"

	"netrepro/engine/packet/build"
	. "netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/testutil/frames"
)

// TestFields writes another value into every field of every sample that has it
// and reads it back; nothing else changes, and the checksums stay right.
func TestFields(t *testing.T) {
	seen := map[string]bool{}
	for name, p := range frames.Samples() {
		frame := frames.Of(t, p)
		l := header.Parse(frame)
		for _, f := range All {
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
			got, err := header.Edit(frame, false, func(b []byte, l *header.Layout) ([]byte, error) {
				if !f.Set(b, l, want) {
					return nil, fmt.Errorf("%s cannot be set", f.Name)
				}
				return b, nil
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			after := header.Parse(got)
			if v, ok := f.Get(got, &after); f.Name != "ether_type" && f.Name != "proto" && (!ok || v != want) {
				t.Errorf("%s: %s is %s, want %s", name, f.Name, f.String(v), f.String(want))
			}
			structural := f.Name == "ether_type" || f.Name == "proto" || f.Name == "mf" || f.Name == "frag_offset"
			if net, trans := header.Valid(got); !structural && (!net || !trans) {
				t.Errorf("%s: checksums after %s: %t %t", name, f.Name, net, trans)
			}
			for _, o := range All {
				before, was := o.Get(frame, &l)
				now, is := o.Get(got, &after)
				if o != f && !structural && (was != is || before != now) {
					t.Errorf("%s: setting %s changed %s", name, f.Name, o.Name)
				}
			}
			seen[f.Name] = true
		}
	}
	for _, f := range All {
		tagged := f.Name == "vlan" || f.Name == "pcp"
		if !seen[f.Name] && !f.ReadOnly && !tagged && (f.Type != Bool || !f.Option) {
			t.Errorf("no sample has %s", f.Name)
		}
	}
}

func TestStrip(t *testing.T) {
	syn := frames.Of(t, frames.Samples()["syn4"])
	for _, name := range []string{"mss", "wscale", "sack_permitted", "timestamps"} {
		f := Named(name)
		got, err := header.Edit(syn, false, func(b []byte, l *header.Layout) ([]byte, error) {
			if !f.Strip(b, l) || f.Strip(b, l) {
				t.Errorf("%s was not there once", name)
			}
			return b, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		l := header.Parse(got)
		if v, ok := f.Get(got, &l); ok && v.N != 0 {
			t.Errorf("%s is still there", name)
		}
		if _, trans := header.Valid(got); !trans || len(got) != len(syn) {
			t.Errorf("%s: checksum %t, %d bytes, want %d", name, trans, len(got), len(syn))
		}
	}
}

// TestVLAN reads the fields of a tag, behind which the packet is found.
func TestVLAN(t *testing.T) {
	tagged := header.Tagged(frames.Of(t, frames.Samples()["tcp4"]), 0x6005)
	l := header.Parse(tagged)
	if v, ok := Named("vlan").Get(tagged, &l); !ok || v.N != 5 || !l.IsTCP() {
		t.Errorf("vlan %v %t, tcp %t", v.N, ok, l.IsTCP())
	}
	if v, _ := Named("pcp").Get(tagged, &l); v.N != 3 {
		t.Errorf("priority %d", v.N)
	}
}

func FuzzEdit(f *testing.F) {
	for _, p := range frames.Samples() {
		b, _ := p.Build()
		f.Add(b, 0, uint64(5), 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, which int, n uint64, by int) {
		l := header.Parse(b)
		fl := All[uint(which)%uint(len(All))]
		fl.Get(b, &l)
		got, err := header.Edit(b, false, func(b []byte, l *header.Layout) ([]byte, error) {
			fl.Set(b, l, Value{N: n, Addr: frames.A4})
			fl.Strip(b, l)
			if by = min(by, 100); by < 0 {
				return b[:max(0, len(b)+max(by, -200))], nil
			}
			return append(b, make([]byte, by)...), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		header.Valid(got)
		build.Quote(got)
		header.TagOf(got)
	})
}
