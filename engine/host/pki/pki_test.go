package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func authority(t *testing.T) *CA {
	t.Helper()
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func size(c tls.Certificate) (n int) {
	for _, der := range c.Certificate {
		n += len(der)
	}
	return n
}

// verify does what a client does.
func verify(ca *CA, c tls.Certificate, name string) error {
	between := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		between.AddCert(cert)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return err
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), Intermediates: between, DNSName: name})
	return err
}

func fails[T error](err error) bool {
	var e T
	return errors.As(err, &e)
}

func TestWhatIsWrongIsWrong(t *testing.T) {
	ca := authority(t)
	names := []string{"server.test", "*.wild.test"}
	good := func(err error) bool { return err == nil }
	for _, tt := range []struct {
		name  string
		spec  Spec
		host  string
		check func(error) bool
		sent  int
	}{
		{"good", Spec{}, "server.test", good, 2},
		{"wildcard", Spec{}, "a.wild.test", good, 2},
		{"wildcard one label too deep", Spec{}, "a.b.wild.test", fails[x509.HostnameError], 2},
		{"wrong host", Spec{}, "other.test", fails[x509.HostnameError], 2},
		{"expired", Spec{Expired: true}, "server.test", fails[x509.CertificateInvalidError], 2},
		{"not yet valid", Spec{NotYetValid: true}, "server.test", fails[x509.CertificateInvalidError], 2},
		{"untrusted", Spec{Untrusted: true}, "server.test", fails[x509.UnknownAuthorityError], 2},
		{"intermediate missing", Spec{MissingIntermediate: true}, "server.test", fails[x509.UnknownAuthorityError], 1},
		{"self-signed", Spec{SelfSigned: true}, "server.test", fails[x509.UnknownAuthorityError], 1},
		{"long", Spec{Length: 5}, "server.test", good, 5},
		{"signed by the root", Spec{Length: 1}, "server.test", good, 1},
		{"rsa", Spec{Key: RSA}, "server.test", good, 2},
		{"ecdsa", Spec{Key: ECDSA}, "server.test", good, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Names = names
			c, err := ca.Issue(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(ca, c, tt.host); !tt.check(err) {
				t.Errorf("verify: %v", err)
			}
			if len(c.Certificate) != tt.sent {
				t.Errorf("%d certificates are sent, want %d", len(c.Certificate), tt.sent)
			}
			chain, key, err := Files(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tls.X509KeyPair(chain, key); err != nil {
				t.Errorf("as files: %v", err)
			}
		})
	}
}

func TestChainSize(t *testing.T) {
	ca := authority(t)
	spec := Spec{Names: []string{"server"}, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	plain, err := ca.Issue(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{size(plain) + minPadding, 1000, 1127, 1128, 1255, 1256, 6000, 65000, 70000} {
		spec.Bytes = want
		c, err := ca.Issue(spec)
		if err != nil || size(c) != want {
			t.Errorf("asked for %d bytes, got %d: %v", want, size(c), err)
		}
	}
	spec.Bytes = 100
	if _, err := ca.Issue(spec); err == nil || !strings.Contains(err.Error(), "the smallest is about") {
		t.Errorf("a chain of 100 bytes: %v", err)
	}
	if _, err := ca.Issue(Spec{Names: []string{"x"}, Length: 99}); err == nil {
		t.Error("a chain of 99 certificates is made")
	}
	if _, err := ca.Issue(Spec{}); err == nil {
		t.Error("a certificate without a name is made")
	}
}
