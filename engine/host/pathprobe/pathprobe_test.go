//go:build linux

package pathprobe

import (
	"net/netip"
	"testing"
)

var (
	four = Ping{To: netip.MustParseAddr("192.0.2.1"), ID: 0x101}
	six  = Ping{To: netip.MustParseAddr("2001:db8::1"), ID: 0x101}
)

// quote is an ICMP error that quotes a request after an IP header of n bytes.
func quote(typ, code byte, version byte, n int, request []byte) []byte {
	b := append([]byte{typ, code, 0, 0, 0, 0, 0x05, 0x14}, make([]byte, n)...)
	if b[8] = version << 4; version == 4 {
		b[8] |= byte(n / 4)
	}
	return append(b, request...)
}

func TestAbout(t *testing.T) {
	request := echo(false, 0x101, 3, 8)
	reply := append([]byte{0}, request[1:]...)
	for _, tt := range []struct {
		name string
		ping Ping
		msg  []byte
		want bool
	}{
		{"a reply", four, reply, true},
		{"its own request", four, request, false},
		{"a reply to another", four, append([]byte{0}, echo(false, 0x102, 3, 8)[1:]...), false},
		{"a reply to the one before", four, append([]byte{0}, echo(false, 0x101, 2, 8)[1:]...), false},
		{"time exceeded", four, quote(11, 0, 4, 20, request), true},
		{"with IP options", four, quote(11, 0, 4, 60, request), true},
		{"cut in its IP header", four, quote(11, 0, 4, 60, request)[:40], false},
		{"cut in the request", four, quote(11, 0, 4, 20, request)[:34], false},
		{"too big", six, quote(2, 0, 6, 40, echo(true, 0x101, 3, 8)), true},
		{"nothing", four, nil, false},
	} {
		if got := tt.ping.about(tt.msg, 3); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if what, mtu := name(quote(3, 4, 4, 20, request), four.To); what != "frag-needed" || mtu != 1300 {
		t.Errorf("%s, MTU %d", what, mtu)
	}
	if what, mtu := name(quote(2, 0, 6, 40, request), six.To); what != "packet-too-big" || mtu != 1300 {
		t.Errorf("%s, MTU %d", what, mtu)
	}
}

// FuzzReply gives probes any message: what is taken for an answer has a name.
func FuzzReply(f *testing.F) {
	f.Add(quote(11, 0, 4, 20, echo(false, 0x101, 3, 8)), false)
	f.Add(quote(2, 0, 6, 40, echo(true, 0x101, 3, 8)), true)
	f.Add(echo(false, 0x101, 3, 0), false)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		p := four
		if v6 {
			p = six
		}
		if !p.about(b, 3) {
			return
		}
		if what, mtu := name(b, p.To); what == "" || mtu < 0 {
			t.Fatalf("% x is %q, MTU %d", b, what, mtu)
		}
	})
}
