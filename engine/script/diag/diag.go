// Package diag points at things in a script: positions, and errors that show
// the line, a caret and what to do.
//
// It knows the syntax of Lua and nothing of what scripts say.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/near"
)

// Error is a fault in a script.
type Error struct {
	File      string
	Line, Col int // from 1; 0 if unknown
	Msg       string
	Takes     string   // what would have been accepted, a line of its own
	Hint      string   // what to do
	Text      string   // the source line
	Width     int      // of the word at fault
	Callers   []string // "file:line" of what called it, the innermost first
	Err       error    // what caused it, if it has a value of its own
	More      []*Error // others of the same place, shown after it
}

// With is e with another of the same kind, in the order in which they stand; e may be nil.
func (e *Error) With(other *Error) *Error {
	if e == nil {
		return other
	}
	all := append(append([]*Error{e}, e.More...), other)
	slices.SortStableFunc(all, func(a, b *Error) int { return cmp.Or(a.Line-b.Line, a.Col-b.Col) })
	for _, x := range all {
		x.More = nil
	}
	all[0].More = all[1:]
	return all[0]
}

// Error is the first line: "file:line:col: what is wrong".
func (e *Error) Error() string { return e.Pos() + ": " + e.Msg }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Pos is "file:line:col" as far as known.
func (e *Error) Pos() string {
	switch {
	case e.Line == 0:
		return e.File
	case e.Col == 0:
		return fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col)
}

// Render is the whole message, with the source line and the hint.
func (e *Error) Render() string {
	var b strings.Builder
	b.WriteString(e.Error())
	if e.Takes != "" {
		b.WriteString("\n        " + e.Takes)
	}
	switch {
	case e.Text != "" && e.Line > 0:
		text, col := clip(strings.ReplaceAll(e.Text, "\t", " "), e.Col)
		fmt.Fprintf(&b, "\n%5d | %s", e.Line, text)
		if e.Col > 0 {
			caret := "^" + strings.Repeat("~", min(max(e.Width-1, 0), maxText))
			fmt.Fprintf(&b, "\n      | %s%s", strings.Repeat(" ", col-1), caret)
			if e.Hint != "" {
				b.WriteString(" " + e.Hint)
			}
		} else if e.Hint != "" {
			b.WriteString("\n      | " + e.Hint)
		}
	case e.Hint != "":
		b.WriteString("\n      | " + e.Hint)
	}
	if len(e.Callers) > 0 {
		b.WriteString("\n      called from " + strings.Join(e.Callers, ", from "))
	}
	for _, more := range e.More {
		b.WriteString("\n" + more.Render())
	}
	return b.String()
}

// maxText is how much of a long line is shown, in characters.
const maxText = 160

// clip is the part of a long line around a column, and the column in it.
func clip(text string, col int) (string, int) {
	r := []rune(text)
	if len(r) <= maxText {
		return text, col
	}
	from := min(max(col-1-maxText/2, 0), len(r)-maxText)
	out := string(r[from : from+maxText])
	if from > 0 {
		out, col = "…"+out, col+1
	}
	if from+maxText < len(r) {
		out += "…"
	}
	return out, col - from
}

// AtValue is [Source.At] for a word that is the value of a key: one that stands after
// "key =" comes before others.
func (s *Source) AtValue(line int, key, word, msg, hint string) *Error {
	e := s.At(line, word, msg, hint)
	if word == "" {
		return e
	}
	for l, end := line, s.lastLine(line); l <= end && l <= len(s.lines); l++ {
		text := s.line(l)
		for from := 0; from < len(text); {
			at := column(text[from:], key)
			if at == 0 {
				break
			}
			after := from + len(string([]rune(text[from:])[:at-1])) + len(key)
			value := strings.TrimLeft(text[after:], " \t")
			from = after
			if rest, ok := strings.CutPrefix(value, "="); ok && !strings.HasPrefix(rest, "=") {
				begin := len(text) - len(rest)
				if col := column(rest, word); col > 0 {
					e.Line, e.Text, e.Width = l, text, len([]rune(word))
					e.Col = len([]rune(text[:begin])) + col
					return e
				}
			}
		}
	}
	return e
}

// AtMember is [Source.At] for a word that is the name of a member: one that stands after
// a colon or a dot comes before others.
func (s *Source) AtMember(line int, word, msg, hint string) *Error {
	e := s.At(line, word, msg, hint)
	if e.Col == 0 {
		return e
	}
	text := []rune(e.Text)
	for from := 0; from < len(text); {
		at := column(string(text[from:]), word)
		if at == 0 {
			break
		}
		at += from
		if at > 1 && (text[at-2] == ':' || text[at-2] == '.') {
			e.Col = at
			break
		}
		from = at
	}
	return e
}

// At makes an error at a word on line or, if the word is not there, on one of
// the lines after it that still belong to the same statement. word may be
// empty.
func (s *Source) At(line int, word, msg, hint string) *Error {
	e := &Error{File: s.Name, Line: line, Msg: msg, Hint: hint, Text: s.line(line)}
	if word == "" {
		return e
	}
	for l, end := line, s.lastLine(line); l <= end && l <= len(s.lines); l++ {
		if col := column(s.line(l), word); col > 0 {
			e.Line, e.Col, e.Width, e.Text = l, col, len([]rune(word)), s.line(l)
			break
		}
	}
	return e
}

// column is where word stands in text as a whole word, from 1; 0 if it does
// not.
func column(text, word string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return 0
		}
		at, end := from+i, from+i+len(word)
		before := at == 0 || !isWord(word[0]) || !isWord(text[at-1])
		after := end == len(text) || !isWord(word[len(word)-1]) || !isWord(text[end])
		if before && after {
			return len([]rune(text[:at])) + 1
		}
		from = at + 1
	}
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// DidYouMean is a hint with the nearest of known, empty if none is near.
func DidYouMean(word string, known []string) string { return near.Hint(word, known) }
