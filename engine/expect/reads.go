package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/trace"
)

// ParseReads reads an exchange written as text, one packet a line:
//
//	SRC > DST FLAGS [seq N] [ack N] [len N|A..B] [rexmit] [tls NAME] [rst CAUSE] [xN|x>=N] [within D]
//
// In full (EBNF, words parted by blanks):
//
//	text   = { [ line ] [ "--" comment ] newline } ;
//	line   = "..." | node ">" node flags { option } ;
//	flags  = flag { flag } ;
//	flag   = "S" | "F" | "R" | "P" | "U" | "W" | "E" | "." ;
//	option = "seq" number | "ack" number | "len" length | "rexmit" | "tls" name | "rst" cause | times | "within" duration ;
//	length = number [ ".." number ] ;
//	times  = "x" number | "x>=" number ;
//
// Numbers are relative; NAME is one of package payload's TLS events, CAUSE one of
// package reset's kinds or causes.
//
// SRC and DST are nodes that party resolves, FLAGS are as tcpdump writes them.
// A line of "..." lets any packets pass; otherwise lines follow each other
// directly, from the first packet on. "--" begins a comment. What comes after
// the last line is not judged. Errors begin with "line N:".
func ParseReads(text string, party func(name string) (*trace.Party, error)) (Sequence, error) {
	var s Sequence
	next := true
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "--")
		line = strings.TrimSpace(line)
		switch line {
		case "":
			continue
		case "...":
			next = false
			continue
		}
		row, err := parseRow(line, party)
		if err != nil {
			return s, fmt.Errorf("line %d: %w", i+1, err)
		}
		if row.Within > 0 && len(s.Rows) == 0 {
			return s, fmt.Errorf("line %d: within: the first line has none before it", i+1)
		}
		row.Next, next = next, true
		s.Rows = append(s.Rows, row)
	}
	if len(s.Rows) == 0 {
		return s, fmt.Errorf("line 1: no packet is written here")
	}
	return s, nil
}

func parseRow(line string, party func(string) (*trace.Party, error)) (r Row, err error) {
	w := strings.Fields(line)
	if len(w) < 4 || w[1] != ">" {
		return r, fmt.Errorf("%q: write SRC > DST FLAGS, then what else is known", line)
	}
	r.Text = strings.Join(w, " ")
	r.Times = Count{Min: 1}
	if r.Match.From, err = party(w[0]); err != nil {
		return r, err
	}
	if r.Match.To, err = party(w[2]); err != nil {
		return r, err
	}
	flags, ok := packet.ParseFlags(w[3])
	if !ok {
		return r, fmt.Errorf("%q is not a set of flags: write them as tcpdump does, S or P. say", w[3])
	}
	r.Match.Flags = flags.String()
	for w = w[4:]; len(w) > 0; {
		n, err := r.word(w)
		if err != nil {
			return r, err
		}
		w = w[n:]
	}
	return r, nil
}

// word takes one option from the front of w and returns how many words it was.
func (r *Row) word(w []string) (int, error) {
	arg := func() (string, error) {
		if len(w) < 2 {
			return "", fmt.Errorf("%s: a value is missing", w[0])
		}
		return w[1], nil
	}
	switch word := w[0]; {
	case word == "rexmit":
		r.Match.TCP = trace.KindRexmit
		return 1, nil
	case word == "seq", word == "ack":
		a, err := arg()
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseUint(a, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%s: %q is not a relative sequence number", word, a)
		}
		v := uint32(n)
		if word == "seq" {
			r.Match.Seq = &v
		} else {
			r.Match.Ack = &v
		}
		return 2, nil
	case word == "tls":
		a, err := arg()
		if err == nil && !slices.Contains(payload.Names(), a) {
			err = fmt.Errorf("tls: %q is not the name of a TLS event: there is %s", a, strings.Join(payload.Names(), ", "))
		}
		r.Match.TLS = a
		return 2, err
	case word == "rst":
		a, err := arg()
		switch {
		case err != nil:
		case slices.Contains(reset.Kinds, reset.Kind(a)):
			r.Match.RST = &trace.ResetMatch{Kind: a}
		case slices.Contains(reset.Causes, reset.Cause(a)):
			r.Match.RST = &trace.ResetMatch{Cause: a}
		default:
			err = fmt.Errorf("rst: %q is neither a kind nor a cause of a reset", a)
		}
		return 2, err
	case word == "len":
		a, err := arg()
		if err != nil {
			return 0, err
		}
		r.Match.Len, err = ParseRange(a)
		return 2, err
	case word == "within":
		a, err := arg()
		if err != nil {
			return 0, err
		}
		r.Within, err = time.ParseDuration(a)
		if err != nil || r.Within <= 0 {
			return 0, fmt.Errorf(`within: %q is not a duration: write "50ms"`, a)
		}
		return 2, nil
	case strings.HasPrefix(word, "x"):
		var err error
		if r.Times, err = ParseCount(word[1:]); err == nil && r.Times.Min == 0 {
			err = fmt.Errorf("%s: a line that need not come says nothing", word)
		}
		return 1, err
	default:
		return 0, fmt.Errorf("%q is not understood: a line takes seq, ack, len, rexmit, tls, rst, xN, x>=N and within", word)
	}
}

// ParseRange reads "7", "1..5" or ">= 3".
func ParseRange(s string) (*trace.Range, error) {
	if lo, hi, ok := strings.Cut(s, ".."); ok {
		a, aerr := strconv.Atoi(lo)
		b, berr := strconv.Atoi(hi)
		if aerr == nil && berr == nil && 0 <= a && a <= b {
			return &trace.Range{Min: a, Max: b}, nil
		}
	} else if c, err := ParseCount(s); err == nil {
		if c.OrMore {
			return &trace.Range{Min: c.Min, Max: -1}, nil
		}
		return &trace.Range{Min: c.Min, Max: c.Min}, nil
	}
	return nil, fmt.Errorf(`%q is not a length: write 18, 1..1448 or ">= 1"`, s)
}
