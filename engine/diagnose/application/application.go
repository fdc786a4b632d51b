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
	ldap                         = 389
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
	if !plain && server.FIN != nil && server.FIN.Time < last.Time {
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
	if f.Ends[incident.Server].Port() == ldap {
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

// slow is an answer that takes its time although the question was acknowledged at once.
func slow(f *incident.Flow) *finding.Finding {
	if !f.Established() || len(f.Sides[0].Resent)+len(f.Sides[1].Resent) > len(f.Segments)/10 {
		return nil
	}
	floor := max(20*f.RTT, 400*time.Millisecond)
	var total, worst time.Duration
	var waits []time.Duration
	var cited []*incident.Segment
	n, never := 0, false
	var answered []int // how large questions were that got an answer
	var asked *incident.Segment
	for _, g := range f.Segments {
		if g.Has(packet.SYN) {
			continue
		}
		if asked != nil && len(answered) > 0 && givesUp(f, g, asked, answered) {
			n, never = n+1, true
			wait := g.Time - asked.Time
			total, worst = total+wait, max(worst, wait)
			cited = append(cited, asked, asked.Acked, g)
			if fin := f.Sides[incident.Client].FIN; fin != g {
				cited = append(cited, fin)
			}
			asked = nil
			break
		}
		if g.Side == incident.Client && g.IsData() {
			if asked = g; g.PayloadLen <= 1 {
				asked = nil // a keep-alive with a byte
			}
			continue
		}
		if greeting(f, g) > floor+slowGreeting {
			n, asked = n+1, nil
			wait := greeting(f, g)
			waits, total, worst = append(waits, wait), total+wait, max(worst, wait)
			cited = append(cited, f.Confirm, g)
			continue
		}
		if asked == nil || g.Side != incident.Server || !g.IsData() && !g.Has(packet.FIN) {
			continue
		}
		if fin := f.Sides[incident.Client].FIN; !g.IsData() && fin != nil && fin.Time < g.Time {
			asked = nil // both closed, and nothing was answered
			continue
		}
		answered = append(answered, int(asked.PayloadLen))
		wait := g.Time - asked.Time
		ack := asked.Acked
		if wait >= floor && ack != nil && ack.Time-asked.Time < wait/2 {
			n++
			waits = append(waits, wait)
			total, worst = total+wait, max(worst, wait)
			cited = append(cited, asked, g)
			if ack != g {
				cited = append(cited, ack)
			}
		}
		asked = nil
	}
	if asked != nil && asked.Acked != nil && f.Reset() == nil &&
		f.Sides[incident.Server].FIN == nil {
		if wait := f.Last().Time - asked.Time; wait > 5*time.Second {
			n, never = n+1, true
			total, worst = total+wait, max(worst, wait)
			cited = append(cited, asked, asked.Acked)
		}
	}
	if polls(waits) {
		return nil
	}
	if n == 0 || worst < 700*time.Millisecond && n < 3 {
		return nil
	}
	c := finding.New("slow-application", f)
	if never {
		c.Say("The server acknowledges the request at once and does not answer it for %v: its application is what "+
			"takes the "+
			"time.", worst.Round(time.Millisecond))
	} else if len(answered) == 0 {
		c.Say("The connection opens at once and the server, which speaks first, says its first word after %v: its application "+
			"takes the time, not the network.", worst.Round(time.Millisecond))
	} else {
		c.Say("The server acknowledges the request at once and answers after %v: its application takes the time, "+
			"not the "+
			"network.", worst.Round(time.Millisecond))
	}
	c.For(1.4, fmt.Sprintf("%d answers take %v in all, the round trip is %v", n, total.Round(time.Millisecond),
		f.RTT.Round(10*time.Microsecond)), cited...)
	if fin := f.Sides[incident.Client].FIN; fin != nil && f.Closed() && !never &&
		fin.Time < f.Sides[incident.Server].FIN.Time-worst {
		c.Against(2, "the client had closed its direction and waits for the rest: it knows that it takes long")
	}
	if worst > 50*f.RTT && f.RTT > 0 {
		c.For(0.5, "many times the round trip")
	}
	return c.IsNot("loss-one-way: nothing was sent again").
		IsNot("zero-window: there was room for the answer")
}

// slowGreeting is how long a server that speaks first may take, beyond what any answer may.
const slowGreeting = 2 * time.Second

// greeting is how long after the handshake a server that speaks first says g, its first word; 0
// for all else. What it says without being asked for much later is no greeting.
func greeting(f *incident.Flow, g *incident.Segment) time.Duration {
	const most = 3 * time.Minute
	server, client := &f.Sides[incident.Server], &f.Sides[incident.Client]
	if f.Confirm == nil || len(server.Data) == 0 || server.Data[0] != g || len(client.Data) == 0 ||
		client.Data[0].Time < g.Time || client.Data[0].Time-g.Time > time.Second || g.Time-f.Confirm.Time > most {
		return 0
	}
	if syns := server.SYNs; len(syns) > 1 && syns[len(syns)-1].Time > f.Confirm.Time {
		return 0 // it had not heard that the connection is open
	}
	return g.Time - f.Confirm.Time
}

// givesUp reports whether g is the client's goodbye, alone or with the TLS alert that comes
// before it, long after a question that was acknowledged and not answered. What is much smaller
// than the questions that were answered needs no answer, as a window update of HTTP/2, and where
// the client says much that is not answered nothing follows either.
func givesUp(f *incident.Flow, g, asked *incident.Segment, answered []int) bool {
	const patience = 5 * time.Second
	client := &f.Sides[incident.Client]
	if fin := client.FIN; g.Side != incident.Client || fin == nil || g != fin && (!g.IsData() || g.PayloadLen > alert12 ||
		fin.Time < g.Time || fin.Time-g.Time > time.Second) {
		return false
	}
	usual := slices.Max(answered)
	said := 0
	for _, d := range client.Data {
		if d.Time < g.Time {
			said++
		}
	}
	return int(asked.PayloadLen)*2 >= min(usual, 400) && said <= len(answered)+2 &&
		asked.Acked != nil && asked.Acked.Time < g.Time && g.Time-asked.Time > patience
}

// polls reports whether long waits are the same each time: of a server that holds a
// question until there is news or a timeout.
func polls(waits []time.Duration) bool {
	const long = 15 * time.Second
	for i, w := range waits {
		for _, o := range waits[:i] {
			if w >= long && (w-o).Abs() < w/50 {
				return true
			}
		}
	}
	return false
}

// idleClient is a client that lets time go by between an answer and its next question,
// again and again.
func idleClient(f *incident.Flow) *finding.Finding {
	const least, most = 250 * time.Millisecond, 5 * time.Second
	var pauses []time.Duration
	var cited []*incident.Segment
	var total time.Duration
	var answer *incident.Segment
	for _, g := range f.Segments {
		switch {
		case g.Side == incident.Server && g.IsData():
			answer = g
		case g.Side == incident.Client && g.IsData() && answer != nil:
			if p := g.Time - answer.Time; p >= least && p <= most && p > 10*f.RTT {
				pauses, total = append(pauses, p), total+p
				cited = append(cited, g)
			}
			answer = nil
		}
	}
	length := f.Last().Time - f.Segments[0].Time
	if len(pauses) < 4 || total*10 < length*6 {
		return nil
	}
	c := finding.New("slow-application", f).
		Say("Each answer comes and is acknowledged at once; then the client takes %v on average before it asks "+
			"again: the "+
			"time goes by in the client's own program.", (total / time.Duration(len(pauses))).Round(time.Millisecond))
	c.For(1.4, fmt.Sprintf("%d pauses of the client, %v of %v in all", len(pauses), total.Round(time.Millisecond),
		length.Round(time.Millisecond)), cited...)
	return c.IsNot("loss-one-way: nothing was sent again")
}
