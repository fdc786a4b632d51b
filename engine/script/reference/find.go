package reference

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// page is something that can be looked up.
type page struct {
	name string // what it is looked up by
	text func(*Language) string
	// whole is a page that only its whole name finds; key is one of a member or an
	// option, which stands back where a verb or a type is called so.
	whole, key bool
}

// Find looks up what a reader asks for: a verb ("wire:drop", "drop"), a room, a
// class or table ("Conn", "Match"), a field or key ("fault.hits", "nth"). It
// returns the pages that are meant, by name: one, several to choose from, or
// none.
func (l *Language) Find(asked string) (names []string, text string) {
	asked = strings.TrimSpace(asked)
	if rest, ok := strings.CutPrefix(strings.ToLower(asked), "router:"); ok {
		asked = "host:" + rest // a router has a host's verbs
	}
	all := l.pages()
	qualified := strings.ContainsAny(asked, ":.")
	for _, means := range []func(page) bool{
		func(p page) bool { return qualified && strings.EqualFold(p.name, asked) },
		func(p page) bool { return !p.key && (p.name == asked || last(p.name) == asked) },
		func(p page) bool { return !p.key && strings.EqualFold(last(p.name), asked) },
		func(p page) bool { return !p.whole && strings.EqualFold(last(p.name), asked) },
	} {
		var found []page
		for _, p := range all {
			if means(p) && !slices.ContainsFunc(found, func(o page) bool { return o.name == p.name }) {
				found = append(found, p)
			}
		}
		if len(found) == 1 {
			return []string{found[0].name}, found[0].text(l)
		}
		if len(found) > 1 {
			for _, p := range found {
				names = append(names, p.name)
			}
			return names, ""
		}
	}
	return nil, ""
}

// Names are all names that can be looked up.
func (l *Language) Names() []string {
	var out []string
	for _, p := range l.pages() {
		if !p.whole {
			out = append(out, p.name, last(p.name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pages are all that can be looked up.
func (l *Language) pages() []page {
	if l.index != nil {
		return l.index
	}
	var out []page
	add := func(name string, text func(*Language) string) { out = append(out, page{name: name, text: text}) }
	keys := func(of string, what string, ks []Key, whole bool) {
		for _, k := range ks {
			text := func(*Language) string { return keyText(of, k, what) }
			out = append(out, page{name: of + "." + k.Name, key: true, whole: whole, text: text})
		}
	}
	for i := range l.Verbs {
		v := &l.Verbs[i]
		add(v.Full(), func(l *Language) string { return l.verbText(v) })
		for _, t := range []*Table{v.Takes, v.Then} {
			if t != nil {
				keys(v.Full(), "an option of "+v.Full(), t.Keys, false)
				keys(v.Full(), "an option of "+v.Full(), l.Keys(&Table{Has: t.Has}), true)
			}
		}
	}
	for i := range Rooms {
		r := &Rooms[i]
		add(r.Name, func(l *Language) string { return l.roomText(r) })
	}
	for i := range l.Classes {
		c := &l.Classes[i]
		add(c.Name, func(l *Language) string { return l.classText(c) })
		keys(c.Name, "a member of every "+c.Name, c.Fields, false)
	}
	for i := range l.Tables {
		t := &l.Tables[i]
		add(t.Name, func(l *Language) string { return l.tableText(t) })
		keys(t.Name, "a key of "+t.Name, t.Keys, false)
	}
	for _, v := range Values {
		add(v.Name, func(*Language) string { return v.Name + " is " + v.Doc + "\n" })
	}
	for _, m := range Modules() {
		add(m.Name, func(*Language) string { return m.text() })
	}
	return out
}

// last is the part of a name that a reader may say alone.
func last(name string) string {
	return name[strings.LastIndexAny(name, ":.")+1:]
}

// TypeNames are the names of types in a type.
func TypeNames(typ string) []string {
	typ = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(typ, "")
	out := regexp.MustCompile(`\b[A-Z]\w*(\.[A-Z]\w*)?`).FindAllString(typ, -1)
	slices.SortFunc(out, cmp.Compare)
	return slices.Compact(out)
}
