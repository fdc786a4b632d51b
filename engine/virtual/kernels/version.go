package kernels

import (
	"cmp"
	"strings"
)

// Compare orders versions as people do: by the numbers in them.
func Compare(a, b string) int {
	for a != "" || b != "" {
		ta, na := cutNumber(&a)
		tb, nb := cutNumber(&b)
		if c := cmp.Compare(ta, tb); c != 0 {
			return c
		}
		if c := cmp.Or(cmp.Compare(len(na), len(nb)), cmp.Compare(na, nb)); c != 0 {
			return c
		}
	}
	return 0
}

// cutNumber takes a text without digits, and the digits after it, from the front of s.
func cutNumber(s *string) (text, number string) {
	const digits = "0123456789"
	at := strings.IndexAny(*s, digits)
	if at < 0 {
		at = len(*s)
	}
	text, rest := (*s)[:at], (*s)[at:]
	end := len(rest) - len(strings.TrimLeft(rest, digits))
	number = strings.TrimLeft(rest[:end], "0")
	*s = rest[end:]
	return text, number
}
