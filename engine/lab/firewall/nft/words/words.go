//go:build linux

// Package words reads the words of an nftables rule and the values among them:
// numbers, ports and addresses. It does not know what they mean.
package words

import (
	"fmt"
	"strings"
)

// Error is a word of a rule that is not understood.
type Error struct {
	Word string
	Msg  string
}

// Error implements error.
func (e *Error) Error() string { return e.Msg }

// Wrong makes an [Error] about a word.
func Wrong(word, format string, args ...any) error {
	return &Error{Word: word, Msg: fmt.Sprintf(format, args...)}
}

// breaks are the characters that end a word.
const breaks = " \t\n\"{},()|&/=!<>"

// cut cuts a rule into words: operators, brackets and commas stand for
// themselves.
func cut(text string) ([]string, error) {
	var out []string
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			i++
		case c == '"':
			end := strings.IndexByte(text[i+1:], '"')
			if end < 0 {
				return nil, Wrong(text[i:], "a quotation mark is not closed")
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
			for end < len(text) && (!strings.ContainsRune(breaks, rune(text[end])) || slashInPrefix(text, end)) {
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

// Words are the words of a rule, taken one after the other.
type Words struct {
	all []string
	at  int
}

// Of cuts a rule into words. Its errors are *[Error].
func Of(rule string) (Words, error) {
	all, err := cut(rule)
	return Words{all: all}, err
}

// Done reports whether all words are taken.
func (w *Words) Done() bool { return w.at >= len(w.all) }

// Peek is the word so many places on, empty at the end.
func (w *Words) Peek(n int) string {
	if w.at+n < len(w.all) {
		return w.all[w.at+n]
	}
	return ""
}

// Next takes the next word, empty at the end.
func (w *Words) Next() string {
	s := w.Peek(0)
	w.at++
	return s
}

// Take takes words if they come next.
func (w *Words) Take(words ...string) bool {
	for i, s := range words {
		if w.Peek(i) != s {
			return false
		}
	}
	w.at += len(words)
	return true
}

// TakeName takes the words of a name that is known: the longest of at most so many
// words, and of two at least.
func (w *Words) TakeName(most int, known func(name string) bool) (name string, ok bool) {
	for n := most; n >= 2; n-- {
		if w.at+n > len(w.all) {
			continue
		}
		if name := strings.Join(w.all[w.at:w.at+n], " "); known(name) {
			w.at += n
			return name, true
		}
	}
	return "", false
}

// Need takes a word that must come next.
func (w *Words) Need(what string) error {
	if s := w.Next(); s != what {
		return Wrong(s, "%q must follow %q, not %q", what, w.before(), s)
	}
	return nil
}

// Uint takes a number of so many bits.
func (w *Words) Uint(bits int) (uint64, error) {
	s := w.Next()
	n, err := ParseUint(s, bits)
	if err != nil {
		return 0, Wrong(s, "%q is not a number", s)
	}
	return n, nil
}

// before is the word before the last.
func (w *Words) before() string {
	if w.at >= 2 && w.at-2 < len(w.all) {
		return w.all[w.at-2]
	}
	return ""
}
