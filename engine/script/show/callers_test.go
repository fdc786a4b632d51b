package show

import (
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestCallers(t *testing.T) {
	tests := []struct {
		name, script string
		want         []string
	}{
		{"calls", "local function a() look() end\nlocal function b() a() end\nb()", []string{"x:1", "x:2", "x:3"}},
		{"a tail call leaves no place", "local function a() look() end\nlocal function b() return a() end\nb()",
			[]string{"x:1", "x:3"}},
		{"tail calls below others", "local function a() look() end\nlocal function b() return a() end\n" +
			"local function c() b() end\nlocal function d() return c() end\nd()", []string{"x:1", "x:3", "x:5"}},
		{"millions of them", "local n = 3e6\nlocal function a()\n  n = n - 1\n  if n == 0 then look() return end\n" +
			"  return a()\nend\na()", []string{"x:4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := lua.NewState()
			defer l.Close()
			var got []string
			l.SetGlobal("look", l.NewFunction(func(l *lua.LState) int {
				if got == nil {
					got = Callers(l, 0)
				}
				return 0
			}))
			fn, err := l.Load(strings.NewReader(tt.script), "x")
			if err != nil {
				t.Fatal(err)
			}
			l.Push(fn)
			if err := l.PCall(0, 0, nil); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
