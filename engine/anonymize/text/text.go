// Package text replaces what the text of tcpdump says of anybody, line by line.
//
// A line that tells of a packet, as package capture reads it, keeps its times and its
// numbers. Others are left empty: prompts, remarks and payload may say anything. So each
// packet stays on the line where it was.
//
// Invariant: a word that is not known to name no one is replaced. Memory is bounded.
package text

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"netrepro/engine/anonymize/standin"
	"netrepro/engine/capture"
	"netrepro/engine/capture/tcpdump"
	"netrepro/engine/capture/tcpdump/paste"
	"netrepro/engine/packet"
	"netrepro/engine/pattern"
	"netrepro/engine/tcp"
)

const (
	// maxLines is how many lines are remembered until it is known whether they tell of a
	// packet, maxBytes how many bytes of them.
	maxLines = 1 << 10
	maxBytes = 1 << 20
	// wrapped is how many lines a packet's line may have been broken into, less one.
	wrapped = 7
)

// Copy writes to w what may be shown of the text that r reads. It returns the number of
// packets that the text tells of; the error is [pcap.ErrFormat] if it has none.
func Copy(m *standin.Map, r io.Reader, w io.Writer) (packets int, err error) {
	c := &copier{names: m, r: paste.NewReader(r), w: w}
	s, err := capture.New(c)
	if err != nil {
		return 0, err
	}
	var in tcp.Input
	for {
		err := s.Next(&in)
		if c.failed != nil {
			return packets, fmt.Errorf("write text: %w", c.failed)
		}
		if errors.Is(err, io.EOF) {
			c.packet(c.last()+1, nil, false)
			c.settle(c.last() + 1)
			return packets, c.failed
		}
		if err != nil {
			return packets, err
		}
		packets++
		c.packet(in.Line, in.Packet, in.Torn)
	}
}

// copier hands lines to whoever reads packets from them, one at a time, and remembers
// them until it is known what they are.
type copier struct {
	names  *standin.Map
	r      *paste.Reader
	w      io.Writer
	failed error

	rest  []byte // of a line that is handed out
	ahead *paste.Line
	lines []line // those that are not written yet
	bytes int
	done  int // how many are written
	// The packet read last, whose line may go on, and the line where it was told of.
	pending *packet.Packet
	torn    bool // its line was cut
	at      int
}

type line struct {
	text   string
	packet bool
}

// last is the number of the last line read.
func (c *copier) last() int { return c.done + len(c.lines) }

// line is the line of a number, nil if it is not remembered.
func (c *copier) line(n int) *line {
	if i := n - c.done - 1; i >= 0 && i < len(c.lines) {
		return &c.lines[i]
	}
	return nil
}

// Read implements io.Reader.
func (c *copier) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		text, err := c.next()
		if err != nil {
			return 0, err
		}
		c.rest = append(c.rest[:0], text...)
		c.rest = append(c.rest, '\n')
		c.lines = append(c.lines, line{text: text})
		c.bytes += len(text)
		for len(c.lines) > 1 && (len(c.lines) > maxLines || c.bytes > maxBytes) {
			c.write()
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next is the next line as it was printed, an empty one where the text has one.
func (c *copier) next() (string, error) {
	if c.ahead == nil {
		l, err := c.r.Next()
		if err != nil {
			return "", err
		}
		c.ahead = &l
	}
	if c.ahead.N > c.last()+1 {
		return "", nil
	}
	l := c.ahead
	c.ahead = nil
	switch {
	case l.Long:
		return "", nil
	case l.Indented:
		return "    " + l.Text, nil
	}
	return l.Text, nil
}

// packet notes that a line tells of a packet. What came before it is known now, but for a
// line that may be the first half of it.
func (c *copier) packet(n int, p *packet.Packet, torn bool) {
	if c.pending != nil {
		c.goesOn(n)
	}
	c.pending, c.at = nil, n
	if p == nil {
		return
	}
	c.pending, c.torn = packet.Clone(p), torn
	if l := c.line(n); l != nil {
		l.packet = true
	}
	c.settle(n - 1)
}

// goesOn finds out which lines before number n, and which one before it, are a part of the
// line of the packet that was read last: those without which another packet is read.
func (c *copier) goesOn(n int) {
	l, before, after := c.line(c.at), c.line(c.at-1), c.line(c.at+1)
	half := before != nil && !before.packet && before.text != ""
	more := after != nil && c.at+1 < n && after.text != ""
	if c.pending.ICMP() != nil {
		c.quotes(n)
	}
	if l == nil || !half && !more || c.reads(l.text) {
		return
	}
	if half && c.reads(before.text, l.text) {
		before.packet = true
		return
	}
	if more && indented(after.text) && strings.Contains(after.text, " > ") && c.reads(l.text,
		after.text) { // as with -v
		after.packet = true
		return
	}
	for e := c.at + 1; e < n && e <= c.at+wrapped; e++ {
		var parts []string
		for i := c.at; i <= e; i++ {
			if c.line(i) == nil {
				return
			}
			parts = append(parts, strings.TrimSpace(c.line(i).text))
		}
		for _, sep := range []string{" ", ""} {
			one := strings.Join(parts, sep)
			if !c.reads(one) {
				continue
			}
			l.text = one
			for i := c.at + 1; i <= e; i++ {
				c.line(i).text = ""
			}
			return
		}
	}
}

// quotes keeps the lines before number n that are what an ICMP error quotes: an IP header,
// and the ends below it.
func (c *copier) quotes(n int) {
	const most = 4
	for i := c.at + 1; i < n && i <= c.at+most; i++ {
		l := c.line(i)
		if l == nil {
			return
		}
		t := strings.TrimSpace(l.text)
		l.packet = l.packet || strings.HasPrefix(t, "IP (") || strings.HasPrefix(t, "IP6 (") ||
			indented(l.text) && strings.Contains(t, " > ")
	}
}

// reads reports whether lines on their own tell of the packet that was read last.
func (c *copier) reads(lines ...string) bool {
	s, err := capture.New(strings.NewReader(strings.Join(lines, "\n") + "\n"))
	if err != nil {
		return false
	}
	var in tcp.Input
	if s.Next(&in) != nil || in.Torn != c.torn {
		return false
	}
	p, q := c.pending, in.Packet
	return p.Proto == q.Proto && p.SrcPort == q.SrcPort && p.DstPort == q.DstPort && p.Flags == q.Flags &&
		p.PayloadLen == q.PayloadLen && p.Window == q.Window && p.MSS == q.MSS && p.WScale == q.WScale &&
		p.TSVal == q.TSVal && p.SACKPermitted == q.SACKPermitted && p.TTL == q.TTL && p.ID == q.ID &&
		(p.Missing^q.Missing)&(packet.NoLength|packet.NoWindow) == 0 && p.Src.Is4() == q.Src.Is4() &&
		(p.ICMP() == nil) == (q.ICMP() == nil) && s.Next(&in) != nil
}

// settle writes the lines before number n.
func (c *copier) settle(n int) {
	for len(c.lines) > 0 && c.done+1 < n {
		c.write()
	}
}

// write writes the first line that is not written.
func (c *copier) write() {
	l := c.lines[0]
	c.lines = append(c.lines[:0], c.lines[1:]...)
	c.bytes -= len(l.text)
	c.done++
	text := ""
	switch {
	case l.packet:
		text = Line(c.names, l.text)
	case counts.MatchString(l.text):
		text = l.text
	case tcpdump.Device(l.text) != "":
		text = "listening on " + Device(c.names, tcpdump.Device(l.text)) + ", link-type"
	case tcpdump.IsOmission(l.text):
		text = "..."
	}
	if _, err := io.WriteString(c.w, text+"\n"); err != nil && c.failed == nil {
		c.failed = err
	}
}

// indented reports whether a line may go on with the packet of the line before.
func indented(s string) bool { return strings.HasPrefix(s, "    ") }

// counts are the lines that tcpdump ends with.
var counts = pattern.New(`^\d{1,10} packets? (captured|received by filter|dropped by (kernel|interface))$`)
