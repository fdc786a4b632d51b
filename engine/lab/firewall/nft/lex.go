//go:build linux

package nft

import (
	"fmt"
	"strings"
)

// Error is a word of a rule that is not understood.
type Error struct {
	Word string
	Msg  string
}

func (e *Error) Error() string { return e.Msg }

func wrong(word, format string, args ...any) error {
	return &Error{Word: word, Msg: fmt.Sprintf(format, args...)}
}

// words cuts a rule into words: operators, brackets and commas stand for
// themselves.
func words(text string) ([]string, error) {
	var out []string
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			i++
		case c == '"':
			end := strings.IndexByte(text[i+1:], '"')
			if end < 0 {
				return nil, wrong(text[i:], "a quote is not closed")
			}
			out = append(out, text[i+1:i+1+end])
			i += end + 2
		case strings.ContainsRune("{},()|&/", rune(c)) && !slashInPrefix(text, i):
			out = append(out, string(c))
			i++
		case strings.ContainsRune("=!<>", rune(c)):
			n := 1
			if i+1 < len(text) && text[i+1] == '=' {
				n = 2
			}
			out = append(out, text[i:i+n])
			i += n
		default:
			end := i
			for end < len(text) && (!strings.ContainsRune(" \t\n\"{},()|&/=!<>", rune(text[end])) || slashInPrefix(text, end)) {
				end++
			}
			out = append(out, text[i:end])
			i = end
		}
	}
	return out, nil
}

// slashInPrefix reports whether a slash stands between an address or a number
// and what belongs to it, as in 10.0.0.0/8 and 5/second.
func slashInPrefix(text string, i int) bool {
	return text[i] == '/' && i > 0 && i+1 < len(text) && text[i-1] != ' ' && text[i+1] != ' '
}

// parser goes through the words of a rule.
type parser struct {
	words []string
	at    int
	out   *Rule
	net   string // what is known of the packet so far: "ip", "ip6"
	proto string // "tcp", "udp", …
}

// peek is the word so many places on, empty at the end.
func (p *parser) peek(n int) string {
	if p.at+n < len(p.words) {
		return p.words[p.at+n]
	}
	return ""
}

func (p *parser) next() string {
	w := p.peek(0)
	p.at++
	return w
}

// take takes words if they come next.
func (p *parser) take(words ...string) bool {
	for i, w := range words {
		if p.peek(i) != w {
			return false
		}
	}
	p.at += len(words)
	return true
}

// need takes a word that must come next.
func (p *parser) need(what string) error {
	if w := p.next(); w != what {
		return wrong(w, "%q is to follow %q, not %q", what, p.before(), w)
	}
	return nil
}

// before is the word before the last.
func (p *parser) before() string {
	if p.at >= 2 && p.at-2 < len(p.words) {
		return p.words[p.at-2]
	}
	return ""
}
