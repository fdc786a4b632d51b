// Package reads takes in exchanges that are written as text: a packet a line, as tcpdump
// prints them.
package reads

import (
	"fmt"
	"net/netip"
	"strings"

	"netrepro/engine/expect"
	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
)

// Parties finds a node by its name.
type Parties func(name string) (*value.Party, error)

// addressesOf are the addresses of nodes, none of a name that is no node's.
func addressesOf(party Parties) match.Names {
	return func(name string) []netip.Addr {
		y, err := party(name)
		if err != nil {
			return nil
		}
		return y.Addrs
	}
}

// Parse reads an exchange written as text, one packet a line:
//
//	SRC > DST FLAGS [rexmit] [xN|x>=N] [within D] [KEY VALUE]...
//
// In full (EBNF, words parted by blanks):
//
//	text   = { [ line ] [ "--" comment ] newline } ;
//	line   = "..." | node ">" node flags { option } ;
//	flags  = flag { flag } ;
//	flag   = "S" | "F" | "R" | "P" | "U" | "W" | "E" | "." ;
//	option = "rexmit" | times | "within" duration | key value ;
//	times  = "x" number | "x>=" number ;
//
// KEY is a key of matches ([match.Keys]), with a value that is one word: seq 1,
// ack 19, len 1..1448, tls alert, rst linger, ttl 63. Numbers are relative.
//
// SRC and DST are nodes that party resolves, FLAGS are as tcpdump writes them.
// A line of "..." lets any packets pass; otherwise lines follow each other
// directly, from the first packet on. "--" begins a comment. What comes after
// the last line is not judged. Errors begin with "line N:".
func Parse(text string, party Parties) (expect.Sequence, error) {
	var s expect.Sequence
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

func parseRow(line string, party Parties) (r expect.Row, err error) {
	w := strings.Fields(line)
	if len(w) < 4 || w[1] != ">" {
		if meant := meant(line); meant != "" {
			return r, fmt.Errorf("%q: write %s", line, meant)
		}
		return r, fmt.Errorf("%q: write SRC > DST FLAGS, then what else is known", line)
	}
	r.Text = strings.Join(w, " ")
	r.Times = expect.Count{Min: 1}
	from, err := party(w[0])
	if err != nil {
		return r, err
	}
	to, err := party(w[2])
	if err != nil {
		return r, err
	}
	flags, ok := packet.ParseFlags(w[3])
	if !ok {
		return r, fmt.Errorf("%q is not a set of flags: write them as tcpdump does, S or P. say", w[3])
	}
	r.Match = match.Of(map[string]any{"from": from, "to": to, "flags": flags})
	for w = w[4:]; len(w) > 0; {
		n, err := option(&r, w, party)
		if err != nil {
			return r, err
		}
		w = w[n:]
	}
	return r, nil
}

// flagWords are names of flags, and what tcpdump prints of them.
var flagWords = strings.NewReplacer("SYN", "S", "ACK", ".", "FIN", "F", "RST", "R", "PSH", "P", "URG", "U", ",", "", "|", "",
	"[", "", "]", "")

// meant is how a line is written that has an arrow and names of flags; empty if it has not.
func meant(line string) string {
	w := strings.Fields(line)
	if len(w) < 3 || w[1] != "->" && w[1] != "=>" && w[1] != "→" && w[1] != "-->" {
		return ""
	}
	w[1] = ">"
	if len(w) > 3 {
		w[3] = flagWords.Replace(strings.ToUpper(w[3]))
	} else {
		w = append(w, "S")
	}
	return strings.Join(w, " ")
}

// option takes one option from the front of w and returns how many words it was.
func option(r *expect.Row, w []string, party Parties) (int, error) {
	arg := func() (string, error) {
		if len(w) < 2 {
			return "", fmt.Errorf("%s: a value is missing", w[0])
		}
		return w[1], nil
	}
	switch word := w[0]; {
	case word == "rexmit":
		r.Match = r.Match.With("tcp", "rexmit")
		return 1, nil
	case word == "within":
		a, err := arg()
		if err != nil {
			return 0, err
		}
		d, ok := value.ParseDuration(a)
		if r.Within = d; !ok || d <= 0 {
			return 0, fmt.Errorf(`within: %q is not a duration: write "50ms"`, a)
		}
		return 2, nil
	case match.KeyNamed(word) != nil:
		a, err := arg()
		if err != nil {
			return 0, err
		}
		t, err := match.ReadTerm(word, a, addressesOf(party))
		if err != nil {
			return 0, err
		}
		r.Match = r.Match.With(word, t.Value)
		return 2, nil
	case strings.HasPrefix(word, "x"):
		var err error
		if r.Times, err = expect.ParseCount(word[1:]); err == nil && r.Times.Min == 0 {
			err = fmt.Errorf("%s: a line that may come zero times says nothing", word)
		}
		return 1, err
	default:
		return 0, fmt.Errorf("%q is not understood: a line takes rexmit, xN, x>=N, within, and the keys of "+
			"matches with a value, as in seq 1", word)
	}
}
