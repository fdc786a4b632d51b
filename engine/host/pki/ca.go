// Package pki makes the certificates of a case: an authority that its clients
// trust, and server certificates good and bad in every way that breaks
// handshakes.
//
// Invariant: what is made twice from the same specification has the same size,
// unless its keys' signatures have not (ECDSA).
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

// CA is the certificate authority of one case: a root that every client of the
// case trusts and intermediates that sign servers. Its keys are Ed25519, whose
// signatures are always 64 bytes, so that flights have the same size each run.
type CA struct {
	Root *x509.Certificate
	key  crypto.Signer

	mu     sync.Mutex
	serial int64
	inters []issuer // by depth: the first is signed by the root
}

// issuer is a certificate that signs others.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// NewCA makes a certificate authority.
func NewCA() (*CA, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	ca := &CA{key: key, serial: 1}
	root := template(1, "netrepro root")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	ca.Root, err = sign(root, root, pub, key)
	return ca, err
}

func template(serial int64, name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(1<<62 | serial), // one length for all
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}

func sign(t, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate %q: %w", t.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// next is a fresh serial number. The lock must be held.
func (ca *CA) next() int64 {
	ca.serial++
	return ca.serial
}

// intermediates are n certificates, the first signed by the root and each other
// by the one before, made when first needed.
func (ca *CA) intermediates(n int) ([]issuer, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	for len(ca.inters) < n {
		parent := issuer{ca.Root, ca.key}
		name := "netrepro intermediate"
		if len(ca.inters) > 0 {
			parent = ca.inters[len(ca.inters)-1]
			name = fmt.Sprintf("netrepro intermediate %d", len(ca.inters)+1)
		}
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make CA key: %w", err)
		}
		t := template(ca.next(), name)
		t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
		cert, err := sign(t, parent.cert, pub, parent.key)
		if err != nil {
			return nil, err
		}
		ca.inters = append(ca.inters, issuer{cert, key})
	}
	return ca.inters[:n], nil
}

// Pool holds the root.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Root)
	return p
}

// PEM is the root as programs read it.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Root.Raw})
}

// Spec says what a server certificate is like. The zero value is a good one.
type Spec struct {
	Names []string // DNS names, wildcards as "*.example.test"
	Addrs []netip.Addr
	// Bytes is the size of all certificates sent together, 0 for what it comes
	// to.
	Bytes int
	// Length is how many certificates are sent, 0 for two: the server's own and
	// one intermediate.
	Length int
	Key    Key
	// What is wrong with it.
	Expired, NotYetValid bool
	Untrusted            bool // signed by an authority that nobody trusts
	MissingIntermediate  bool // only the server's own certificate is sent
	SelfSigned           bool
}

// Key is a kind of key.
type Key string

// Kinds of key. Ed25519 is the default.
const (
	Ed25519 Key = "ed25519"
	ECDSA   Key = "ecdsa" // P-256
	RSA     Key = "rsa"   // 2048 bits
)

// Keys are the kinds of key.
var Keys = []Key{Ed25519, ECDSA, RSA}

// MaxLength is how many certificates a chain may have.
const MaxLength = 10

func (k Key) make() (crypto.Signer, error) {
	switch k {
	case ECDSA:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA:
		return rsa.GenerateKey(rand.Reader, 2048)
	case "", Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("no kind of key %q", string(k))
}

// Issue makes a server certificate with its chain up to but without the root.
func (ca *CA) Issue(s Spec) (tls.Certificate, error) {
	if len(s.Names) == 0 {
		return tls.Certificate{}, fmt.Errorf("a certificate needs a name")
	}
	if s.Untrusted {
		other, err := NewCA()
		if err != nil {
			return tls.Certificate{}, err
		}
		ca = other
	}
	length := s.Length
	if length == 0 {
		length = 2
	}
	if length > MaxLength {
		return tls.Certificate{}, fmt.Errorf("a chain of %d certificates: %d are the most", length, MaxLength)
	}
	inters, err := ca.intermediates(length - 1)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := s.Key.make()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make server key: %w", err)
	}
	t := s.template(ca)
	parent := issuer{ca.Root, ca.key}
	if len(inters) > 0 {
		parent = inters[len(inters)-1]
	}
	if s.SelfSigned {
		parent, inters = issuer{t, key}, nil
	}
	out := tls.Certificate{PrivateKey: key}
	var sent [][]byte
	rest := 0
	for i := len(inters) - 1; i >= 0 && !s.MissingIntermediate; i-- {
		sent = append(sent, inters[i].cert.Raw)
		rest += len(inters[i].cert.Raw)
	}
	leaf, err := sign(t, parent.cert, key.Public(), parent.key)
	if err != nil {
		return out, err
	}
	if s.Bytes != 0 {
		plain := len(leaf.Raw) + rest
		if leaf, err = pad(t, parent, key.Public(), s.Bytes-rest); err != nil {
			return out, fmt.Errorf("certificate chain of %d bytes: %w; the smallest is about %d", s.Bytes, err, plain+
				minPadding)
		}
	}
	out.Leaf = leaf
	out.Certificate = append([][]byte{leaf.Raw}, sent...)
	return out, nil
}

func (s *Spec) template(ca *CA) *x509.Certificate {
	ca.mu.Lock()
	t := template(ca.next(), s.Names[0])
	ca.mu.Unlock()
	t.DNSNames = s.Names
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, a := range s.Addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.AsSlice()))
	}
	const day = 24 * time.Hour
	switch {
	case s.Expired:
		t.NotBefore, t.NotAfter = t.NotBefore.Add(-90*day), t.NotBefore.Add(-day)
	case s.NotYetValid:
		t.NotBefore, t.NotAfter = t.NotAfter, t.NotAfter.Add(90*day)
	}
	return t
}

// Files are a certificate with its chain, and its key, as programs read them.
func Files(c tls.Certificate) (chain, key []byte, err error) {
	for _, der := range c.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("write key: %w", err)
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
