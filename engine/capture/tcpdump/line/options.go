package line

import "strings"

// options takes the options of a segment: "options [mss 1460,…]", or "<mss 1460,…>" as
// they were once.
func (g *segment) options(s string) (n int, ok bool) {
	open, shut := "options [", byte(']')
	if strings.HasPrefix(s, "<") {
		open, shut = "<", '>'
	}
	body, found := strings.CutPrefix(s, open)
	if !found {
		return 0, false
	}
	end := closing(body, shut)
	if end < 0 {
		if strings.ContainsAny(body, "<>") && shut == ']' || len(body) > maxOptionText {
			return 0, false
		}
		// The last of them may go on.
		g.OptionsCut = true
		g.SetOptions(body[:max(strings.LastIndexByte(body, ','), 0)])
		return len(s), true
	}
	g.OptionsCut = false
	g.SetOptions(body[:end])
	if g.old && g.window {
		g.closed = false
	}
	g.bound = g.at
	return len(open) + end + 1, true
}

const maxOptionText = 400

// closing is where a bracket is closed that others may be within.
func closing(s string, shut byte) int {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '[' && shut == ']':
			if i+1 < len(s) && s[i+1] == '|' { // "TS[|tcp]" closes itself, or is closed by nothing
				if j := strings.IndexByte(s[i:], ']'); j > 0 && !strings.Contains(s[i+j+1:], "]") {
					return i + j
				}
			}
			depth++
		case s[i] == shut && depth == 0:
			return i
		case s[i] == shut:
			depth--
		}
	}
	return -1
}
