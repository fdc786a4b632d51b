package diag

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"delay", "mtu", "name", "server", "listen"}
	for word, want := range map[string]string{"mtuu": "mtu", "dealy": "delay", "sever": "server", "lisen": "listen",
		"xyz": "", "ab": ""} {
		if got := DidYouMean(word, known); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestColumn(t *testing.T) {
	for _, tt := range []struct {
		text, word string
		want       int
	}{
		{"  wire { mtuu = 1 }", "mtuu", 10},
		{"hosts host", "host", 7}, // a whole word
		{`delay = "10 msec"`, "10 msec", 10},
		{"ä = b", "b", 5}, // characters, not bytes
		{"nothing", "x", 0},
		{"a \xff b", "\xff", 3},
	} {
		if got := column(tt.text, tt.word); got != tt.want {
			t.Errorf("%q in %q: column %d, want %d", tt.word, tt.text, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"good", "local x = 1", ""},
		{"hash-bang", "#!/usr/bin/env netrepro\nlocal x = 1", ""},
		{"byte order mark", "\ufefflocal x = 1", ""},
		{"escape in a comment", `-- "\x41"`, ""},
		{"escape in a long string", "x = [[\n don't \"\\x41\"\n]]", ""},
		{"escape", `local s = "\x41"`, `x.lua:1:12: escape "\x"`},
		{"syntax", "local = 1", "x.lua:1:7: syntax error"},
		{"end missing", "if true then", "x.lua:1"},
		{"no Lua at all", "\xff\xfe\x00", "x.lua"},
	} {
		_, err := Parse("x.lua", tt.text)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestKeyLine(t *testing.T) {
	s, err := Parse("x.lua", "wire {\n  name = 'a',\n  mtu = 3,\n}\nwire { mtu = 4 }")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.KeyLine(1, "mtu"); got != 3 {
		t.Errorf("line %d, want 3", got)
	}
	if got := s.KeyLine(5, "mtu"); got != 5 {
		t.Errorf("line %d, want 5", got)
	}
	if got := s.KeyLine(2, "none"); got != 2 {
		t.Errorf("line %d, want 2", got)
	}
}

func TestRender(t *testing.T) {
	s, err := Parse("x.lua", "\twire { mtuu = 1 }")
	if err != nil {
		t.Fatal(err)
	}
	e := s.At(1, "mtuu", `unknown key "mtuu" in wire`, `did you mean "mtu"?`)
	e.Takes = "wire takes: mtu, name"
	want := `x.lua:1:9: unknown key "mtuu" in wire
        wire takes: mtu, name
    1 |  wire { mtuu = 1 }
      |         ^~~~ did you mean "mtu"?`
	if got := e.Render(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("local x = { a = 1, [2] = function() end } for i = 1, 2 do x:y('\\x') end")
	f.Fuzz(func(_ *testing.T, text string) {
		s, err := Parse("x.lua", text)
		if err != nil {
			_ = err.(*Error).Render() //nolint:errorlint // documented
			return
		}
		s.KeyLine(1, "a")
	})
}
