package paste

import (
	"bufio"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// wide reads text of 16 bits a character that begins with a byte order mark.
type wide struct {
	r     *bufio.Reader
	begun bool
	big   bool
	high  rune // the first half of a character of two
	ready []byte
}

// Read implements io.Reader.
func (w *wide) Read(b []byte) (int, error) {
	for len(w.ready) == 0 {
		var two [2]byte
		if _, err := io.ReadFull(w.r, two[:]); err != nil {
			return 0, io.EOF
		}
		if !w.begun {
			w.begun, w.big = true, two[0] == 0xfe
			continue
		}
		c := rune(two[1])<<8 | rune(two[0])
		if w.big {
			c = rune(two[0])<<8 | rune(two[1])
		}
		switch {
		case w.high != 0:
			c, w.high = utf16.DecodeRune(w.high, c), 0
		case utf16.IsSurrogate(c):
			w.high = c
			continue
		}
		w.ready = utf8.AppendRune(w.ready, c)
	}
	n := copy(b, w.ready)
	w.ready = w.ready[n:]
	return n, nil
}
