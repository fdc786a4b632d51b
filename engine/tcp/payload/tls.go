package payload

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Record content types (RFC 8446, section 5.1).
const (
	changeCipherSpec = 20
	alertRecord      = 21
	handshakeRecord  = 22
	applicationData  = 23
	heartbeat        = 24
)

const (
	recordHeader    = 5
	handshakeHeader = 4
	maxRecord       = 1<<14 + 2048 // RFC 5246, section 6.2.3
)

// tlsStream follows the records of one direction.
type tlsStream struct {
	head      [recordHeader]byte
	have      int // bytes of head
	left      int // bytes of the record's body still to come
	kind      byte
	msg       [handshakeHeader]byte
	msgHave   int
	msgLeft   int
	encrypted bool // a change of cipher was announced
	alert     [2]byte
	alertHave int
	announced bool // the record's encrypted content was reported
}

// LooksLikeTLS reports whether b begins with a record header.
func LooksLikeTLS(b []byte) bool {
	return len(b) >= recordHeader && b[0] >= changeCipherSpec && b[0] <= heartbeat && b[1] == 3 && b[2] <= 4 &&
		binary.BigEndian.Uint16(b[3:]) <= maxRecord
}

// MayBeTLS reports whether b begins with a record header, or with as much of one
// as it has.
func MayBeTLS(b []byte) bool {
	if len(b) >= recordHeader {
		return LooksLikeTLS(b)
	}
	return len(b) > 0 && b[0] >= changeCipherSpec && b[0] <= heartbeat && (len(b) == 1 || b[1] == 3)
}

// idle reports whether a record begins next.
func (t *tlsStream) idle() bool { return t.have == 0 && t.left == 0 }

// skip passes over n bytes that are missing; they must be inside a record's
// body.
func (t *tlsStream) skip(n int) bool {
	if n < 0 || n > t.left {
		return false
	}
	t.left -= n
	if n > t.msgLeft { // where the next message begins is lost with them
		t.announced, t.msgHave = true, 0
	}
	t.msgLeft -= min(n, t.msgLeft)
	return true
}

// feed takes in size bytes of which data were captured. It reports false if
// they are no TLS, or the place in the stream is lost.
func (t *tlsStream) feed(data []byte, size int, evs []Event) ([]Event, bool) {
	for size > 0 {
		if t.left > 0 {
			n := min(t.left, size)
			evs = t.body(data[:min(n, len(data))], n, evs)
			t.left -= n
			size -= n
			data = data[min(n, len(data)):]
			continue
		}
		n := min(recordHeader-t.have, size)
		if len(data) < n {
			return evs, false // the header was not captured
		}
		copy(t.head[t.have:], data[:n])
		t.have += n
		size -= n
		data = data[n:]
		if t.have < recordHeader {
			return evs, true
		}
		if !LooksLikeTLS(t.head[:]) {
			return evs, false
		}
		t.have, t.kind, t.left = 0, t.head[0], int(binary.BigEndian.Uint16(t.head[3:]))
		evs = t.record(evs)
	}
	return evs, true
}

// sizes of an encrypted alert in TLS 1.3: two bytes, their content type and the
// tag of the ciphers there are (RFC 8446, appendix B.4).
const alertModern = 2 + 1 + 16

// record says what the header of a record tells.
func (t *tlsStream) record(evs []Event) []Event {
	t.announced, t.alertHave = false, 0
	switch t.kind {
	case changeCipherSpec:
		t.encrypted = true
		return append(evs, Event{"tls", "change-cipher-spec", ""})
	case applicationData:
		t.encrypted = true
		if t.left == alertModern {
			// As short as an alert, and hardly anything else is.
			return append(evs, Event{"tls", "close-notify", "probably: an encrypted record as short as an alert"})
		}
		return append(evs, Event{"tls", "application-data", ""})
	case alertRecord:
		if t.left != 2 {
			t.alertHave = len(t.alert) // none of it is the alert itself
			return append(evs, Event{"tls", "close-notify", "probably: an encrypted alert"})
		}
	case handshakeRecord:
		if t.encrypted {
			t.announced = true
			return append(evs, Event{"tls", "finished", "encrypted"})
		}
	}
	return evs
}

// body reads a piece of a record's body, n bytes of which b were captured.
func (t *tlsStream) body(b []byte, n int, evs []Event) []Event {
	switch {
	case t.kind == alertRecord && t.left <= 2 && t.alertHave < 2:
		t.alertHave += copy(t.alert[t.alertHave:], b)
		if t.alertHave == 2 {
			return append(evs, alertEvent(t.alert))
		}
	case t.kind == handshakeRecord && !t.announced:
		return t.handshake(b, n, evs)
	}
	return evs
}

// handshake reads the messages in a piece of a handshake record.
func (t *tlsStream) handshake(b []byte, n int, evs []Event) []Event {
	for n > 0 {
		if t.msgLeft > 0 {
			m := min(t.msgLeft, n)
			t.msgLeft -= m
			n -= m
			b = b[min(m, len(b)):]
			continue
		}
		m := min(handshakeHeader-t.msgHave, n)
		if len(b) < m {
			t.msgHave, t.announced = 0, true // lost; the next record begins anew
			return evs
		}
		copy(t.msg[t.msgHave:], b[:m])
		t.msgHave += m
		n -= m
		b = b[m:]
		if t.msgHave < handshakeHeader {
			return evs
		}
		t.msgHave = 0
		t.msgLeft = int(t.msg[1])<<16 | int(t.msg[2])<<8 | int(t.msg[3])
		evs = append(evs, t.message(b))
	}
	return evs
}

var handshakeNames = map[byte]string{
	0: "hello-request", 1: "client-hello", 2: "server-hello", 4: "new-session-ticket", 5: "end-of-early-data",
	8:  "encrypted-extensions",
	11: "certificate", 12: "server-key-exchange", 13: "certificate-request", 14: "server-hello-done",
	15: "certificate-verify",
	16: "client-key-exchange", 20: "finished", 22: "certificate-status", 24: "key-update",
}

// Names are the names an event of TLS can have.
func Names() []string {
	names := []string{"alert", "application-data", "change-cipher-spec", "close-notify", "hello-retry-request"}
	for _, n := range handshakeNames {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// retry is the random that makes a server hello a retry request (RFC 8446,
// section 4.1.3); its first bytes are enough.
var retry = [4]byte{0xcf, 0x21, 0xad, 0x74}

// message names a handshake message, of whose body b was captured so far.
func (t *tlsStream) message(b []byte) Event {
	name, ok := handshakeNames[t.msg[0]]
	if !ok {
		return Event{"tls", "handshake", fmt.Sprintf("type %d", t.msg[0])}
	}
	b = b[:min(len(b), t.msgLeft)]
	switch t.msg[0] {
	case 1:
		return Event{"tls", name, serverName(b)}
	case 2:
		if len(b) >= 6 && [4]byte(b[2:6]) == retry {
			return Event{"tls", "hello-retry-request", ""}
		}
	}
	return Event{"tls", name, ""}
}

// serverName finds the server_name extension of a client hello (RFC 6066,
// section 3) in what was captured of it.
func serverName(b []byte) string {
	take := func(n int) []byte {
		if n > len(b) {
			b = nil
			return nil
		}
		v := b[:n]
		b = b[n:]
		return v
	}
	vector := func(size int) []byte { // with a length before it
		n := 0
		for _, c := range take(size) {
			n = n<<8 | int(c)
		}
		return take(n)
	}
	take(2 + 32) // version and random
	vector(1)    // session
	vector(2)    // ciphers
	vector(1)    // compression
	take(2)      // length of the extensions
	for len(b) >= 4 {
		kind := binary.BigEndian.Uint16(take(2))
		ext := vector(2)
		if kind == 0 && len(ext) > 5 && int(binary.BigEndian.Uint16(ext[3:])) == len(ext)-5 {
			return printable(ext[5:])
		}
	}
	return ""
}

func printable(b []byte) string {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(b[:min(len(b), maxLine)])
}

// alertNames are those of RFC 8446, section 6, and of RFC 5246, section 7.2.
var alertNames = map[byte]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
	30: "decompression_failure", 40: "handshake_failure",
	41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked",
	45: "certificate_expired",
	46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error",
	70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
	90:  "user_canceled",
	100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
	113: "bad_certificate_status_response",
	115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}

func alertEvent(a [2]byte) Event {
	name := AlertName(a[1])
	if a[1] == 0 {
		return Event{"tls", "close-notify", ""}
	}
	level := map[byte]string{1: "warning", 2: "fatal"}[a[0]]
	return Event{"tls", "alert", level + " " + name}
}

// AlertName is what the description of an alert is called (RFC 8446, section 6).
func AlertName(description byte) string {
	if name, ok := alertNames[description]; ok {
		return name
	}
	return fmt.Sprintf("alert %d", description)
}
