package handshake

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"golang.org/x/crypto/cryptobyte"

	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/sanitize"
)

const (
	// maxChain is how many certificates are read, maxNames how many names of one are kept.
	maxChain = 10
	maxNames = 20
	// maxKey is the longest RSA key with which a signature is checked.
	maxKey = 8192
)

// readChain reads the server's Certificate message (RFC 5246, section 7.4.2; RFC 8446,
// section 4.4.2).
func (c *Conn) readChain(b []byte, at stream.Place) {
	s := cryptobyte.String(b)
	modern := c.Version >= 0x0304
	var context, list, der cryptobyte.String
	if modern && !s.ReadUint8LengthPrefixed(&context) || !s.ReadUint24LengthPrefixed(&list) {
		return
	}
	var chain []*x509.Certificate
	for len(chain) < maxChain && list.ReadUint24LengthPrefixed(&der) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			break // what comes behind it would be in the wrong place
		}
		chain = append(chain, cert)
		var extensions cryptobyte.String
		if modern && !list.ReadUint16LengthPrefixed(&extensions) {
			break
		}
	}
	if len(chain) == 0 {
		return
	}
	var told []Certificate
	size := 0
	for i, cert := range chain {
		t := tell(cert)
		t.Next = i+1 < len(chain) && bytes.Equal(cert.RawIssuer, chain[i+1].RawSubject)
		told = append(told, t)
		for _, n := range append([]string{t.Name, t.Issuer}, t.Names...) {
			size += len(n) + 64
		}
	}
	if !c.budget.Draw(size) {
		return
	}
	c.Chain, c.ChainAt = told, at
	if c.Hello != nil && c.Hello.ServerName != "" {
		covered := chain[0].VerifyHostname(c.Hello.ServerName) == nil
		c.Covered = &covered
	}
}

// tell is what is said of a certificate.
func tell(cert *x509.Certificate) Certificate {
	t := Certificate{Name: short(cert.Subject.CommonName), Issuer: short(cert.Issuer.CommonName), From: cert.NotBefore,
		To: cert.NotAfter, SelfSigned: ownKey(cert)}
	if t.Issuer == "" && len(cert.Issuer.Organization) > 0 {
		t.Issuer = short(cert.Issuer.Organization[0])
	}
	var names []string
	names = append(names, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	for _, n := range names[:min(len(names), maxNames)] {
		t.Names = append(t.Names, short(n))
	}
	t.More = len(names) - len(t.Names)
	return t
}

// short is a name fit to be shown.
func short(s string) string { return sanitize.Text(s[:min(len(s), maxName)]) }

// ownKey reports whether a certificate is signed with its own key.
func ownKey(cert *x509.Certificate) bool {
	if !bytes.Equal(cert.RawIssuer, cert.RawSubject) {
		return false
	}
	if k, ok := cert.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() > maxKey {
		return false
	}
	err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	var weak x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &weak)
}
