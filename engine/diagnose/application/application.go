// Package application has the rules for what the programs at the ends do: TLS that is
// turned away, answers that take their time.
package application

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Each(alerted), finding.Each(alertBySize), finding.Each(slow),
	finding.Each(idleClient)}

// certificate and version are alerts about the certificate, and about versions and
// ciphers (RFC 8446, section 6.2).
var (
	certificate = []string{"bad certificate", "unsupported certificate", "certificate revoked", "certificate expired",
		"certificate unknown", "unknown ca", "bad_certificate", "unsupported_certificate", "certificate_revoked",
		"certificate_expired", "certificate_unknown", "unknown_ca", "access denied", "access_denied"}
	version = []string{"handshake failure", "protocol version", "insufficient security", "inappropriate fallback",
		"no application protocol", "handshake_failure", "protocol_version", "insufficient_security",
		"inappropriate_fallback", "no_application_protocol", "illegal parameter", "illegal_parameter",
		"unrecognized name", "unrecognized_name"}
)

func among(detail string, list []string) bool {
	for _, l := range list {
		if strings.Contains(strings.ToLower(detail), l) {
			return true
		}
	}
	return false
}

// alerted is a TLS alert in the clear.
func alerted(f *incident.Flow) *finding.Finding {
	for _, g := range f.Segments {
		for _, a := range g.App {
			if a.Proto != "tls" || a.Name != "alert" {
				continue
			}
			if c := refused(f, g, a.Detail, "the alert says so in the clear: "); c != nil {
				return c
			}
		}
	}
	return opened(f)
}

const (
	// alertSize is a TLS alert in the clear: a record header and two bytes.
	alertSize = 7
	// Encrypted alerts of TLS 1.3 and of AEAD ciphers in TLS 1.2, with and without a
	// record of ChangeCipherSpec before.
	alert13, alert13ccs, alert12 = 24, 30, 31
	changeCipher                 = 6 // a record of ChangeCipherSpec
	ldap, globalCatalog          = 389, 3268
	// A ClientHello is larger than helloLeast and, without a post-quantum key share,
	// smaller than helloMost.
	helloLeast, helloOld, helloMost = 90, 50, 2400
	// flightLeast is less than any certificate flight, and more than a ServerHello alone.
	flightLeast = 300
)

// alertBySize is a handshake that ends with a segment of the size of an alert, where the
// payload was not captured.
func alertBySize(f *incident.Flow) *finding.Finding {
	client, server := &f.Sides[incident.Client], &f.Sides[incident.Server]
	if len(client.Data) == 0 || len(f.Segments) < 5 || visible(f) {
		return nil
	}
	hello := client.Data[0]
	// Seven bytes and the end are no answer of another protocol's to a hello of an old program.
	short := server.Bytes == alertSize && len(server.Data) == 1 && ends(f, server.Data[0]) &&
		f.Ends[incident.Server].Port() > 1023 && int(hello.PayloadLen) >= helloOld
	if !hellosized(f, hello) && !short {
		return nil
	}
	// The server answers the hello with an alert and closes.
	if client.Bytes <= helloMost && len(server.Data) == 1 && server.Bytes == alertSize && ends(f, server.Data[0]) {
		c := finding.New("tls-version", f).
			Say("The server answers the ClientHello of %d bytes with %d bytes, the size of a TLS alert in the "+
				"clear, and "+
				"closes: version or ciphers do not suit it.", hello.PayloadLen, alertSize)
		c.For(2.2, fmt.Sprintf("%d bytes after the ClientHello, then the end", alertSize), server.Data[0])
		return c.Cite(closing(f, incident.Server)...).IsNot("tls-alert-cert: no certificate was sent").
			IsNot("rst-linger-or-unread: it was said before why")
	}
	last := client.Data[len(client.Data)-1]
	if last == hello || server.Bytes == 0 || !ends(f, last) {
		return nil
	}
	hello = question(client, last)
	if hello == nil || hello.PayloadLen > helloMost {
		return nil
	}
	flight := 0
	for _, g := range server.Data {
		if g.Time > hello.Time && g.Time < last.Time {
			flight += int(g.PayloadLen)
		}
	}
	n := int(last.PayloadLen)
	plain := n == alertSize
	const chain = 1200 // bytes of a flight with certificates, at least
	if server.FIN != nil && server.FIN.Time < last.Time && (!plain || len(client.Data) != 2 || flight < chain) {
		return nil // who answers a close with an alert says goodbye
	}
	for _, g := range client.Data { // an encrypted alert is like any small message: it must come first
		if !plain && g != last && g.Time > server.Data[0].Time && int(g.PayloadLen) != changeCipher {
			return nil
		}
	}
	if !plain && n != alert13 && n != alert13ccs && n != alert12 || flight > 16000 || flight == 0 {
		return nil
	}
	if flight < flightLeast {
		if !plain {
			return nil
		}
		c := finding.New("tls-version", f).
			Say("The client ends the handshake with %d bytes, the size of a TLS alert, after a ServerHello of %d "+
				"bytes without "+
				"a certificate: the version chosen does not suit it.", n, flight)
		return c.For(1.4, "an alert's size, and no certificate before", last).Cite(closing(f, incident.Client)...)
	}
	c := finding.New("tls-alert-cert", f).
		Say("After the server's flight of %d bytes the client sends %d bytes, the size of a TLS alert, and "+
			"closes: it does "+
			"not accept the certificate. The network did all that it should.", flight, n)
	w := 2.2
	if !plain {
		w = 1.2
	}
	if first := client.Data[0]; first != hello && int(first.PayloadLen) != changeCipher {
		c.Against(1, "it had spoken before: the program's own protocol may end so")
	}
	if port := f.Ends[incident.Server].Port(); port == ldap || port == globalCatalog {
		return nil // its unbind request has the size of an alert (RFC 4511, section 4.3)
	}
	c.For(w, fmt.Sprintf("%d bytes after the certificate flight, then the end", n), last).
		Cite(closing(f, incident.Client)...)
	return c.IsNot("tls-version: the server had accepted the ClientHello").
		IsNot("pmtu-blackhole: the whole flight was acknowledged")
}

// question is what the client sent before the server's last flight, nil if it is not the
// size of a ClientHello. A ChangeCipherSpec is left aside.
func question(client *incident.Side, last *incident.Segment) (hello *incident.Segment) {
	for _, g := range client.Data {
		if g != last && int(g.PayloadLen) != changeCipher {
			hello = g
		}
	}
	if hello == nil || int(hello.PayloadLen) < helloLeast {
		return nil
	}
	return hello
}

// visible reports whether TLS was read from the payload: then sizes need not tell.
func visible(f *incident.Flow) bool {
	if t := facts(f); t != nil && len(t.Alerts) > 0 {
		return true
	}
	for _, g := range f.Segments {
		for _, a := range g.App {
			if a.Name == "alert" {
				return true
			}
		}
	}
	return false
}

// secure are ports whose protocol begins with TLS.
var secure = []uint16{443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 2376, 4433, 5061, 5671, 5986, 6443, 6514,
	6697, 8443, 8446, 8883, 9443, 10443}

// hellosized reports whether the client began with what has the size of a ClientHello. One
// without extensions, as before TLS 1.2, is believed at ports of TLS alone.
func hellosized(f *incident.Flow, hello *incident.Segment) bool {
	least := helloLeast
	if slices.Contains(secure, f.Ends[incident.Server].Port()) {
		least = helloOld
	}
	n := helloBytes(&f.Sides[incident.Client], nil)
	return n >= least && n <= helloMost || int(hello.PayloadLen) >= least && int(hello.PayloadLen) <= helloMost
}

// helloBytes are the bytes that the client sent before anything else came, or before
// last.
func helloBytes(s *incident.Side, last *incident.Segment) (n int) {
	for _, g := range s.Data {
		if g == last {
			break
		}
		n += int(g.PayloadLen)
	}
	return n
}

// ends reports whether the sender of g closes or resets right after it, and nothing more
// is exchanged.
func ends(f *incident.Flow, g *incident.Segment) bool {
	s := &f.Sides[g.Side]
	soon := func(o *incident.Segment) bool { return o != nil && o.Time >= g.Time && o.Time-g.Time < time.Second }
	if g.Has(packet.FIN) || soon(s.FIN) {
		return true
	}
	return len(s.Resets) > 0 && soon(s.Resets[0])
}

// closing is with what a side ends the connection.
func closing(f *incident.Flow, side int) (gs []*incident.Segment) {
	if fin := f.Sides[side].FIN; fin != nil {
		return append(gs, fin) // resets after it only answer what comes still
	}
	return append(gs, f.Sides[side].Resets...)
}
