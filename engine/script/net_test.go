//go:build linux

package script

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"netrepro/engine/script/diag"
	"netrepro/engine/script/foreign"
	"netrepro/engine/script/vm"
)

// TestReservedNames holds every member of net against nodes and wires that would
// hide it.
func TestReservedNames(t *testing.T) {
	names := reserved()
	if len(names) != len(netClass.Fields)+len(netClass.Methods) || len(names) == 0 {
		t.Fatalf("net has %d fields, and %d names are reserved", len(netClass.Fields), len(names))
	}
	for _, name := range names {
		for _, topology := range []string{
			fmt.Sprintf(`path { host %q, wire {}, host "b" }`, name),
			fmt.Sprintf(`path { router "a", wire { name = %q }, host "b" }`, name),
			fmt.Sprintf(`graph { nodes = { host "a", switch %q }, links = { { "a", wire {}, %q } } }`, name, name),
		} {
			_, err := Load(context.Background(), "x.lua", `scenario "s" { topology = `+topology+
				`, run = function() end }`, Options{})
			de, ok := err.(*diag.Error) //nolint:errorlint // Load returns it bare
			if !ok || !strings.Contains(de.Msg, fmt.Sprintf("%q is taken: net.%s means something else", name, name)) ||
				de.Hint == "" || de.Line != 1 {
				t.Errorf("%s: got %v, want an error that says that %s is taken, and a hint", topology, err, name)
			}
		}
	}
}

// TestDefaults holds every default to its kind: a verb reads it as it is shown.
func TestDefaults(t *testing.T) {
	l := Language()
	for _, c := range l.Classes {
		for _, m := range c.Methods {
			if err := m.CheckDefaults(); err != nil {
				t.Errorf("%s:%v", c.Name, err)
			}
		}
	}
	for _, m := range l.Globals {
		if err := m.CheckDefaults(); err != nil {
			t.Error(err)
		}
	}
}

// TestSynonyms holds what others call keys and verbs to leading to some that there are.
func TestSynonyms(t *testing.T) {
	known := map[string]bool{"": true}
	add := func(m *vm.Method) {
		for _, o := range m.Options {
			known[o.Name] = true
			if o.Kind.Table != nil {
				for _, p := range o.Kind.Table.Options {
					known[p.Name] = true
				}
			}
		}
	}
	l := Language()
	for _, m := range l.Globals {
		add(m)
		if m.Then != nil {
			add(m.Then)
		}
	}
	verbs := map[string]bool{}
	for _, c := range l.Classes {
		for _, m := range c.Methods {
			add(m)
			verbs[m.Name] = true
		}
		for _, f := range c.Fields {
			verbs[f.Name] = true
		}
	}
	for _, k := range foreign.Keys() {
		if !known[k] {
			t.Errorf("a synonym leads to %q, which no verb takes", k)
		}
	}
	for _, v := range foreign.Verbs() {
		if v != "" && !verbs[v] {
			t.Errorf("a synonym leads to %q, which nothing has", v)
		}
	}
}
