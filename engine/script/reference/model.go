// Package reference is the language of scenarios as a reader meets it: pages of
// the command line, one long page, and stubs for editors. It holds no word of
// its own about a verb: language.json is written from the tables of package
// script by a test, so that it is the same on systems where no scenario runs.
package reference

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Language is everything that a script can say.
type Language struct {
	Verbs   []Verb  `json:"verbs"`   // in the order of the tables of package script
	Classes []Class `json:"classes"` // objects
	Tables  []Table `json:"tables"`  // plain tables: options, and what verbs return

	index []page // what can be looked up, if it was made before
}

// Verb is a function, of a class or global.
type Verb struct {
	// Of is the class, or the table of a function that is called with a dot;
	// empty of a global.
	Of     string   `json:"of,omitempty"`
	Dot    bool     `json:"dot,omitempty"`
	Name   string   `json:"name"`
	Doc    string   `json:"doc"`
	When   string   `json:"when,omitempty"` // "at the top of a file", "inside run"; empty for both
	Params []Param  `json:"params,omitempty"`
	Takes  *Table   `json:"takes,omitempty"`  // its table of options
	Then   *Table   `json:"then,omitempty"`   // the table that what it returns takes
	Gives  []string `json:"gives,omitempty"`  // types of what it returns
	Sample string   `json:"sample,omitempty"` // an example
}

// Param is an argument with a place.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Doc      string `json:"doc"`
	Optional bool   `json:"optional,omitempty"`
}

// Table is a plain table: its own keys, and the tables whose keys it has too.
type Table struct {
	Name  string   `json:"name"`
	Doc   string   `json:"doc,omitempty"`
	Has   []string `json:"has,omitempty"`
	Keys  []Key    `json:"keys,omitempty"`
	First string   `json:"first,omitempty"` // the key that element 1 sets
	List  string   `json:"list,omitempty"`  // the key that all elements set
	Item  string   `json:"item,omitempty"`  // the type of its elements, of a list
}

// Key is a key of a table.
type Key struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Doc      string `json:"doc"`
	Default  string `json:"default,omitempty"`
	Required bool   `json:"required,omitempty"`
	// Sometimes is a key that a table a verb returned may lack.
	Sometimes bool `json:"sometimes,omitempty"`
}

// Class is a kind of object.
type Class struct {
	Name   string `json:"name"`
	Doc    string `json:"doc"`
	Fields []Key  `json:"fields,omitempty"`
	Item   string `json:"item,omitempty"`  // the type of object[n]
	Any    string `json:"any,omitempty"`   // the type of members whose names the scenario chooses
	Same   string `json:"same,omitempty"`  // the class whose verbs it has
	Table  bool   `json:"table,omitempty"` // functions called with a dot
}

// Full is the name that a verb is looked up by: "wire:drop", "time.now", "expect".
func (v *Verb) Full() string {
	switch {
	case v.Of == "":
		return v.Name
	case v.Dot:
		return v.Of + "." + v.Name
	}
	return strings.ToLower(v.Of) + ":" + v.Name
}

//go:embed language.json
var data []byte

// Read is the language as the tables of package script have it.
var Read = sync.OnceValues(func() (*Language, error) {
	l := &Language{}
	if err := json.Unmarshal(data, l); err != nil {
		return nil, fmt.Errorf("read the reference: %w", err)
	}
	l = l.With(Results())
	l.index = l.pages()
	return l, nil
})

// With is the language with the tables of what verbs return.
func (l *Language) With(tables []Table) *Language {
	out := *l
	out.Tables = append(append([]Table(nil), l.Tables...), tables...)
	return &out
}

// Verb finds a verb by its class and name, nil if there is none.
func (l *Language) Verb(of, name string) *Verb {
	if c := l.Class(of); c != nil && c.Same != "" {
		of = c.Same
	}
	for i := range l.Verbs {
		if l.Verbs[i].Of == of && l.Verbs[i].Name == name {
			return &l.Verbs[i]
		}
	}
	return nil
}

// Class finds a class by its name, nil if there is none.
func (l *Language) Class(name string) *Class {
	for i := range l.Classes {
		if l.Classes[i].Name == name {
			return &l.Classes[i]
		}
	}
	return nil
}

// Table finds a plain table by its name, nil if there is none.
func (l *Language) Table(name string) *Table {
	for i := range l.Tables {
		if l.Tables[i].Name == name {
			return &l.Tables[i]
		}
	}
	return nil
}

// Keys are all keys of t, those of the tables that it has too after its own.
func (l *Language) Keys(t *Table) []Key {
	if t == nil {
		return nil
	}
	out := append([]Key(nil), t.Keys...)
	seen := map[string]bool{}
	for _, k := range out {
		seen[k.Name] = true
	}
	for _, name := range t.Has {
		for _, k := range l.Keys(l.Table(name)) {
			if !seen[k.Name] {
				seen[k.Name] = true
				out = append(out, k)
			}
		}
	}
	return out
}
