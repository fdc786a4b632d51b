package module

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"netrepro/engine/testutil/elffile"
)

// made is a module that says this of itself.
func made(info string) []byte {
	return elffile.Make(nil, elffile.Section{Name: ".modinfo", Data: []byte(info)},
		elffile.Section{Name: ".BTF", Data: []byte("types")})
}

func sign(b []byte) []byte {
	end := make([]byte, 12)
	binary.BigEndian.PutUint32(end[8:], 7)
	return slices.Concat(b, []byte("0123456"), end, []byte(signed))
}

func TestRead(t *testing.T) {
	plain := made("license=GPL\x00depends=nf-tables,x_y\x00softdep=pre: crc32c libz post: late\x00alias=nft-expr-*-nat\x00")
	for _, b := range [][]byte{plain, sign(plain)} {
		m, err := Read("nft_nat", b)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"nf_tables", "x_y", "crc32c", "libz"}; !slices.Equal(m.Needs, want) {
			t.Errorf("it needs %q, want %q", m.Needs, want)
		}
		if want := []string{"nft_expr_*_nat"}; !slices.Equal(m.Aliases, want) {
			t.Errorf("it is asked for as %q, want %q", m.Aliases, want)
		}
		if len(m.Data) != len(plain) {
			t.Errorf("it has %d bytes, want %d without its signature", len(m.Data), len(plain))
		}
		f, err := elf.NewFile(bytes.NewReader(m.Data))
		if err != nil || f.Section(".BTF") != nil || f.Section(".modinfo") == nil {
			t.Errorf("its types are in sight: %v", err)
		}
	}
	for _, b := range [][]byte{nil, []byte("x"), elffile.Make(nil)} {
		if _, err := Read("x", b); err == nil {
			t.Errorf("%d bytes are a module", len(b))
		}
	}
}

func TestNames(t *testing.T) {
	for file, want := range map[string]string{
		"a/b/nft-nat.ko": "nft_nat", "veth.ko.xz": "veth", "veth.ko.zst": "veth", "veth.ko.gz": "veth",
		"veth.o": "", "modules.dep": "", "veth.ko.bad": "",
	} {
		if got, ok := NameOf(file); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", file, got, ok)
		}
	}
	for file, want := range map[string]bool{
		"lib/modules/6/kernel/net/netfilter/nft_nat.ko.xz":           true,
		"lib/modules/6/kernel/net/netfilter/nf_conntrack.ko":         true,
		"lib/modules/6/kernel/net/netfilter/nf_conntrack_sip.ko":     false,
		"lib/modules/6/kernel/net/netfilter/xt_mark.ko":              false,
		"lib/modules/6/kernel/drivers/net/veth.ko":                   true,
		"lib/modules/6/kernel/drivers/net/ethernet/intel/e1000.ko":   false,
		"lib/modules/6/kernel/net/ipv4/netfilter/nf_reject_ipv4.ko":  true,
		"lib/modules/6/kernel/net/netfilter/ipvs/ip_vs.ko":           false,
		"lib/modules/6/kernel/net/netfilter/nf_nat_snmp_basic.ko.xz": false,
	} {
		if got := Wanted(file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func TestOrder(t *testing.T) {
	s := Set{}
	for name, needs := range map[string][]string{"a": {"b", "c"}, "b": {"d"}, "c": {"d", "built_in"}, "d": nil,
		"x": {"y"}, "y": {"x"}} {
		s[name] = &Module{Name: name, Needs: needs}
	}
	for name, want := range map[string]string{"a": "[d b c a]", "d": "[d]", "x": "[y x]", "gone": "[]"} {
		if got := fmt.Sprint(s.Order(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(s.Names()); got != "[a b c d x y]" {
		t.Errorf("names: %s", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sign(made("depends=a\x00")))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = Read("x", b) })
}
