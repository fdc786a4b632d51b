package line

import (
	"strconv"
	"strings"

	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet"
	"netrepro/engine/pattern"
)

// fields are the parts of a segment behind its flags, in whatever order they come.
var (
	sumText   = pattern.New(`^(?:cksum 0x[0-9a-f]+ \((correct|incorrect|unverified)[^()]*(?:\([^()]*\)?[^()]*)?\)|\[(tcp sum ok|bad tcp cksum)[^\]]*\])`)
	seqText   = pattern.New(`^seq (\d+)(?::(\d+))?`)
	rangeText = pattern.New(`^(\d+):(\d+)\((\d+)\)`)
	wordText  = pattern.New(`^(ack|win|urg|length) (\d+)`)
	noteText  = pattern.New(`^(?:\((?:DF|ttl|frag|E[C]T|tos|id|len)[^()]*\)|\[(?:tos|E[C]T|ttl|flowlabel|class|hlim|e[c]t|CE)[^\]]*\])`)
	badHeader = pattern.New(`^\[(?:bad hdr|hdr)[^\]]*\]`)
	snapped   = pattern.New(`^\[\|tcp\]?`)
)

// segment reads one.
type segment struct {
	*told.Packet
	s      string
	at     int // how much of s is understood
	old    bool
	sized  bool // the length is known
	acked  bool
	window bool
	closed bool // nothing of the packet can follow
	bound  int  // where the last number ends
	large  bool // one is too large
}

// tcp reads "Flags [P.], seq 1:10, ack 1, win 5, options […], length 9", and what it was
// before: "P 1:10(9) ack 1 win 5 <…> (DF)". open says that more may follow.
func (p *reader) tcp(s string) (used int, open bool, err error) {
	g := &segment{Packet: p.Packet, s: s}
	if !newTCP.MatchString(s) {
		g.old = true
		word, _, _ := strings.Cut(s, " ")
		word = strings.TrimSuffix(word, ",")
		p.Flags, _ = packet.ParseFlags(strings.TrimSuffix(word, ".")) // the dot only says that there is no other
		g.at = len(word)
	} else {
		open := strings.IndexByte(s, '[')
		shut := strings.IndexByte(s, ']')
		if shut < 0 {
			if len(s) > 24 || strings.ContainsAny(s[open:], " ,") {
				return 0, false, refuse("%q is not a set of TCP flags", short(s))
			}
			return len(s), true, refuse("it ends within its flags")
		}
		letters := strings.ReplaceAll(s[open+1:shut], " ", "")
		if letters != "none" && letters != "" {
			var ok bool
			if p.Flags, ok = packet.ParseFlags(letters); !ok {
				return 0, false, refuse("%q is not a set of TCP flags", short(letters))
			}
		}
		g.at = shut + 1
	}
	for g.field() {
	}
	g.missing()
	p.Sized = g.sized && g.closed
	return g.at, !g.closed, g.tooLarge()
}

// field takes the next field, if there is one.
func (g *segment) field() bool {
	skip := len(g.s[g.at:]) - len(strings.TrimLeft(g.s[g.at:], " ,"))
	s := g.s[g.at+skip:]
	take := func(n int) bool {
		g.at += skip + n
		return true
	}
	if s == "" || g.closed && !g.old {
		return false
	}
	if m := sumText.FindStringSubmatch(s); m != nil {
		switch m[1] + m[2] {
		case "correct", "tcp sum ok":
			g.Checksum = packet.GoodSum
		case "incorrect", "bad tcp cksum":
			g.Checksum = packet.BadSum
		}
		return take(len(m[0]))
	}
	if m := seqText.FindStringSubmatch(s); m != nil && !g.HasSeq {
		g.Seq, g.HasSeq = g.number(m[1]), true
		if m[2] != "" && !g.sized {
			g.Payload, g.sized = told.Size(strconv.FormatUint(uint64(g.number(m[2])-g.Seq), 10)), true
		}
		take(len(m[0]))
		g.bound = g.at
		return true
	}
	if m := rangeText.FindStringSubmatch(s); m != nil && !g.HasSeq {
		g.Seq, g.HasSeq, g.Payload, g.sized = g.number(m[1]), true, told.Size(m[3]), true
		return take(len(m[0]))
	}
	if m := wordText.FindStringSubmatch(s); m != nil {
		take(len(m[0]))
		return g.word(m[1], m[2])
	}
	if n, ok := g.options(s); ok {
		return take(n)
	}
	for _, re := range []*pattern.Pattern{noteText, badHeader} {
		if m := re.FindString(s); m != "" {
			g.DF = g.DF || strings.HasPrefix(m, "(DF")
			g.oldHeader(m)
			g.closed = g.closed || g.old && g.window && m[0] == '('
			return take(len(m))
		}
	}
	if m := snapped.FindString(s); m != "" {
		g.OptionsCut, g.closed = true, true
		return take(len(m))
	}
	g.partial(s, skip)
	return false
}

// word takes a number with its name.
func (g *segment) word(name, v string) bool {
	g.bound = g.at
	switch name {
	case "ack":
		g.Ack, g.acked = g.number(v), true
		g.Flags |= packet.ACK
	case "win", "urg":
		n, err := strconv.ParseUint(v, 10, 16)
		if err != nil {
			g.large = true
			return false
		}
		if name == "win" {
			g.Window, g.window = uint16(n), true
		} else {
			g.Urgent = uint16(n)
		}
	default:
		g.Payload, g.sized, g.closed = told.Size(v), true, true
	}
	return true
}

var oldTTL = pattern.New(`\b(ttl|id) (\d+)`)

// oldHeader reads "(ttl 64, id 3301, len 60)", which stood behind the segment once.
func (g *segment) oldHeader(s string) {
	for _, m := range oldTTL.FindAllStringSubmatch(s, 2) {
		n, err := strconv.ParseUint(m[2], 10, 16)
		switch {
		case err != nil:
		case m[1] == "id":
			g.ID = uint16(n)
		case n < 256:
			g.TTL = uint8(n)
		}
	}
}

// number reads a sequence number; one that is too large is refused later.
func (g *segment) number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		g.large = true
	}
	return uint32(n)
}

func (g *segment) tooLarge() error {
	if g.large {
		return refuse("a number in it is too large: %q", short(g.s))
	}
	return nil
}

// partial takes the beginning of a field at which the line ends.
func (g *segment) partial(s string, skip int) {
	for _, whole := range []string{"cksum 0x0000 (incorrect", "seq ", "ack ", "win ", "urg ", "options [", "length "} {
		if strings.HasPrefix(whole, s) || strings.HasPrefix(s, "cksum 0x") && whole[0] == 'c' && len(s) < 40 {
			g.at += skip + len(s)
			g.bound = len(g.s) + 1 // what stands before it is whole
			g.Cut = true
			return
		}
	}
	if g.old && g.window { // what a protocol above says
		g.closed = true
	}
}

// missing says what the line does not. What its last number says is not known either,
// where more should follow it: it may go on.
func (g *segment) missing() {
	p := g.Packet
	end := g.bound == len(g.s) && !g.closed
	if g.closed && g.window && (g.acked || !p.Flags.Has(packet.ACK) || g.old) {
		if g.old && !g.HasSeq && p.Flags.Any(packet.SYN|packet.FIN) {
			p.Missing |= packet.NoSeq
		}
		p.Cut = p.OptionsCut
		return
	}
	switch {
	case end && g.HasSeq && !g.acked && !g.window:
		p.Missing |= packet.NoSeq | packet.NoLength
		p.HasSeq, p.Seq, p.Payload = false, 0, 0
	case end && g.acked && !g.window:
		g.acked, p.Ack = false, 0
	}
	takes := p.Flags.Any(packet.SYN | packet.FIN | packet.RST)
	if !p.HasSeq && (takes || !g.acked && !g.window) {
		p.Missing |= packet.NoSeq
	}
	if !g.sized && !p.HasSeq && !g.window && !g.acked {
		p.Missing |= packet.NoLength
	}
	if !g.acked && (p.Flags.Has(packet.ACK) || p.Flags == 0 || g.old && !g.window && !p.Flags.Any(packet.SYN|packet.RST)) {
		p.Flags |= packet.ACK
		p.Missing |= packet.NoAck
		if !g.old && p.Flags == packet.ACK && strings.Contains(g.s, "[none]") {
			p.Flags, p.Missing = 0, p.Missing&^packet.NoAck
		}
	}
	if !g.window && !g.acked && p.Missing.Has(packet.NoSeq) { // it says nothing at all
		p.Missing |= packet.NoAck
	}
	if !g.window {
		p.Missing |= packet.NoWindow
		p.OptionsCut = true
	}
	p.Last = end && g.window
	p.Cut = p.Cut || p.Missing != 0 || p.OptionsCut
}
