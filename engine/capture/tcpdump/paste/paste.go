// Package paste takes off the lines of a pasted text what people and programs put
// around them: quotes, markup, colours, other blanks. What is left is what was printed.
//
// It does not know what a packet is.
//
// Invariant: no text makes it panic, and it holds one line at a time.
package paste

import (
	"bufio"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"netrepro/engine/pattern"
)

// Line is a line as it was printed.
type Line struct {
	N    int // in the text as it was pasted, from 1
	Text string
	// Indented says that it began with blanks, its quotes left aside.
	Indented bool
	// Long says that it was longer than any line of a packet, and only its beginning is
	// here.
	Long bool
}

// MaxLine bounds a line, in bytes. Programs print payload below the line of its packet,
// so that a longer one is none.
const MaxLine = 16 << 10

// Reader reads lines.
type Reader struct {
	r     *bufio.Reader
	n     int
	ready []Line
}

// NewReader reads the lines of a text.
func NewReader(r io.Reader) *Reader {
	b := bufio.NewReaderSize(r, 4096)
	if mark, err := b.Peek(2); err == nil && (string(mark) == "\xff\xfe" || string(mark) == "\xfe\xff") {
		b = bufio.NewReaderSize(&wide{r: b}, 4096) // as Windows writes it
	}
	return &Reader{r: b}
}

// Next returns the next line that is not empty. The error is io.EOF after the last.
func (r *Reader) Next() (Line, error) {
	for len(r.ready) == 0 {
		text, long, err := r.read()
		if err != nil {
			return Line{}, err
		}
		r.n++
		for _, part := range parts(text) {
			l := Line{N: r.n, Long: long}
			l.Text, l.Indented = bare(part)
			if l.Text != "" {
				r.ready = append(r.ready, l)
			}
		}
	}
	l := r.ready[0]
	r.ready = r.ready[1:]
	return l, nil
}

// Unread makes the next call of Next return l again.
func (r *Reader) Unread(l Line) { r.ready = append([]Line{l}, r.ready...) }

// read is the next line, of one that is too long its beginning.
func (r *Reader) read() (string, bool, error) {
	var b []byte
	long := false
	for {
		part, err := r.r.ReadSlice('\n')
		if room := MaxLine - len(b); len(part) > room {
			part, long = part[:room], true
		}
		b = append(b, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(b) > 0:
			return string(b), long, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return "", false, io.EOF
		default:
			return "", false, fmt.Errorf("read text: %w", err)
		}
	}
}

var (
	escape = pattern.New("\x1b(?:\\[[0-9;?]*[A-Za-z]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\))")
	breaks = pattern.New(`(?i)<br\s*/?>|</(?:p|div|li|tr)>`)
	markup = pattern.New(`(?i)</?(?:p|pre|code|span|div|b|i|em|strong|tt|li|td|tr|blockquote|font|a|samp|kbd|ul|ol)` +
		`(?:\s[^<>]*)?/?>`)
	// quote is what stands before a line that somebody quotes. A number sign and a
	// star may be those of a comment around a text.
	quote = pattern.New(`^\s*(?:>|\|\s|\*(?:\s|$)|#+(?:\s|$)|//\s|;+\s|%\s|--\s|[-+]\s|•\s|~\s|"|'|` + "`+)")
	blank = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u3000", " ", "\t", " ", "\ufeff", "",
		"\u200b", "", "\u200e", "", "\u00ad", "", "\x00", "", "：", ":", "，", ", ", "＞", ">")
)

// parts are the lines that one line of markup is.
func parts(s string) []string {
	s = strings.TrimRight(s, "\r\n")
	if i := strings.LastIndexByte(s, '\r'); i >= 0 { // what was there before was written over
		s = s[i+1:]
	}
	if strings.Contains(s, "\x1b") {
		s = escape.ReplaceAllString(s, "")
	}
	for range 2 { // some forums escape twice
		if strings.Contains(s, "&") {
			s = html.UnescapeString(s)
		}
	}
	if !strings.Contains(s, "<") {
		return []string{s}
	}
	out := strings.Split(breaks.ReplaceAllString(s, "\n"), "\n")
	for i := range out {
		out[i] = markup.ReplaceAllString(out[i], "")
	}
	return out
}

// marks are what quotes begin with.
const marks = "><|*#/;%-+~\"'`"

// maxQuotes is how deep a line may be quoted.
const maxQuotes = 16

// bare is a line without what stands before it, and whether it was indented there.
func bare(s string) (text string, indented bool) {
	dump := strings.HasPrefix(s, "\t0x")
	if strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
		s = blank.Replace(s)
	}
	s = strings.TrimRight(s, " ")
	for range maxQuotes {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " "))
		if first < utf8.RuneSelf && !strings.ContainsRune(marks, first) {
			break
		}
		m := quote.FindString(s)
		if m == "" {
			break
		}
		s = s[len(m):]
	}
	s = strings.TrimRight(strings.TrimRight(s, "`\" "), "\\")
	text = strings.TrimLeft(s, " ")
	return strings.TrimRight(text, " "), dump || len(text) < len(s)
}
