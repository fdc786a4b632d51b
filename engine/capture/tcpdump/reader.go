// Package tcpdump reads what tcpdump prints, and the list of packets of Wireshark and
// tshark: the text people paste into tickets when the capture itself is gone.
//
// Every packet becomes a frame again: an IP packet with the headers the text tells of
// and without its payload, as if the capture had been cut short after the headers.
// Which numbers a line does not say stands in the frame. Of packets within packets, the
// innermost counts.
//
// Package paste takes off what stands around the lines, clock reads their times, line
// and columns what they say, and relative turns sequence numbers back.
//
// Invariant: no text makes it panic, and its memory is bounded by the number of
// connections in the text.
package tcpdump

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/capture/tcpdump/clock"
	"netrepro/engine/capture/tcpdump/columns"
	"netrepro/engine/capture/tcpdump/dump"
	"netrepro/engine/capture/tcpdump/line"
	"netrepro/engine/capture/tcpdump/listed"
	"netrepro/engine/capture/tcpdump/paste"
	"netrepro/engine/capture/tcpdump/relative"
	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
)

// Reader reads frames from text.
type Reader struct {
	// Names are the hosts that the text calls by name, with the
	// documentation addresses (RFC 5737) that stand in for them.
	Names []pcap.Name
	// Interfaces are the capture points that the text names, or the captures that it
	// holds. There are none if it names none and holds one.
	Interfaces []pcap.Interface
	// Lost is what tcpdump said that it lost: "packets dropped by kernel".
	Lost uint64
	Notices

	lines *paste.Reader
	ended bool
	gap   bool   // packets were left out before the next
	took  *entry // a line that begins a packet and is not taken in yet

	queue  []entry // read, while it is not known what their times count from
	frames int
	clock  clock.Clock
	flows  relative.Table
	hosts  map[string]netip.Addr
	rows   listed.Table
	firsts map[string]uint8 // protocols of first fragments, by the hosts
	points map[string]int
	run    run
	sized  bool // lines say the length
	ready  []byte
}

// entry is a packet of the text, or the beginning of another capture.
type entry struct {
	stamp   clock.Stamp
	line    int
	text    string
	row     *columns.Row
	res     line.Result
	quoted  *entry
	section bool
	timed   bool
	gap     bool       // packets were left out before it
	tries   int        // lines that were no more of it
	dump    dump.Bytes // of the packet, as -x prints them
}

// maxAhead is how many packets are read before it is decided what their times count from.
const maxAhead = 1 << 10

// NewReader reads text from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{lines: paste.NewReader(r), hosts: map[string]netip.Addr{},
		points: map[string]int{}, firsts: map[string]uint8{}}
}

// Next reads the next packet into f. The error is io.EOF at the end, or
// [pcap.ErrFormat] if the text has no packet at all.
func (r *Reader) Next(f *pcap.Frame) error {
	decided := r.clock.Decided()
	for {
		for len(r.queue) == 0 || !decided && !r.ended && len(r.queue) < maxAhead {
			e, err := r.gather()
			if errors.Is(err, io.EOF) {
				r.ended = true
				break
			}
			if err != nil {
				return err
			}
			decided = r.clock.Look(e.stamp) || e.stamp.Kind == clock.None && len(r.queue) == 0
			r.queue = append(r.queue, e)
		}
		if len(r.queue) == 0 {
			return r.end()
		}
		e := r.queue[0]
		r.queue = r.queue[1:]
		if r.frame(&e, f) {
			r.frames++
			return nil
		}
	}
}

// end is the error at the end of the text.
func (r *Reader) end() error {
	if r.frames > 0 {
		r.Either = r.clock.Either()
		return io.EOF
	}
	why := "no line of it is one that tcpdump prints"
	if len(r.Skips) > 0 {
		why = fmt.Sprintf("line %d: %s", r.Skips[0].Line, r.Skips[0].Why)
	}
	return fmt.Errorf("%w: neither pcap nor pcapng, and as text: %s", pcap.ErrFormat, why)
}

// gather reads the lines of the next packet.
func (r *Reader) gather() (entry, error) {
	pend := r.took
	r.took = nil
	var quoted *entry
	for !complete(pend, quoted) {
		l, err := r.lines.Next()
		if err != nil {
			if errors.Is(err, io.EOF) && pend != nil {
				break
			}
			return entry{}, err
		}
		if l.Long || pend.bytes(l.Text) || r.aside(l) {
			continue
		}
		if len(l.Text) < 40 && omitted.MatchString(l.Text) {
			r.gap = true
			continue
		}
		if pend == nil && !may(l.Text) {
			continue
		}
		e := r.read(l)
		open := pend
		if quoted != nil {
			open = quoted
		}
		switch {
		case open != nil && !e.timed && !e.section && open.join(l.Text):
		case e.section:
			if pend == nil {
				return *e, nil
			}
			r.took = e
			return r.done(pend, quoted), nil
		case pend != nil && pend.refusing() && quoted == nil && !e.timed && e.begins() &&
			(pend.timed || l.Indented):
			quoted = e
		case e.begins() || e.timed && e.res.Looks:
			e.gap, r.gap = r.gap, false
			if pend == nil {
				pend = e
				continue
			}
			r.took = e
			return r.done(pend, quoted), nil
		case e.res.Looks && strings.Contains(l.Text, "Flags ["):
			r.skip(l.N, "it has neither a time nor addresses")
		}
	}
	r.dumps(pend)
	return r.done(pend, quoted), nil
}

// dumps takes in the lines of bytes that stand below the last line of e.
func (r *Reader) dumps(e *entry) {
	for {
		l, err := r.lines.Next()
		if err != nil {
			return // the next call has the error again
		}
		if !e.bytes(l.Text) {
			r.lines.Unread(l)
			return
		}
	}
}

// bytes takes in a line of the packet's bytes; it reports whether it is one.
func (e *entry) bytes(s string) bool {
	if e == nil {
		return (*dump.Bytes)(nil).Line(s)
	}
	return e.dump.Line(s)
}

func (r *Reader) done(pend, quoted *entry) entry {
	pend.quoted = quoted
	return *pend
}

// complete reports whether no further line is of the packet.
func complete(pend, quoted *entry) bool {
	switch {
	case pend == nil:
		return false
	case quoted != nil:
		return !quoted.res.Open || quoted.tries > maxTries
	}
	return pend.tries > maxTries || !pend.res.Open && !pend.refusing()
}

// refusing reports whether e is an ICMP error, which -v prints the packet of that it is
// about.
func (e *entry) refusing() bool {
	p := e.res.Packet
	if p == nil || len(p.Body) == 0 || e.row != nil {
		return false
	}
	if p.V6 {
		return p.Body[0] < 128
	}
	return p.Body[0] == 3 || p.Body[0] == 11 || p.Body[0] == 12 || p.Body[0] == 4
}

// begins reports whether a line is the first of a packet.
func (e *entry) begins() bool {
	switch {
	case e.row != nil || e.section:
		return true
	case e.res.Packet != nil:
		return e.timed || e.res.Looks
	}
	return e.res.Open && e.res.Used > 0 && (e.timed || e.res.Looks)
}

const (
	// maxJoined bounds the lines of one packet, in bytes, and maxTries how many lines are
	// tried for more of it.
	maxJoined = 4 << 10
	maxTries  = 24
)

// may reports whether a line can be that of a packet, or of a capture: most of those that
// cannot are told at once.
func may(s string) bool {
	return strings.ContainsAny(s, ">→⇒.…") && (strings.ContainsAny(s, "0123456789>…") || strings.HasPrefix(s, "..")) ||
		strings.Contains(s, "IP") || strings.Contains(s, "captured") || strings.Contains(s, "listening on") ||
		strings.Contains(s, "tcpdump") || strings.Contains(s, "tshark")
}

// join takes in the next line, if more of the packet is understood with it. Programs
// break lines at blanks, terminals where they end.
func (e *entry) join(text string) bool {
	if e.tries++; !e.res.Open || e.row != nil || len(e.text)+len(text) > maxJoined || e.tries > maxTries {
		return false
	}
	best, joined := line.Result{}, ""
	for _, between := range []string{" ", ""} {
		t := e.text + between + text
		res := line.Parse(t, e.timed)
		left := len(t) - res.Used
		if res.Used <= len(e.text)+len(between) || res.Err != nil && !res.Open || res.Packet == nil && !res.Open {
			continue
		}
		if joined == "" || left < len(joined)-best.Used || isTCP(res) && !isTCP(best) {
			best, joined = res, t
		}
	}
	if joined == "" {
		return false
	}
	e.res, e.text, e.tries = best, joined, 0
	return true
}

func isTCP(r line.Result) bool { return r.Packet != nil && r.Packet.Proto == header.ProtoTCP }

var (
	counted  = pattern.New(`^\[?(\d{1,9})[\]:.)]{0,2} +`)
	grepped  = pattern.New(`^\d+[:-](\d\d:\d\d:\d\d[.:,]|IP6? )`)
	embedded = pattern.New(`(?:\d{4}-\d\d-\d\d[ T])?\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})? +(?:IP6? |\S+ +(?:In|Out) +IP6? )`)
	listOf   = pattern.New(`→|⇒|->|â†’|\\342\\206\\222|\[(?:SYN|ACK|RST|FIN|PSH)[,\]]|^"?\d+"?,"| (?:TCP|UDP|TLSv1\S*|HTTP|DNS|ICMPv?6?) `)
)

// mayList reports whether it is worth while to look for [listOf] in a line: to look for words
// alone takes a tenth of the time.
func mayList(s string) bool {
	for _, word := range []string{"→", "⇒", "->", "â†’", `\342`, "[SYN", "[ACK", "[RST", "[FIN", "[PSH", `,"`, " TCP ", " UDP ",
		" TLSv1", " HTTP ", " DNS ", " ICMP"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// read reads one line by itself.
func (r *Reader) read(l paste.Line) *entry {
	e := &entry{line: l.N}
	if prompt, name, ok := section(l.Text); ok {
		e.section, e.text = true, prompt+"\n"+name
		return e
	}
	if mayList(l.Text) && listOf.MatchString(l.Text) {
		if row, ok := columns.Parse(l.Text); ok {
			e.stamp, e.row, e.timed = row.Stamp, &row, true
			e.res = line.Result{Packet: row.Packet, Looks: true}
			return e
		}
	}
	text := l.Text
	var rest string
	if e.stamp, rest = clock.Read(text); e.stamp.Kind == clock.None {
		if at := grepped.FindStringSubmatchIndex(text); at != nil {
			text = text[at[2]:]
		} else if m := counted.FindString(text); m != "" && !strings.HasPrefix(text[len(m):], "> ") {
			text = text[len(m):]
		}
		if e.stamp, rest = clock.Read(text); e.stamp.Kind == clock.None {
			if at := embedded.FindStringIndex(text); at != nil {
				e.stamp, rest = clock.Read(text[at[0]:])
			}
		}
	}
	e.timed = e.stamp.Kind != clock.None
	e.text = strings.TrimLeft(rest, " ")
	e.res = line.Parse(e.text, e.timed)
	return e
}

// omitted is a line that stands for those that were left out.
var omitted = pattern.New(`(?i)^[\[(<{*\s-]*(?:\.{2,}|…+|(?:\.+ ?)?(?:snip(?:ped)?|cut|omitted|skipped|truncated|省略)(?: ?\.+)?)[\])>}*\s-]*$`)

// IsOmission reports whether a line stands for packets that were left out of the text.
func IsOmission(line string) bool { return omitted.MatchString(line) }

var dropped = pattern.New(`^(\d+) packets? dropped by (?:kernel|interface)`)

// aside takes in a line that is of no packet.
func (r *Reader) aside(l paste.Line) bool {
	if m := dropped.FindStringSubmatch(l.Text); m != nil {
		n, _ := strconv.ParseUint(m[1], 10, 32)
		r.Lost += n
		return true
	}
	return strings.HasPrefix(l.Text, "0x") && l.Indented // a hex dump
}
