package grammar

import (
	"strings"
	"testing"
)

// FuzzSyntax holds the search for what is wrong to any text and any place in it.
func FuzzSyntax(f *testing.F) {
	for _, s := range []string{"if a != 1 then", "f { port: 80 }", "--[[", "x = [[", "\"", "else if", "“", "n--\n", "a.b-c:d", "}", "\\"} {
		f.Add(s, 1, 1)
		f.Add(s, 0, 0)
	}
	f.Fuzz(func(t *testing.T, text string, line, col int) {
		if p := Syntax(text, line, col); p != nil && (p.Hint == "" || p.Line < 1 || p.Line > strings.Count(text, "\n")+1) {
			t.Errorf("%q at %d:%d: %+v", text, line, col, p)
		}
	})
}
