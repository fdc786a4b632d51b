package alike

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestSame compares what two expressions are.
func TestSame(t *testing.T) {
	l := lua.NewState()
	defer l.Close()
	if err := l.DoString("a, b = {}, {} a.in_it, b.in_it = a, b  c = {} c.in_it = { in_it = c }"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true},
		{"'x'", "'x'", true},
		{"200", "'200'", false},
		{"nil", "false", false},
		{"print", "print", true},
		{"{}", "{}", true},
		{"{ a = 1, b = { 2, 3 } }", "{ b = { 2, 3 }, a = 1 }", true},
		{"{ a = 1 }", "{ a = 1, b = 2 }", false},
		{"{ a = 1, b = 2 }", "{ a = 1 }", false},
		{"{ a = 1, b = 2 }", "{ a = 1, c = 2 }", false},
		{"{ { 1 } }", "{ { 2 } }", false},
		{"{ 1 }", "{ '1' }", false},
		{"{ {} }", "{ 1 }", false},
		{"a", "b", true},
		{"a", "c", true},
		{"a", "{ in_it = 1 }", false},
	} {
		for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if err := l.DoString("return " + pair[0] + ", " + pair[1]); err != nil {
				t.Fatal(err)
			}
			if got := Same(l.Get(-2), l.Get(-1)); got != tt.want {
				t.Errorf("%s and %s: %t", pair[0], pair[1], got)
			}
			l.SetTop(0)
		}
	}
}
