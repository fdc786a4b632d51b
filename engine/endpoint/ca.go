//go:build linux

package endpoint

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

// CA is the certificate authority of one case: a root that every client of the
// case trusts and an intermediate that signs servers. Keys are Ed25519, whose
// signatures are always 64 bytes, so that flights have the same size each run.
type CA struct {
	Root  *x509.Certificate
	inter *x509.Certificate
	key   ed25519.PrivateKey

	mu     sync.Mutex
	serial int64
}

// NewCA makes a certificate authority.
func NewCA() (*CA, error) {
	rootPub, rootKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make CA key: %w", err)
	}
	root := template(1, "netrepro root")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	ca := &CA{key: key, serial: 2}
	if ca.Root, err = issue(root, root, rootPub, rootKey); err != nil {
		return nil, err
	}
	inter := template(2, "netrepro intermediate")
	inter.IsCA, inter.BasicConstraintsValid, inter.KeyUsage = true, true, x509.KeyUsageCertSign
	ca.inter, err = issue(inter, ca.Root, pub, rootKey)
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

func issue(t, parent *x509.Certificate, pub ed25519.PublicKey, key ed25519.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate %q: %w", t.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// paddingOID is below the private enterprise number for documentation
// (RFC 5612).
var paddingOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}

// Issue makes a server certificate for names and addresses, with its chain up
// to but without the root. If size is not 0 the certificates together are
// exactly that many bytes, by padding the leaf.
func (ca *CA) Issue(names []string, addrs []netip.Addr, size int) (tls.Certificate, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make server key: %w", err)
	}
	ca.mu.Lock()
	ca.serial++
	t := template(ca.serial, names[0])
	ca.mu.Unlock()
	t.DNSNames = names
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, a := range addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.AsSlice()))
	}
	leaf, err := issue(t, ca.inter, pub, ca.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	plain := len(leaf.Raw) + len(ca.inter.Raw)
	if size != 0 {
		if leaf, err = ca.pad(t, pub, size-len(ca.inter.Raw)); err != nil {
			return tls.Certificate{}, fmt.Errorf("certificate chain of %d bytes: %w; the smallest is about %d", size, err, plain+minPadding)
		}
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, ca.inter.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// minPadding is what the padding extension costs when it is empty.
const minPadding = 20

// pad issues t with a padding extension so that the certificate has exactly
// size bytes. DER length fields grow with what they hold, so it approaches.
func (ca *CA) pad(t *x509.Certificate, pub ed25519.PublicKey, size int) (*x509.Certificate, error) {
	fill := 0
	for range 8 {
		t.ExtraExtensions = []pkix.Extension{{Id: paddingOID, Value: make([]byte, fill)}}
		leaf, err := issue(t, ca.inter, pub, ca.key)
		if err != nil {
			return nil, err
		}
		if len(leaf.Raw) == size {
			return leaf, nil
		}
		if fill += size - len(leaf.Raw); fill < 0 {
			return nil, fmt.Errorf("too small")
		}
	}
	return nil, fmt.Errorf("no padding gives this size") // a length field would be of no size
}

// Pool holds the root.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Root)
	return p
}
