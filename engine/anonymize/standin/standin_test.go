package standin

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// TestAddr maps addresses in turn, in one map.
func TestAddr(t *testing.T) {
	m := NewMap()
	for _, tt := range []struct{ from, to string }{
		{"203.0.113.77", "192.0.2.1"}, {"203.0.113.9", "192.0.2.2"}, {"203.0.113.77", "192.0.2.1"},
		{"203.0.113.255", "192.0.2.255"}, {"203.0.113.0", "192.0.2.0"}, {"198.51.100.1", "203.0.113.1"},
		{"192.0.2.1", "198.18.0.1"}, {"198.18.5.5", "198.18.1.1"}, {"198.18.5.6", "198.18.1.2"},
		{"10.77.88.99", "10.128.0.1"}, {"192.168.1.1", "10.128.1.1"}, {"10.77.88.1", "10.128.0.2"},
		{"100.64.9.9", "100.64.0.1"}, {"169.254.7.7", "169.254.0.1"}, {"127.0.0.53", "127.0.0.53"},
		{"0.0.0.0", "0.0.0.0"}, {"255.255.255.255", "255.255.255.255"}, {"224.0.0.251", "224.0.0.251"},
		{"239.1.2.3", "233.252.0.1"},
		{"2001:db8:77::99", "2001:db8::1"}, {"2001:db8:77::98", "2001:db8::2"}, {"2001:db8:78::99", "2001:db8:0:1::1"},
		{"2001:db8:77::", "2001:db8::"}, {"fd12:3456:789a::99", "fd00::1"}, {"fe80::99", "fe80::1"},
		{"ff02::1:ff00:98", "ff02::1:ff00:2"}, {"ff02::1:ff01:203", "ff02::1:ff00:3"}, {"fe80::1:203", "fe80::3"},
		{"fe80::9901:203", "fe80::100:3"}, {"ff02::fb", "ff02::fb"}, {"::1", "::1"}, {"::", "::"},
		{"::ffff:203.0.113.77", "::ffff:192.0.2.1"}, {"64:ff9b::203.0.113.77", "64:ff9b::192.0.2.1"},
	} {
		if got := m.Addr(addr(tt.from)); got != addr(tt.to) {
			t.Errorf("%s became %s, want %s", tt.from, got, tt.to)
		}
	}
	if a := m.Addr(netip.Addr{}); a.IsValid() {
		t.Errorf("none became %s", a)
	}
}

// TestMany maps more addresses than are remembered: kinds stay, and no two of those that
// are remembered get the same.
func TestMany(t *testing.T) {
	m := NewMap()
	seen := map[netip.Addr]bool{}
	const n = maxAddrs + 1000
	for i := range uint32(n) {
		a := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 11<<24+i*300)))
		to := m.Addr(a)
		if to != m.Addr(a) {
			t.Fatalf("%s is not always the same", a)
		}
		if kind, fixed := kindOf4(to.As4()); kind != public || fixed {
			t.Fatalf("%s became %s", a, to)
		}
		if i < maxNets && seen[to] {
			t.Fatalf("%s became %s, as another did", a, to)
		}
		seen[to] = true
	}
	for i := range uint32(1 << 17) {
		a := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24+i*128+1)))
		if to := m.Addr(a); !to.IsPrivate() {
			t.Fatalf("%s became %s", a, to)
		}
	}
	for i := range uint32(n) {
		m.MAC([6]byte(binary.BigEndian.AppendUint32([]byte{0, 0x25}, i)))
		m.Addr(netip.AddrFrom16([16]byte(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 0x2001<<48|
			uint64(i)), uint64(i)))))
	}
	if len(m.four.hosts) > maxAddrs || len(m.four.nets) > maxNets || len(m.macs.known) > maxAddrs ||
		len(m.six.nets) > maxNets || len(m.six.ifaces) > maxAddrs || len(m.six.low) > maxAddrs {
		t.Error("more is remembered than may be")
	}
}

func TestMAC(t *testing.T) {
	m := NewMap()
	for _, tt := range []struct{ from, to string }{
		{"002590beef01", "00005e005300"}, {"002590beef02", "00005e005301"}, {"002590beef01", "00005e005300"},
		{"02deadbeef01", "020000000000"}, {"ffffffffffff", "ffffffffffff"}, {"0180c2000000", "0180c2000000"},
		{"01005e0000fb", "01005e0000fb"}, {"01005e010203", "01005e901000"}, {"3333000000fb", "3333000000fb"},
		{"000000000000", "000000000000"},
	} {
		var a [6]byte
		_, _ = fmt.Sscanf(tt.from, "%x", sliceOf(&a))
		if got := m.MAC(a); fmt.Sprintf("%x", got) != tt.to {
			t.Errorf("%s became %x, want %s", tt.from, got, tt.to)
		}
	}
}

// sliceOf reads what is scanned into an address.
func sliceOf(a *[6]byte) *scanned { return &scanned{a} }

type scanned struct{ a *[6]byte }

// Scan implements fmt.Scanner.
func (s *scanned) Scan(st fmt.ScanState, _ rune) error {
	for i := range s.a {
		var v byte
		for range 2 {
			r, _, err := st.ReadRune()
			if err != nil {
				return err
			}
			v = v<<4 | byte(strings.IndexRune("0123456789abcdef", r))
		}
		s.a[i] = v
	}
	return nil
}

func TestName(t *testing.T) {
	m := NewMap()
	name := m.Name("www.Zebra.example")
	labels := strings.Split(name, ".")
	if len(name) != len("www.zebra.example") || len(labels) != 3 || strings.Contains(name, "zebra") {
		t.Errorf("got %q", name)
	}
	if m.Name("zebra") != labels[1] || m.Name("") != "" {
		t.Error("a label is not the same elsewhere")
	}
	if other := NewMap().Name("www.zebra.example"); other == name {
		t.Error("another map makes the same name")
	}
	if got := m.Name("203.0.113.77"); got != "192.0.2.1" {
		t.Errorf("an address became %q", got)
	}
	if got := m.Name("_" + strings.Repeat("x", 200)); len(got) != 201 || got[0] != '_' {
		t.Errorf("got %q", got)
	}
}

// TestFiller is the same for the same.
func TestFiller(t *testing.T) {
	m := NewMap()
	text := bytes.Repeat([]byte("what was said in confidence "), 20)
	block := func(b []byte) []byte { b = bytes.Clone(b); m.Block(b); return b }
	if a := block(text); !bytes.Equal(a, block(text)) || !bytes.Equal(a[:128], block(text[:128])) {
		t.Error("a block is not always the same")
	}
	if bytes.Equal(block(text)[:64], block(text[1:])[:64]) {
		t.Error("other blocks are the same")
	}
	s := m.Stream([]byte("a"))
	whole := bytes.Clone(text)
	s.Fill(0xfffffff0, whole)
	for _, cut := range []int{1, 7, 8, 100} {
		b := bytes.Clone(text)
		s.Fill(0xfffffff0, b[:cut])
		s.Fill(0xfffffff0+uint32(cut), b[cut:])
		if !bytes.Equal(whole, b) {
			t.Errorf("cut at %d it is another", cut)
		}
	}
	if bytes.ContainsFunc(whole, func(r rune) bool { return !strings.ContainsRune(alphabet, r) }) {
		t.Errorf("filler is %q", whole)
	}
	same := 0
	for i := range whole[28:] {
		if whole[i] == whole[i+28] {
			same++
		}
	}
	if same > len(whole)/8 {
		t.Errorf("%d of %d bytes tell that the text repeats itself", same, len(whole))
	}
}
