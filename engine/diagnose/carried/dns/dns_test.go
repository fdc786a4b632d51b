package dns

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"netrepro/engine/diagnose/carried/stream"
)

var (
	client = netip.MustParseAddrPort("192.0.2.1:40000")
	server = netip.MustParseAddrPort("192.0.2.53:53")
)

func message(t testing.TB, id uint16, name string, kind dnsmessage.Type, h dnsmessage.Header) []byte {
	t.Helper()
	h.ID = id
	m := dnsmessage.Message{Header: h, Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind,
		Class: dnsmessage.ClassINET}}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestLookups(t *testing.T) {
	l := &Log{}
	at := func(ms int) stream.Place { return stream.Place{N: ms, Time: time.Duration(ms) * time.Millisecond} }
	ask := func(id uint16, name string, kind dnsmessage.Type, tcp bool, ms int) {
		l.Add(client, server, message(t, id, name, kind, dnsmessage.Header{}), tcp, at(ms))
	}
	answer := func(id uint16, name string, kind dnsmessage.Type, code dnsmessage.RCode, cut, tcp bool, ms int) {
		l.Add(server, client, message(t, id, name, kind, dnsmessage.Header{Response: true, RCode: code, Truncated: cut}), tcp,
			at(ms))
	}
	ask(1, "Example.com.", dnsmessage.TypeA, false, 1)
	ask(2, "example.com.", dnsmessage.TypeAAAA, false, 2)
	ask(1, "Example.com.", dnsmessage.TypeA, false, 5001)
	answer(1, "example.com.", dnsmessage.TypeA, 0, false, false, 5011)
	answer(2, "example.com.", dnsmessage.TypeAAAA, 3, false, false, 5012)
	ask(3, "big.example.", 48, false, 6000)
	answer(3, "big.example.", 48, 0, true, false, 6001)
	ask(3, "big.example.", 48, true, 6002)
	ask(4, "silent.example.", dnsmessage.TypeMX, false, 7000)
	answer(9, "who.example.", dnsmessage.TypeA, 2, false, false, 7001)
	l.Add(server, client, []byte("no message"), false, at(7002))
	l.Add(server, client, make([]byte, 12), false, at(7003))
	var lines []string
	for _, q := range l.Lookups {
		lines = append(lines, fmt.Sprintf("%s %s x%d %s %v cut=%v tcp=%v", q.Name, q.Type, q.Asked, q.Code, q.Took, q.Truncated,
			q.TCP))
	}
	want := `example.com. A x2 NOERROR 5.01s cut=false tcp=false
example.com. AAAA x1 NXDOMAIN 5.01s cut=false tcp=false
big.example. DNSKEY x1 NOERROR 1ms cut=true tcp=false
big.example. DNSKEY x1  0s cut=false tcp=true
silent.example. MX x1  0s cut=false tcp=false
who.example. A x0 SERVFAIL 0s cut=false tcp=false`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStream(t *testing.T) {
	m := message(t, 1, "example.com.", dnsmessage.TypeA, dnsmessage.Header{})
	b := append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
	b = append(b, b...)
	for cut := range len(b) + 1 {
		s := Stream{Budget: stream.NewBudget(1 << 20)}
		n := 0
		count := func(got []byte) {
			if string(got) == string(m) {
				n++
			}
		}
		if !s.Take(b[:cut], cut, count) || !s.Take(b[cut:], len(b)-cut, count) || n != 2 || s.buf != nil {
			t.Fatalf("cut at %d: %d messages", cut, n)
		}
	}
}

func TestBound(t *testing.T) {
	l := &Log{}
	for i := range 3 * maxKept {
		l.Add(client, server, message(t, uint16(i), "example.com.", dnsmessage.TypeA, dnsmessage.Header{}), false,
			stream.Place{})
	}
	if len(l.Lookups) != maxKept || len(l.waiting) > maxWaiting || l.Beyond != 2*maxKept {
		t.Errorf("%d kept, %d waiting, %d beyond", len(l.Lookups), len(l.waiting), l.Beyond)
	}
}

func FuzzAdd(f *testing.F) {
	f.Add(message(f, 1, "example.com.", dnsmessage.TypeA, dnsmessage.Header{Response: true}), 5)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		l := &Log{}
		s := Stream{Budget: stream.NewBudget(1 << 20)}
		cut = max(0, min(cut, len(b)))
		add := func(m []byte) { l.Add(server, client, m, true, stream.Place{}) }
		add(b)
		s.Take(b[:cut], cut, add)
		s.Take(b[cut:], len(b)-cut, add)
		for _, q := range l.Lookups {
			if len(q.Name) > 2048 {
				t.Errorf("a name of %d bytes", len(q.Name))
			}
		}
	})
}
