//go:build linux

package bpf

import "testing"

func TestSymbols(t *testing.T) {
	s := parseSymbols([]byte("ffffffff81000100 T second\nffffffff81000000 T first\nffffffff81000000 T alias\n"+
		"ffffffff81000200 D data\nffffffffc0000000 t ours\t[module]\n0000000000000000 T hidden\nbad "+
		"line\nffffffff8100030g T no\nffffffff81000300 w last"), 7)
	for i, want := range []struct {
		addr uint64
		name string
	}{{0xffffffff81000000, "first"}, {0xffffffff81000000, "alias"}, {0xffffffff81000100, "second"},
		{0xffffffff81000300, "last"}, {0xffffffffc0000000, "ours"}} {
		if i >= s.len() || s.addr(i) != want.addr || s.name(i) != want.name {
			t.Errorf("symbol %d of %d: want %+v", i, s.len(), want)
		}
	}
	if s.of() != 7 {
		t.Errorf("of modules %d", s.of())
	}
	for _, none := range []symbols{nil, parseSymbols(nil, 0), parseSymbols([]byte("\n\n"), 0)} {
		if none.len() != 0 {
			t.Errorf("%d symbols", none.len())
		}
	}
}

func TestFunction(t *testing.T) {
	all := kallsyms()
	if all.len() == 0 {
		t.Skip("needs CAP_SYSLOG: the kernel hides its addresses")
	}
	last := all.len() - 1
	if got := Function(all.addr(last) + 5); got == "" {
		t.Error("an address behind the last function's first is nowhere")
	}
	if got := Function(1); got != "" {
		t.Errorf("address 1 is in %s", got)
	}
}

// FuzzParseSymbols reads any text as kallsyms.
func FuzzParseSymbols(f *testing.F) {
	f.Add([]byte("ffffffff81000000 T _stext\nffffffffc0000000 t ours\t[module]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := parseSymbols(text, 0)
		for i := range s.len() {
			if i > 0 && s.addr(i) < s.addr(i-1) {
				t.Fatalf("symbol %d is out of order", i)
			}
			_ = s.name(i)
		}
	})
}

func BenchmarkReadSymbols(b *testing.B) {
	for b.Loop() {
		readSymbols()
	}
}
