package handshake

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/sanitize"
	"netrepro/engine/tcp/payload"
)

// Record content types (RFC 8446, section 5.1).
const (
	changeCipherSpec = 20
	alertRecord      = 21
	handshakeRecord  = 22
	applicationData  = 23
)

const (
	recordHeader  = 5
	messageHeader = 4
	// maxMessage bounds a handshake message that is read, maxSealed what is kept of a
	// side's encrypted records until a key log may open them.
	maxMessage = 128 << 10
	maxSealed  = 64 << 10
	// shortRecord is as long as an encrypted alert may be; the last maxShort records that
	// short are kept however many came before.
	shortRecord, maxShort = 64, 8
	// maxRecords is how many encrypted records of a side are counted.
	maxRecords = 1 << 20
)

// Conn reads the handshake of one connection.
type Conn struct {
	Facts
	sides  [2]records
	budget *stream.Budget
	flight bool // the server's flight goes on
}

// records are those of one side.
type records struct {
	head    [recordHeader]byte
	have    int
	left    int // bytes of the record's body still to come
	wanted  bool
	body    []byte
	msgs    []byte // handshake messages that are not whole yet
	skip    int    // bytes of a message that is too long to be read
	private bool   // what comes is encrypted
	torn    bool   // something was not captured
	sealed  []sealed
	kept    int // bytes of sealed
	records int // encrypted ones so far
}

// sealed is an encrypted record.
type sealed struct {
	number int // among the encrypted records of its side
	body   []byte
	at     stream.Place
}

// New follows a connection. The budget is for what is kept.
func New(b *stream.Budget) *Conn { return &Conn{Facts: Facts{Client: -1}, budget: b} }

// Take takes in bytes that side sent, size of them, of which data was captured. It reports
// false if they are no TLS, or the place in the stream is lost.
func (c *Conn) Take(side int, data []byte, size int, at stream.Place) bool {
	if c.flight && side == c.Client && c.Flight.Bytes > 0 {
		c.flight = false
	}
	ok := c.sides[side].feed(c, side, data, size, at)
	if !ok {
		c.lose(side)
	}
	if c.flight && side != c.Client {
		c.Flight.Bytes += size
		c.Flight.Segments++
	}
	return ok
}

// Gap passes over bytes that were not captured. It reports false if the place in the
// stream is lost.
func (c *Conn) Gap(side, n int) bool {
	r := &c.sides[side]
	if n > r.left {
		c.lose(side)
		return false
	}
	r.miss(c, n)
	return true
}

// lose begins anew where a record begins.
func (c *Conn) lose(side int) {
	r := &c.sides[side]
	c.budget.Return(len(r.msgs))
	r.have, r.left, r.wanted, r.body, r.msgs, r.skip, r.torn = 0, 0, false, nil, nil, 0, true
}

// miss passes over n bytes of a record.
func (r *records) miss(c *Conn, n int) {
	c.budget.Return(len(r.msgs))
	r.left -= n
	r.torn = true
	r.wanted, r.body, r.msgs = false, nil, nil
	if r.left == 0 && r.private {
		r.records++
	}
}

func (r *records) feed(c *Conn, side int, data []byte, size int, at stream.Place) bool {
	for size > 0 {
		if r.left == 0 {
			n := min(recordHeader-r.have, size)
			if len(data) < n {
				return false
			}
			copy(r.head[r.have:], data[:n])
			r.have, data, size = r.have+n, data[n:], size-n
			if r.have < recordHeader {
				return true
			}
			if !payload.LooksLikeTLS(r.head[:]) {
				return false
			}
			r.have, r.left = 0, int(binary.BigEndian.Uint16(r.head[3:]))
			r.begin(c)
			continue
		}
		n := min(r.left, size)
		if len(data) < n {
			r.miss(c, n)
			data, size = nil, size-n
			continue
		}
		if r.wanted {
			r.body = append(r.body, data[:n]...)
		}
		r.left, data, size = r.left-n, data[n:], size-n
		if r.left == 0 {
			r.end(c, side, at)
		}
	}
	return true
}

// begin decides whether the body of a record is needed.
func (r *records) begin(c *Conn) {
	r.body = r.body[:0]
	switch r.head[0] {
	case changeCipherSpec:
		r.wanted = false
	case applicationData:
		r.private = true
		r.wanted = c.modern() && r.room(r.left)
	default: // the messages of TLS 1.2 are encrypted after the change of cipher
		r.wanted = !r.private || c.modern()
	}
}

// room reports whether an encrypted record of n bytes is kept.
func (r *records) room(n int) bool {
	return !r.torn && r.records < maxRecords && (n <= shortRecord || r.kept+n <= maxSealed)
}

// modern reports whether the connection is of TLS 1.3, or may be.
func (c *Conn) modern() bool { return !c.Answered || c.Version >= 0x0304 }

func (r *records) end(c *Conn, side int, at stream.Place) {
	body := r.body
	switch r.head[0] {
	case changeCipherSpec:
		r.private = r.private || c.Answered && !c.modern() || !c.Answered && c.Hello == nil
	case applicationData:
		if r.wanted {
			r.seal(c, body, at)
		}
		r.records++
	case alertRecord:
		if len(body) == 2 && !r.private {
			c.alert(side, body, false, at)
		}
	case handshakeRecord:
		if r.wanted && !r.private {
			r.messages(c, side, body, at)
		}
	}
	if cap(r.body) > shortRecord {
		r.body = nil
	}
}

// seal keeps an encrypted record.
func (r *records) seal(c *Conn, body []byte, at stream.Place) {
	if r.kept+len(body) > maxSealed { // a short one
		from := len(r.sealed) - maxShort
		if from < 0 || len(r.sealed[from].body) > shortRecord {
			from = len(r.sealed)
		}
		if from < len(r.sealed) {
			c.budget.Return(len(r.sealed[from].body))
			r.sealed = slices.Delete(r.sealed, from, from+1)
		} else if len(r.sealed) >= 4*maxSealed/shortRecord {
			return
		}
	}
	if !c.budget.Draw(len(body)) {
		return
	}
	r.kept += len(body)
	r.sealed = append(r.sealed, sealed{r.records, slices.Clone(body), at})
}

// messages takes in the content of a handshake record.
func (r *records) messages(c *Conn, side int, b []byte, at stream.Place) {
	if n := min(r.skip, len(b)); n > 0 {
		r.skip, b = r.skip-n, b[n:]
	}
	if len(b) == 0 || len(r.msgs)+len(b) > maxMessage+(1<<14) || !c.budget.Draw(len(b)) {
		return
	}
	r.msgs = append(r.msgs, b...)
	done := 0
	for rest := r.msgs; len(rest) >= messageHeader; rest = r.msgs[done:] {
		n := int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
		if n > maxMessage {
			r.skip = n - (len(rest) - messageHeader)
			done = len(r.msgs)
			break
		}
		if len(rest) < messageHeader+n {
			break
		}
		c.message(side, rest[0], rest[messageHeader:messageHeader+n], at)
		done += messageHeader + n
	}
	c.budget.Return(done)
	if r.msgs = r.msgs[done:]; len(r.msgs) == 0 {
		r.msgs = nil
	}
}

// maxAlerts is how many alerts are kept.
const maxAlerts = 4

func (c *Conn) alert(side int, b []byte, opened bool, at stream.Place) {
	if len(c.Alerts) < maxAlerts {
		c.Alerts = append(c.Alerts, Alert{By: side, Fatal: b[0] == 2, Name: payload.AlertName(b[1]), Opened: opened, At: at})
	}
}

// Tell adds what a text tells of a message without its bytes.
func (c *Conn) Tell(side int, name, detail string, at stream.Place) {
	switch name {
	case "client-hello":
		if c.Hello == nil && detail != "" {
			c.Client, c.Hello = side, &Hello{ServerName: sanitize.Text(detail[:min(len(detail), maxName)]), At: at}
		}
	case "alert":
		level, what, _ := strings.Cut(detail, " ")
		if len(c.Alerts) < maxAlerts {
			c.Alerts = append(c.Alerts, Alert{By: side, Fatal: level == "fatal", Name: sanitize.Text(what), At: at})
		}
	}
}

// Finish ends the reading: records that the key log opens are read.
func (c *Conn) Finish(log *keylog.Log) {
	if c.Hello != nil && c.Answered && c.Version >= 0x0304 {
		c.openServer(log)
		c.openClient(log)
	}
	for i := range c.sides {
		c.budget.Return(c.sides[i].kept + len(c.sides[i].msgs))
		c.sides[i] = records{}
	}
}

// Swap changes which side is which.
func (f *Facts) Swap() {
	if f.Client >= 0 {
		f.Client = 1 - f.Client
	}
	for i := range f.Alerts {
		f.Alerts[i].By = 1 - f.Alerts[i].By
	}
}

// When is the time of a place of a capture that began at start; zero if that is not known.
func When(start time.Time, at stream.Place) time.Time {
	if start.IsZero() {
		return start
	}
	return start.Add(at.Time)
}
