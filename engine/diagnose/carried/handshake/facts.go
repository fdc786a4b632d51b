// Package handshake reads the handshakes of TLS: what the client offers, what the server
// chooses, the certificates, the alerts.
//
// What TLS 1.3 encrypts of it is read with a key log. Nothing that programs say to each
// other is looked at.
//
// Invariant: no input makes it panic, and what it keeps of a connection is bounded and
// drawn from a budget that all connections share.
package handshake

import (
	"crypto/tls"
	"fmt"
	"time"

	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/carried/stream"
)

// Facts are what a connection tells of its handshake. What is not known is empty.
type Facts struct {
	// Client is the side that sent the ClientHello, -1 if none was seen.
	Client int
	Hello  *Hello
	// Version and Suite are what the server chose, and Answered says that it did. Retried
	// says that it asked for another ClientHello first.
	Version, Suite    uint16
	Answered, Retried bool
	ALPN              string
	// Flight is what the server sent from its ServerHello on until the client sent
	// something again, in bytes and segments.
	Flight struct{ Bytes, Segments int }
	// Chain are the server's certificates, its own first; ChainAt is where they were
	// captured. Opened says that a key log was needed.
	Chain   []Certificate
	ChainAt stream.Place
	Opened  bool
	// Covered says whether the server's certificate is for the name asked for; nil if one
	// of them is not known.
	Covered *bool
	// Alerts are those in the clear, and those that a key log opens.
	Alerts []Alert
}

// Hello is what a client offers.
type Hello struct {
	// Versions are those offered, the newest first; the highest alone if the client has
	// the old way to say it, and UpTo is set.
	Versions   []uint16
	UpTo       bool
	ServerName string
	ALPN       []string
	At         stream.Place
	random     keylog.Random
}

// Alert is one of TLS.
type Alert struct {
	By     int // side
	Fatal  bool
	Name   string // "unknown_ca"
	Opened bool   // with a key log
	At     stream.Place
}

// String is "fatal unknown_ca".
func (a Alert) String() string {
	if a.Fatal {
		return "fatal " + a.Name
	}
	return "warning " + a.Name
}

// Certificate is what is said of one.
type Certificate struct {
	Name     string   // common name
	Names    []string // alternative names and addresses, the first of them
	More     int      // how many more there are
	Issuer   string
	From, To time.Time
	// SelfSigned says that it is signed with its own key, Next that the one behind it in
	// the chain is its issuer's.
	SelfSigned, Next bool
}

// Expired and Early report whether the certificate was out of date at a time, which must
// be known.
func (c *Certificate) Expired(at time.Time) bool { return !at.IsZero() && at.After(c.To) }

// Early reports whether it was not valid yet.
func (c *Certificate) Early(at time.Time) bool { return !at.IsZero() && at.Before(c.From) }

// Called is its common name, or the first of the others.
func (c *Certificate) Called() string {
	if c.Name == "" && len(c.Names) > 0 {
		return c.Names[0]
	}
	return c.Name
}

// VersionName is a version in words.
func VersionName(v uint16) string {
	switch v {
	case 0x0300:
		return "SSL 3.0"
	case tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13:
		return tls.VersionName(v)
	}
	return fmt.Sprintf("version 0x%04x", v)
}

// suites are names of cipher suites that the standard library does not know (IANA).
var suites = map[uint16]string{
	0x1304: "TLS_AES_128_CCM_SHA256", 0x1305: "TLS_AES_128_CCM_8_SHA256",
	0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
	0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256", 0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
	0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
	0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
	0x0004: "TLS_RSA_WITH_RC4_128_MD5", 0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
	0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	0xc0ac: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", 0xc0ae: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
}

// SuiteName is the name of a cipher suite.
func SuiteName(id uint16) string {
	if n := suites[id]; n != "" {
		return n
	}
	return tls.CipherSuiteName(id)
}
