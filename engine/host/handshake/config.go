//go:build linux

// Package handshake is TLS on the hosts of a lab: how a side speaks it, a handshake
// that is under way, what a client learns of its peer, and what is wrong with a
// certificate. The library does the protocol.
//
// Invariant: a ClientHello fits into one segment, and records have their full size
// from the first on.
package handshake

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"

	"netrepro/engine/host/pki"
)

// curves keeps the ClientHello within one segment; a post-quantum share alone
// takes more than a kilobyte.
var curves = []tls.CurveID{tls.X25519}

// Protocols are the names of TLS's versions, as nginx's ssl_protocols has them.
var Protocols = map[string]uint16{
	"TLSv1":   tls.VersionTLS10,
	"TLSv1.1": tls.VersionTLS11,
	"TLSv1.2": tls.VersionTLS12,
	"TLSv1.3": tls.VersionTLS13,
}

// Spec says how a side speaks TLS.
type Spec struct {
	Min, Max uint16    // versions; 0 is 1.2 and 1.3
	ALPN     []string  // protocols above TLS; nil is http/1.1
	Keys     io.Writer // takes key log lines
	// NoTickets issues no session tickets, and takes none.
	NoTickets bool
}

func (s *Spec) config() *tls.Config {
	c := &tls.Config{
		MinVersion:                  s.Min,
		MaxVersion:                  s.Max,
		CurvePreferences:            curves,
		KeyLogWriter:                s.Keys,
		NextProtos:                  s.ALPN,
		SessionTicketsDisabled:      s.NoTickets,
		DynamicRecordSizingDisabled: true,
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	if c.MaxVersion != 0 && c.MaxVersion < c.MinVersion {
		c.MinVersion = c.MaxVersion
	}
	if c.NextProtos == nil {
		c.NextProtos = []string{"http/1.1"}
	}
	return c
}

// ServerConfig is the configuration of a server with these certificates: the first
// whose names a client asks for, else the first.
func ServerConfig(s Spec, certs ...tls.Certificate) *tls.Config {
	c := s.config()
	c.Certificates = certs
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		for i := range certs {
			leaf, name := certs[i].Leaf, hello.ServerName
			if leaf != nil && name != "" && leaf.VerifyHostname(name) == nil {
				return &certs[i], nil
			}
		}
		return &certs[0], nil
	}
	return c
}

// ClientConfig is the configuration of a client that trusts ca, unless that is nil,
// and expects name.
func ClientConfig(s Spec, ca *pki.CA, name string) *tls.Config {
	c := s.config()
	c.ServerName = name
	if ca == nil {
		c.InsecureSkipVerify = true
	} else {
		c.RootCAs = ca.Pool()
	}
	if !s.NoTickets {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return c
}

// Peer is what a client learns of a TLS connection.
type Peer struct {
	Version, Cipher, ALPN string
	Resumed               bool
	// Of the server's certificate.
	Subject, Issuer   string
	Names             []string
	NotAfter          string // RFC 3339
	Chain, ChainBytes int
}

// PeerOf is what a client learns of the connection with this state.
func PeerOf(s tls.ConnectionState) *Peer {
	p := &Peer{
		Version: versionName(s.Version),
		Cipher:  tls.CipherSuiteName(s.CipherSuite),
		ALPN:    s.NegotiatedProtocol,
		Resumed: s.DidResume,
		Chain:   len(s.PeerCertificates),
	}
	for _, c := range s.PeerCertificates {
		p.ChainBytes += len(c.Raw)
	}
	if p.Chain > 0 {
		leaf := s.PeerCertificates[0]
		p.Subject, p.Issuer, p.Names = leaf.Subject.CommonName, leaf.Issuer.CommonName, leaf.DNSNames
		p.NotAfter = leaf.NotAfter.UTC().Format("2006-01-02T15:04:05Z")
	}
	return p
}

func versionName(v uint16) string {
	for name, n := range Protocols {
		if n == v {
			return name
		}
	}
	return fmt.Sprintf("0x%04x", v)
}

// Why names what is wrong with a certificate, empty if err is not about one:
// "expired", "wrong name", "unknown authority".
func Why(err error) string {
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) {
		err = verify.Err
	}
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate expired or not yet valid"
	case errors.As(err, &host):
		return "certificate has no such name"
	case errors.As(err, &unknown):
		return "certificate from an unknown authority"
	case errors.As(err, &invalid):
		return "certificate invalid"
	}
	return ""
}

// ProtocolNames are the names of TLS's versions, the oldest first.
func ProtocolNames() []string {
	names := make([]string, 0, len(Protocols))
	for n := range Protocols {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
