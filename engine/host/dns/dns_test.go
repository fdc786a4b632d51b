//go:build linux

package dns

import (
	"context"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// records are one of each kind, but for those that take time.
func records() map[string][]*Record {
	return map[string][]*Record{
		"api.test":   {{Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}}},
		"alias.test": {{CNAME: "api.test", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}},
		"gone.test":  {{Code: "SERVFAIL"}},
		"long.test":  {{Truncate: true}},
		"none.test":  {{Drop: true}},
	}
}

func ask(tb testing.TB, id uint16, name string, typ dnsmessage.Type) []byte {
	tb.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}}}
	b, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestAnswerIsRead(t *testing.T) {
	s := &Server{ctx: context.Background(), records: records()}
	for _, tt := range []struct {
		name string
		typ  dnsmessage.Type
		want string
		err  string
		cut  bool
	}{
		{"api.test.", dnsmessage.TypeA, "192.0.2.1", "", false},
		{"API.test.", dnsmessage.TypeAAAA, "2001:db8::1", "", false},
		{"alias.test.", dnsmessage.TypeA, "192.0.2.1", "", false},
		{"alias.test.", dnsmessage.TypeAAAA, "", "NXDOMAIN", false},
		{"gone.test.", dnsmessage.TypeA, "", "SERVFAIL", false},
		{"nowhere.test.", dnsmessage.TypeA, "", "NXDOMAIN", false},
		{"long.test.", dnsmessage.TypeA, "", "", true},
	} {
		answer := s.answer(ask(t, 7, tt.name, tt.typ), netip.AddrPort{}, "udp")
		a, cut, err := (&Resolver{ID: 7}).read(answer, tt.typ)
		got, why := "", ""
		if a.IsValid() {
			got = a.String()
		}
		if err != nil {
			why = err.Error()
		}
		if got != tt.want || why != tt.err || cut != tt.cut {
			t.Errorf("%s %s: %q, cut %v, %q; want %q, cut %v, %q", tt.name, tt.typ, got, cut, why, tt.want, tt.cut,
				tt.err)
		}
	}
	if b := s.answer(ask(t, 7, "none.test.", dnsmessage.TypeA), netip.AddrPort{}, "udp"); b != nil {
		t.Errorf("a question that is dropped was answered: % x", b)
	}
	if _, _, err := (&Resolver{ID: 8}).read(s.answer(ask(t, 7, "api.test.", dnsmessage.TypeA), netip.AddrPort{}, "udp"),
		dnsmessage.TypeA); err == nil {
		t.Error("an answer to another question was taken")
	}
}

// FuzzAnswer gives the server any bytes: what it answers is a whole message with
// the question's number.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"api.test.", "alias.test.", "1.2.0.192.in-addr.arpa.", "."} {
		f.Add(ask(f, 1, name, dnsmessage.TypeA))
		f.Add(ask(f, 2, name, dnsmessage.TypePTR))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Server{ctx: context.Background(), records: records()}
		for _, proto := range []string{"udp", "tcp"} {
			answer := s.answer(b, netip.AddrPort{}, proto)
			if answer == nil {
				continue
			}
			var m dnsmessage.Message
			if err := m.Unpack(answer); err != nil || !m.Response || len(m.Questions) != 1 ||
				m.ID != uint16(b[0])<<8|uint16(b[1]) {
				t.Fatalf("% x was answered % x: %v", b, answer, err)
			}
		}
	})
}

// FuzzRead gives the resolver any bytes: an address is of the version asked for.
func FuzzRead(f *testing.F) {
	s := &Server{ctx: context.Background(), records: records()}
	for name := range records() {
		if b := s.answer(ask(f, 1, name+".", dnsmessage.TypeA), netip.AddrPort{}, "udp"); b != nil {
			f.Add(b, false)
			f.Add(b, true)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		typ := dnsmessage.TypeA
		if six {
			typ = dnsmessage.TypeAAAA
		}
		a, cut, err := (&Resolver{ID: 1}).read(b, typ)
		if a.IsValid() && (a.Is6() != six || err != nil || cut) || !a.IsValid() && err == nil && !cut {
			t.Fatalf("% x: %s, cut %v, %v", b, a, cut, err)
		}
	})
}
