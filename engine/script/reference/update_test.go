//go:build linux

package reference_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"netrepro/engine/script/reference"
	"netrepro/engine/script/reference/stubs"
)

var update = flag.Bool("update", false, "write the reference anew from the tables of the language")

// pages are the files that are made of the language.
var pages = []struct {
	path string
	make func(*reference.Language) ([]byte, error)
}{
	{"language.json", func(*reference.Language) ([]byte, error) {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		err := e.Encode(fromTables().out)
		return b.Bytes(), err
	}},
	{"../../../lualib/README.md", func(l *reference.Language) ([]byte, error) { return reference.Page(l), nil }},
	{"../../../lualib/netrepro.d.lua", func(l *reference.Language) ([]byte, error) { return stubs.Of(l), nil }},
}

// TestFresh holds what is generated to the tables it is generated from. With
// -update it writes it.
func TestFresh(t *testing.T) {
	m := fromTables()
	l := m.out.With(reference.Results())
	for _, p := range pages {
		want, err := p.make(l)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(p.path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(p.path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the tables of the language say (%v): "+
				"go test ./engine/script/reference -update", p.path, err)
		}
	}
	for where := range functions {
		if !m.used[where] {
			t.Errorf("there is no handler %s any more", where)
		}
	}
}
