package sanitize

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// Writer passes on what is fit to be shown, ends of lines, tabs, and the escape
// sequences that the program itself writes; U+FFFD for all else. It is the last
// guard: what is from outside is made plain before it is painted.
type Writer struct {
	w    io.Writer
	ours [][]byte // sequences that may pass
	held []byte   // the beginning of a character or of a sequence
	buf  []byte
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Allow lets sequences pass that begin with a control character.
func (p *Writer) Allow(ours ...string) {
	for _, s := range ours {
		p.ours = append(p.ours, []byte(s))
	}
}

// Write implements io.Writer.
func (p *Writer) Write(b []byte) (int, error) {
	if len(p.held) == 0 && plainASCII(b) {
		return p.w.Write(b)
	}
	in := b
	if len(p.held) > 0 {
		in = append(p.held, b...)
	}
	out := p.buf[:0]
	i := 0
	for i < len(in) {
		if n, more := p.own(in[i:]); n > 0 {
			out = append(out, in[i:i+n]...)
			i += n
			continue
		} else if more {
			break
		}
		r, n := utf8.DecodeRune(in[i:])
		switch {
		case r == utf8.RuneError && n <= 1 && !utf8.FullRune(in[i:]):
			n = 0
		case fit(r) || layout(r) || r == utf8.RuneError && n > 1:
			out = append(out, in[i:i+n]...)
		default:
			out = utf8.AppendRune(out, utf8.RuneError)
		}
		if n == 0 {
			break
		}
		i += n
	}
	p.held = append([]byte(nil), in[i:]...)
	p.buf = out
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// own is how long a sequence of ours is that b begins with; more says that it may
// be one when there is more.
func (p *Writer) own(b []byte) (n int, more bool) {
	for _, s := range p.ours {
		if bytes.HasPrefix(b, s) {
			return len(s), false
		}
		more = more || bytes.HasPrefix(s, b)
	}
	return 0, more
}

// Flush writes what was held back as the beginning of something longer.
func (p *Writer) Flush() error {
	if len(p.held) == 0 {
		return nil
	}
	held := Lines(string(p.held))
	p.held = nil
	_, err := io.WriteString(p.w, held)
	return err
}

func plainASCII(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c >= 0x7f) && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
