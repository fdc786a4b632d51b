//go:build linux

package handshake

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"

	"netrepro/engine/host/pki"
)

// shake makes a handshake over a connection in memory, and says what each side
// found.
func shake(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	a, b := net.Pipe()
	s, c := tls.Server(a, server), tls.Client(b, client)
	done := make(chan error, 1)
	go func() {
		err := s.HandshakeContext(t.Context())
		if err != nil {
			err = errors.Join(err, a.Close())
		} else { // tickets of TLS 1.3 come after it
			_, err = s.Write([]byte("x"))
		}
		done <- err
	}()
	clientErr = c.HandshakeContext(t.Context())
	if clientErr == nil {
		_, clientErr = io.ReadFull(c, make([]byte, 1))
		state = c.ConnectionState()
	}
	_ = b.Close() // ends the other side too
	return state, <-done, clientErr
}

func issue(t *testing.T, ca *pki.CA, s pki.Spec) tls.Certificate {
	t.Helper()
	cert, err := ca.Issue(s)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func authority(t *testing.T) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// TestVersions agrees on the versions and protocols that both sides have.
func TestVersions(t *testing.T) {
	ca := authority(t)
	cert := issue(t, ca, pki.Spec{Names: []string{"a.example"}, Key: pki.RSA}) // old versions know no Ed25519
	for _, tt := range []struct {
		name           string
		server, client Spec
		version, alpn  string // empty: they do not agree
	}{
		{"neither says", Spec{}, Spec{}, "TLSv1.3", "http/1.1"},
		{"an old server", Spec{Max: tls.VersionTLS12}, Spec{}, "TLSv1.2", "http/1.1"},
		{"a very old server", Spec{Max: tls.VersionTLS11}, Spec{}, "", ""},
		{"both very old", Spec{Max: tls.VersionTLS11}, Spec{Max: tls.VersionTLS11}, "TLSv1.1", "http/1.1"},
		{"HTTP/2", Spec{ALPN: []string{"h2", "http/1.1"}}, Spec{ALPN: []string{"h2"}}, "TLSv1.3", "h2"},
		{"no protocol in common", Spec{ALPN: []string{"h2"}}, Spec{ALPN: []string{"spdy"}}, "", ""},
	} {
		state, _, err := shake(t, ServerConfig(tt.server, cert), ClientConfig(tt.client, ca, "a.example"))
		if tt.version == "" {
			if err == nil {
				t.Errorf("%s: they agreed", tt.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		p := PeerOf(state)
		if p.Version != tt.version || p.ALPN != tt.alpn || p.Cipher == "" {
			t.Errorf("%s: got %+v", tt.name, p)
		}
	}
}

// TestPeer is what a client learns of a server: its certificate, and whether a
// session was resumed.
func TestPeer(t *testing.T) {
	ca := authority(t)
	first := issue(t, ca, pki.Spec{Names: []string{"a.example"}})
	second := issue(t, ca, pki.Spec{Names: []string{"b.example", "*.b.example"}})
	for _, tt := range []struct {
		ask, want string
	}{{"a.example", "a.example"}, {"x.b.example", "b.example"}, {"none.example", "a.example"}} {
		state, _, err := shake(t, ServerConfig(Spec{}, first, second), ClientConfig(Spec{}, nil, tt.ask))
		if err != nil {
			t.Fatal(err)
		}
		p := PeerOf(state)
		if !slices.Contains(p.Names, tt.want) || p.Chain != len(first.Certificate) || p.ChainBytes == 0 ||
			p.NotAfter == "" {
			t.Errorf("asked for %s: got %+v", tt.ask, p)
		}
	}
	for _, none := range []bool{false, true} {
		s := Spec{NoTickets: none}
		server, client := ServerConfig(s, first), ClientConfig(s, ca, "a.example")
		var resumed []bool
		for range 2 {
			state, _, err := shake(t, server, client)
			if err != nil {
				t.Fatal(err)
			}
			resumed = append(resumed, PeerOf(state).Resumed)
		}
		if want := []bool{false, !none}; !slices.Equal(resumed, want) {
			t.Errorf("without tickets %v: resumed %v, want %v", none, resumed, want)
		}
	}
}

// TestWhy names what is wrong with a certificate.
func TestWhy(t *testing.T) {
	ca, other := authority(t), authority(t)
	names := []string{"a.example"}
	for _, tt := range []struct {
		name string
		cert tls.Certificate
		want string
	}{
		{"good", issue(t, ca, pki.Spec{Names: names}), ""},
		{"expired", issue(t, ca, pki.Spec{Names: names, Expired: true}), "certificate expired or not yet valid"},
		{"another name", issue(t, ca, pki.Spec{Names: []string{"b.example"}}), "certificate has no such name"},
		{"another authority", issue(t, other, pki.Spec{Names: names}), "certificate from an unknown authority"},
	} {
		_, _, err := shake(t, ServerConfig(Spec{}, tt.cert), ClientConfig(Spec{}, ca, "a.example"))
		if got := Why(err); got != tt.want || (err == nil) != (tt.want == "") {
			t.Errorf("%s: got %q of %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if got := Why(fmt.Errorf("read: %w", io.EOF)); got != "" {
		t.Errorf("of another error: %q", got)
	}
}

func TestProtocolNames(t *testing.T) {
	want := []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
	if got := ProtocolNames(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
