package reference_test

import (
	"slices"
	"strings"
	"testing"

	"netrepro/engine/script/reference"
)

func read(t *testing.T) *reference.Language {
	t.Helper()
	l, err := reference.Read()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRooms holds the rooms to have each verb, class and table once.
func TestRooms(t *testing.T) {
	l := read(t)
	at := map[string]int{}
	for i := range reference.Rooms {
		r := &reference.Rooms[i]
		for _, v := range l.In(r) {
			at[v.Full()]++
		}
		for _, name := range r.Types {
			at[name]++
			if l.Class(name) == nil && l.Table(name) == nil {
				t.Errorf("room %s: there is no type %s", r.Name, name)
			}
		}
	}
	var all []string
	for i := range l.Verbs {
		all = append(all, l.Verbs[i].Full())
	}
	for _, c := range l.Classes {
		all = append(all, c.Name)
	}
	for _, tb := range l.Tables {
		all = append(all, tb.Name)
	}
	for _, name := range all {
		if at[name] != 1 {
			t.Errorf("%s stands in %d rooms, not in one", name, at[name])
		}
	}
}

// TestPages holds each page to say what a reader needs: what it is, what its
// options are, what it returns, an example and where to look on.
func TestPages(t *testing.T) {
	l := read(t)
	for i := range l.Verbs {
		v := &l.Verbs[i]
		names, text := l.Find(v.Full())
		if len(names) != 1 && !strings.Contains(v.Full(), ":") {
			continue // a method has the same name: the reader chooses
		}
		want := []string{v.Doc[:min(20, len(v.Doc))], "\nExample\n  ", "\nSee also\n  "}
		if v.Takes != nil {
			for _, k := range l.Keys(v.Takes) {
				want = append(want, "  "+k.Name+" ")
			}
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("the page of %s does not have %q:\n%s", v.Full(), w, text)
			}
		}
		if v.Sample == "" {
			t.Errorf("%s has no example", v.Full())
		}
		for _, name := range l.See(v) {
			if found, _ := l.Find(name); len(found) == 0 {
				t.Errorf("%s: there is no %s to see", v.Full(), name)
			}
		}
	}
}

// TestTypes holds every type that is named to be told of.
func TestTypes(t *testing.T) {
	l := read(t)
	known := func(where, typ string) {
		for _, name := range reference.TypeNames(typ) {
			alias := slices.ContainsFunc(reference.Values, func(v reference.Value) bool { return v.Name == name })
			if !alias && l.Class(name) == nil && l.Table(name) == nil {
				t.Errorf("%s: nothing is said of the type %s", where, name)
			}
		}
	}
	keys := func(where string, ks []reference.Key) {
		for _, k := range ks {
			known(where+"."+k.Name, k.Type)
			if k.Doc == "" || k.Type == "" {
				t.Errorf("%s.%s is not described", where, k.Name)
			}
		}
	}
	for i := range l.Verbs {
		v := &l.Verbs[i]
		for _, p := range v.Params {
			known(v.Full(), p.Type)
		}
		for _, g := range v.Gives {
			known(v.Full(), g)
		}
		keys(v.Full(), l.Keys(v.Takes))
		keys(v.Full(), l.Keys(v.Then))
	}
	for _, c := range l.Classes {
		keys(c.Name, c.Fields)
	}
	for _, tb := range l.Tables {
		keys(tb.Name, tb.Keys)
		if tb.Doc == "" {
			t.Errorf("%s is not described", tb.Name)
		}
	}
	for _, m := range reference.Modules() {
		if m.Doc == "" || len(m.Functions) == 0 {
			t.Errorf("module %s or its functions are not described", m.Name)
		}
		for _, f := range m.Functions {
			if f.Doc == "" {
				t.Errorf("%s is not described", f.Signature)
			}
		}
	}
}

func TestFind(t *testing.T) {
	l := read(t)
	for _, tt := range []struct {
		asked string
		names string // what is found, parted by blanks
		text  string // a part of the page
	}{
		{"wire:drop", "wire:drop", "→ Fault"},
		{"Wire:Drop", "wire:drop", "→ Fault"},
		{"drop", "host:drop wire:drop", ""},
		{"router:drop", "host:drop", "rule"},
		{"tls", "host:tls tls", ""},
		{"inject", "wire:inject", "forged"},
		{"faults", "faults", "wire:hold"},
		{"Conn", "Conn", "conn:read"},
		{"fault.hits", "Fault.hits", "integer"},
		{"wire:drop.nth", "wire:drop.nth", "integer"},
		{"nth", "FaultOptions.nth host:lookup_miss.nth", ""},
		{"percent", "Percent", `"1%"`},
		{"time.now", "time.now", "Seconds"},
		{"nginx", "nginx", "nginx.serve(host, o)"},
		{"kernelevent.reason", "KernelEvent.reason", "string"},
		{"nosuch", "", ""},
	} {
		names, text := l.Find(tt.asked)
		slices.Sort(names)
		if got := strings.Join(names, " "); got != tt.names || !strings.Contains(text, tt.text) {
			t.Errorf("%s: found %q, want %q; the page is\n%s", tt.asked, got, tt.names, text)
		}
	}
}

// TestLines holds pages to a terminal's width.
func TestLines(t *testing.T) {
	l := read(t)
	for _, name := range []string{"wire:drop", "Match", "host:dial", "expect", "faults", "modules"} {
		_, text := l.Find(name)
		for _, line := range strings.Split(text, "\n") {
			if len([]rune(line)) > 100 {
				t.Errorf("%s: a line of %d characters: %s", name, len([]rune(line)), line)
			}
		}
	}
}
