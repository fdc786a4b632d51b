//go:build linux

package script

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
)

// TestLanguageIsDescribed holds the table to its promise: everything in it can
// be shown to a reader, and every example is Lua.
func TestLanguageIsDescribed(t *testing.T) {
	api := Language()
	check := func(where string, m *vm.Method) {
		t.Helper()
		if m.Doc == "" && m.Name != "" {
			t.Errorf("%s is not described", where)
		}
		if m.Example != "" {
			if _, err := diag.Parse("example", "local x = "+m.Example); err != nil {
				if _, err := diag.Parse("example", m.Example); err != nil {
					t.Errorf("%s: its example is no Lua: %v", where, err)
				}
			}
		}
		seen := map[string]bool{}
		for _, o := range m.Options {
			if o.Doc == "" || o.Kind == nil || o.Kind.Name == "" || o.Kind.Type == "" || seen[o.Name] {
				t.Errorf("%s: option %s is twice there or not described", where, o.Name)
			}
			seen[o.Name] = true
		}
		for _, p := range m.Params {
			if p.Doc == "" || p.Kind == nil {
				t.Errorf("%s: parameter %s is not described", where, p.Name)
			}
		}
	}
	names := map[string]bool{}
	for _, c := range api.Classes {
		if c.Doc == "" || names[c.Name] {
			t.Errorf("class %s is twice there or not described", c.Name)
		}
		names[c.Name] = true
		for _, m := range c.Methods {
			check(c.Name+":"+m.Name, m)
		}
		for _, f := range c.Fields {
			if f.Doc == "" || f.Type == "" {
				t.Errorf("%s.%s is not described", c.Name, f.Name)
			}
		}
	}
	for _, m := range api.Globals {
		check(m.Name, m)
	}
}

func load(t *testing.T, text string) *File {
	t.Helper()
	f, err := Load(context.Background(), "x.lua", text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

const plain = `topology = path { host "a", wire {}, host "b" }, run = function() end`

func TestCases(t *testing.T) {
	for _, tt := range []struct{ header, want string }{
		{"", "s"},
		{`variants = { { "bug" }, { "fix", x = 1 } },`, "s/bug s/fix"},
		{`matrix = { n = { 1, "4KB" } },`, "s/n=1 s/n=4KB"},
		{`variants = { { "bug" } }, matrix = { n = { 1, 2 }, m = { true } },`, "s/bug,n=1,m=true s/bug,n=2,m=true"},
	} {
		f := load(t, fmt.Sprintf(`scenario "s" { %s %s }`, tt.header, plain))
		var ids []string
		for _, c := range f.Scenarios[0].Cases() {
			ids = append(ids, c.ID())
			if f.Case(c.ID()) == nil {
				t.Errorf("case %s is not found by its name", c.ID())
			}
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.header, got, tt.want)
		}
	}
}

func TestSandbox(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`os.exit()`, `undefined name "os"`},
		{`io.write "x"`, `undefined name "io"`},
		{`load "x"`, `undefined name "load"`},
		{`require "../x"`, "is not a module name"},
		{`require "nosuch"`, "there is no module"},
		{`step "x"`, "step is used inside run"},
		{`("x"):rep(1e14)`, "more than 256 MB"},
		{`string.format("%d")`, "has no argument"},
		{`math.random(2, 1)`, "is empty"},
		{`setmetatable(_G, nil)`, "protected metatable"},
		{`local function f() return f() + 1 end f()`, "stack overflow"},
	} {
		_, err := Load(context.Background(), "x.lua", tt.text, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.text, err, tt.want)
		}
	}
	f := load(t,
		`local tls = require "tls" assert(tls.chain { bytes = 5 }.bytes == 5) assert(string.format("%s %5.1f %%", true, 2) == "true   2.0 %") assert(hex "16 03" == "\22\3")
scenario "s" { `+plain+` }`)
	if len(f.Scenarios) != 1 {
		t.Error("the file was not loaded")
	}
}

func TestSeed(t *testing.T) {
	draw := func(seed uint64) string {
		var got string
		f, err := Load(context.Background(), "x.lua",
			`print(math.random(1000), math.random(1000), math.random()) scenario "s" { `+plain+` }`,
			Options{Seed: seed, Print: func(_, text string) { got = text }})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		return got
	}
	if a, b, c := draw(1), draw(1), draw(2); a != b || a == c {
		t.Errorf("seed 1 drew %q and %q, seed 2 %q", a, b, c)
	}
}

// TestLoadEnds holds loading to its time, whatever the top level does.
func TestLoadEnds(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"loop", "local n = 0\nwhile true do n = n + 1 end", "x.lua:2: too long"},
		{"tail call", "local function f() return f() end\nf()", "x.lua:1: too long"},
		{"tail call in pcall", "local function f()\n  return f()\nend\npcall(f)", "x.lua:2: too long"},
		{"tail call in xpcall", "local function f()\n  return f()\nend\nxpcall(f, error)", "x.lua:2: too long"},
		{"tail calls of two", "local f, g\nfunction f() return g() end\nfunction g() return f() end\nf()",
			": too long"},
		{"errors", "while true do pcall(error, 1) end", "x.lua:1: too long"},
		{"sort", "local t = { 2, 1, 3 }\ntable.sort(t, function() while true do end end)", "x.lua:2: too long"},
		{"pattern", `local n = ("a"):rep(3000):find((".-"):rep(20) .. "b")`, "x.lua:1:27: too long"},
		{"gmatch", `for x in ("a"):rep(3000):gmatch((".-"):rep(20) .. "b") do end`, "x.lua:1:26: too long"},
		{"pattern in pcall", `pcall(string.match, ("a"):rep(3000), (".-"):rep(20) .. "b")`, "too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("too long"))
			defer cancel()
			_, err := Load(ctx, "x.lua", tt.text, Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestProtectedCalls holds pcall and xpcall to Lua's, whose errors ours carry
// differently.
func TestProtectedCalls(t *testing.T) {
	load(t, `
local function is(want, ...)
  local got = {}
  for i = 1, select("#", ...) do got[i] = tostring((select(i, ...))) end
  assert(table.concat(got, " ") == want, table.concat(got, " ") .. " and not " .. want)
end
is("true", pcall(function() end))
is("true 1 nil 3", pcall(function(...) return ... end, 1, nil, 3))
is("false x.lua:9: no", pcall(function() error("no") end))
is("false no", pcall(function() error("no", 0) end))
is("false attempt to call a nil value", pcall(nil))
local t = {}
local _, got = pcall(error, t)
assert(got == t)
is("true 1 2", xpcall(function() return 1, 2 end, error))
is("false <no>", xpcall(function() error("no", 0) end, function(e) return "<" .. e .. ">" end))
is("false again", pcall(function() xpcall(function() error("no", 0) end, function() error("again", 0) end) end))
is("true false inner", pcall(function() return pcall(error, "inner", 0) end))
local function count(n) if n == 0 then return "done" end return count(n - 1) end
is("true done", pcall(count, 100000))
local kept
pcall(function() local x = 7 kept = function() return x end error "closes upvalues" end)
is("7", kept())
scenario "s" { `+plain+` }`)
}
