//go:build linux

package selection

import (
	"strings"
	"testing"
)

func TestTag(t *testing.T) {
	for _, tt := range []struct {
		text, tags string
		want       bool
	}{
		{"tcp", "tcp", true},
		{"tcp", "udp", false},
		{"not tcp", "udp", true},
		{"tcp and not slow", "tcp slow", false},
		{"tcp and not slow", "tcp", true},
		{"a or b and c", "a", true}, // and binds tighter
		{"(a or b) and c", "a", false},
		{"not (a or b)", "c", true},
		{"not not a", "a", true},
		{"not a and b", "b", true},
	} {
		e, err := parseTag(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := e.holds(strings.Fields(tt.tags)); got != tt.want {
			t.Errorf("%q of %q: %v", tt.text, tt.tags, got)
		}
	}
	for text, want := range map[string]string{
		"a b": `"b" is not expected`, "and a": `missing before "and"`, "(a": "not closed", "a and": "at its end",
		"a )": `")" is not expected`, "not": "at its end", "": "at its end", "()": `missing before ")"`,
		strings.Repeat("(", 1000): "too deep",
	} {
		if _, err := parseTag(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestLike(t *testing.T) {
	for _, tt := range []struct {
		want, name string
		is         bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*b", "ab", true}, {"a?c", "abc", true},
		{"a?c", "ac", false}, {"[ab]c", "bc", true}, {"[ab]c", "cc", false}, {"a.c", "abc", false},
		{"n=*", "n=4/5,m=1", true}, {"[", "[", true}, {"[z-a]", "x", false}, {"*", "", true}, {"[", "x", false},
	} {
		if got := like(tt.want, tt.name); got != tt.is {
			t.Errorf("%q and %q: %v", tt.want, tt.name, got)
		}
	}
}

func FuzzTag(f *testing.F) {
	for _, s := range []string{"tcp and not slow", "(a or b)", "not", "((", "a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseTag(text)
		if err == nil {
			e.holds([]string{"a"})
		}
		like(text, "tw-recycle")
	})
}
