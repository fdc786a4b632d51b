// Package sanitize makes text from outside harmless to show: to a terminal, which
// obeys escape sequences and control characters, and to people, whom characters
// that change the direction of what follows, or cannot be seen, deceive.
//
// Invariant: whatever goes in, what comes out has none of these.
package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// unfit is what must not be shown: control characters, those that only format
// others, and separators of lines that few programs know.
var unfit = []*unicode.RangeTable{unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp}

// fit reports whether r can be shown as it is.
func fit(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return r != utf8.RuneError && !unicode.In(r, unfit...)
}

// Text is s on one line, with U+FFFD for what cannot be shown.
func Text(s string) string { return clean(s, false) }

// Lines is s with U+FFFD for what cannot be shown, but for ends of lines and
// tabs.
func Lines(s string) string { return clean(s, true) }

func clean(s string, lines bool) string {
	fine := true
	for i := 0; i < len(s) && fine; i++ {
		fine = s[i] >= ' ' && s[i] < 0x7f || lines && layout(rune(s[i]))
	}
	if fine { // most is
		return s
	}
	return strings.Map(func(r rune) rune {
		if fit(r) || lines && layout(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// layout is what gives a text of several lines its shape.
func layout(r rune) bool { return r == '\n' || r == '\t' }

// JSON is JSON with everything that cannot be shown escaped: it means the same.
func JSON(text []byte) []byte {
	for i, c := range text {
		if c >= utf8.RuneSelf || c == 0x7f {
			return escaped(text, i)
		}
	}
	return text
}

// escaped is [JSON] of what is plain up to a place.
func escaped(text []byte, from int) []byte {
	out := append(make([]byte, 0, len(text)+32), text[:from]...)
	for i := from; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case fit(r) || r == '\n' || r == utf8.RuneError && n > 1:
			out = append(out, text[i:i+n]...)
		default:
			out = AppendEscape(out, r)
		}
		i += n
	}
	return out
}

// Fit reports whether r can be shown as it is.
func Fit(r rune) bool { return fit(r) }

// AppendEscape appends r as JSON escapes it.
func AppendEscape(b []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		return AppendEscape(AppendEscape(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
