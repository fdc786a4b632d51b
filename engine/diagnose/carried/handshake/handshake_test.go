package handshake_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"netrepro/engine/diagnose/carried/handshake"
	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/testutil/talk"
)

// read is what is learned of what was said, cut into pieces of at most size bytes.
func read(said []talk.Said, keys []byte, size int) *handshake.Conn {
	c := handshake.New(stream.NewBudget(1 << 20))
	n := 0
	for _, s := range said {
		for rest := s.Data; len(rest) > 0; {
			k := min(len(rest), size)
			n++
			c.Take(s.Side, rest[:k], k, stream.Place{N: n})
			rest = rest[k:]
		}
	}
	log := keylog.New()
	log.Add(keys)
	c.Finish(log)
	return c
}

// tell writes facts down.
func tell(f *handshake.Facts) string {
	var s []string
	say := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	if h := f.Hello; h != nil {
		for _, v := range h.Versions {
			say("%s", handshake.VersionName(v))
		}
		say("asks %s %v", h.ServerName, h.ALPN)
	}
	if f.Answered {
		say("agreed %s %s", handshake.VersionName(f.Version), f.ALPN)
	}
	for i, c := range f.Chain {
		say("%s %v by %s until %d", c.Name, c.Names, c.Issuer, c.To.Year())
		if c.SelfSigned {
			say("self-signed")
		}
		if c.Expired(talk.When) {
			say("expired")
		}
		if c.Early(talk.When) {
			say("early")
		}
		if i+1 < len(f.Chain) && !c.Next {
			say("out of order")
		}
	}
	if f.Covered != nil {
		say("covered %v", *f.Covered)
	}
	if f.Opened {
		say("opened")
	}
	for _, a := range f.Alerts {
		say("side %d: %s", a.By, a)
	}
	return strings.Join(s, "; ")
}

// alert is one about the certificate; which one, the library chooses.
var alert = regexp.MustCompile("fatal (bad_certificate|certificate_expired|unknown_ca)")

func TestHandshakes(t *testing.T) {
	root := talk.Authority(t, "root.test", nil)
	inter := talk.Authority(t, "inter.test", root)
	good := talk.Certificate(t, "shop.example", inter, nil)
	old := talk.Certificate(t, "shop.example", inter, func(c *x509.Certificate) { c.NotAfter = talk.When.Add(-time.Hour) })
	young := talk.Certificate(t, "shop.example", inter, func(c *x509.Certificate) { c.NotBefore = talk.When.Add(time.Hour) })
	own := talk.Certificate(t, "shop.example", nil, nil)
	mixed := &tls.Certificate{Certificate: [][]byte{good.Certificate[0], root.Certificate[0], inter.Certificate[0]},
		PrivateKey: good.PrivateKey}
	pool := x509.NewCertPool()
	pool.AddCert(root.Leaf)
	const chain = "shop.example [shop.example] by inter.test until 2027; inter.test [] by root.test until 2027; " +
		"root.test [] by root.test until 2027; self-signed"
	const asks = "TLS 1.3; TLS 1.2; asks shop.example [h2 http/1.1]; "
	tests := []struct {
		name   string
		cert   *tls.Certificate
		asked  string
		latest uint16
		want   string // with @ for what a key log opens
	}{
		{"TLS 1.2", good, "shop.example", tls.VersionTLS12,
			"TLS 1.2; asks shop.example [h2 http/1.1]; agreed TLS 1.2 h2; " + chain + "; covered true"},
		{"TLS 1.3", good, "shop.example", tls.VersionTLS13, asks + "agreed TLS 1.3 @h2; " + chain + "; covered true; opened"},
		{"another name", good, "www.example", tls.VersionTLS13, "TLS 1.3; TLS 1.2; asks www.example [h2 http/1.1]; agreed TLS 1.3 @h2; " +
			chain + "; covered false; opened; side 0: about a certificate"},
		{"expired", old, "shop.example", tls.VersionTLS13, asks + "agreed TLS 1.3 @h2; " +
			"shop.example [shop.example] by inter.test until 2026; expired; " + chain[strings.Index(chain, "inter.test []"):] +
			"; covered true; opened; side 0: about a certificate"},
		{"not valid yet", young, "shop.example", tls.VersionTLS13, asks + "agreed TLS 1.3 @h2; " +
			strings.Replace(chain, "2027; ", "2027; early; ", 1) + "; covered true; opened; side 0: about a certificate"},
		{"self-signed", own, "shop.example", tls.VersionTLS12, "TLS 1.2; asks shop.example [h2 http/1.1]; agreed TLS 1.2 h2; " +
			"shop.example [shop.example] by shop.example until 2027; self-signed; covered true; side 0: about a certificate"},
		{"out of order", mixed, "shop.example", tls.VersionTLS12, "TLS 1.2; asks shop.example [h2 http/1.1]; agreed TLS 1.2 h2; " +
			"shop.example [shop.example] by inter.test until 2027; out of order; root.test [] by root.test until 2027; self-signed; " +
			"out of order; inter.test [] by root.test until 2027; covered true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			said, keys := talk.TLS(t,
				&tls.Config{RootCAs: pool, ServerName: tt.asked, NextProtos: []string{"h2", "http/1.1"},
					MaxVersion: tt.latest},
				&tls.Config{Certificates: []tls.Certificate{*tt.cert}, NextProtos: []string{"h2"}})
			for _, size := range []int{1 << 20, 1460, 7, 1} {
				got := alert.ReplaceAllString(tell(&read(said, keys, size).Facts), "about a certificate")
				if want := strings.ReplaceAll(tt.want, "@", ""); got != want {
					t.Errorf("in pieces of %d\ngot  %s\nwant %s", size, got, want)
				}
			}
			if at := strings.Index(tt.want, "@"); at > 0 {
				if got := tell(&read(said, nil, 1460).Facts); got != tt.want[:at] {
					t.Errorf("without a key log\ngot  %s\nwant %s", got, tt.want[:at])
				}
			}
			for i := range said { // the same with a piece missing: nothing is made up
				cut := append(append([]talk.Said{}, said[:i]...), said[i+1:]...)
				read(cut, keys, 100)
			}
		})
	}
}

// TestVersionRefused has a server that wants a version that the client has not.
func TestVersionRefused(t *testing.T) {
	cert := *talk.Certificate(t, "shop.example", nil, nil)
	said, _ := talk.TLS(t, &tls.Config{ServerName: "shop.example", MinVersion: tls.VersionTLS10,
		MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true}, &tls.Config{Certificates: []tls.Certificate{cert}})
	want := "TLS 1.1; TLS 1.0; asks shop.example []; side 1: fatal protocol_version"
	if got := tell(&read(said, nil, 1460).Facts); got != want {
		t.Error(got)
	}
}

// TestLaterAlert has an alert behind a long exchange, with other keys than the handshake's.
func TestLaterAlert(t *testing.T) {
	said, keys := talk.TLS(t, &tls.Config{InsecureSkipVerify: true},
		&tls.Config{Certificates: []tls.Certificate{*talk.Certificate(t, "shop.example", nil, nil)},
			ClientAuth: tls.RequireAnyClientCert})
	f := &read(said, keys, 1460).Facts
	if !f.Opened || len(f.Chain) != 1 || f.Flight.Bytes < 500 || f.Flight.Segments < 1 {
		t.Errorf("%+v", f)
	}
}

func FuzzTake(f *testing.F) {
	cert := talk.Certificate(f, "shop.example", nil, nil)
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		said, _ := talk.TLS(f, &tls.Config{InsecureSkipVerify: true, MaxVersion: v},
			&tls.Config{Certificates: []tls.Certificate{*cert}})
		var sides [2][]byte
		for _, s := range said {
			sides[s.Side] = append(sides[s.Side], s.Data...)
		}
		f.Add(sides[0], sides[1], uint64(1))
	}
	f.Fuzz(func(t *testing.T, a, b []byte, seed uint64) {
		const budget = 1 << 20
		left := stream.NewBudget(budget)
		c := handshake.New(left)
		r := rand.New(rand.NewPCG(seed, 0))
		sides := [2][]byte{a, b}
		for len(sides[0])+len(sides[1]) > 0 {
			side := r.IntN(2)
			n := min(len(sides[side]), 1+r.IntN(2000))
			missing := 0
			if r.IntN(8) == 0 {
				missing = r.IntN(n + 1)
			}
			if n > 0 {
				c.Take(side, sides[side][:n-missing], n, stream.Place{})
			}
			if sides[side] = sides[side][n:]; r.IntN(16) == 0 {
				c.Gap(side, r.IntN(1000))
			}
		}
		log := keylog.New()
		if c.Hello != nil { // whatever is said to be a secret
			var lines bytes.Buffer
			for _, l := range []string{"SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"} {
				fmt.Fprintf(&lines, "%s %064x %064x\n", l, seed, seed)
			}
			log.Add(lines.Bytes())
		}
		c.Finish(log)
		if !left.Draw(budget - 200<<10) {
			t.Error("too much of the budget is kept")
		}
		if left.Draw(budget) {
			t.Error("more was given back than drawn")
		}
	})
}
