package reference

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed preface.md
var preface string

// Page is the whole language as one page, by room.
func Page(l *Language) []byte {
	var b strings.Builder
	b.WriteString(strings.TrimRight(preface, "\n") + "\n")
	b.WriteString("\n## The language, by room\n\n")
	for i := range Rooms {
		r := &Rooms[i]
		fmt.Fprintf(&b, "- [%s](#%s)\n", r.Title, anchor(r.Title))
	}
	for i := range Rooms {
		r := &Rooms[i]
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", r.Title, r.Doc)
		for _, v := range l.In(r) {
			l.verbSection(&b, v)
		}
		for _, name := range r.Types {
			l.typeSection(&b, name)
		}
		if r.Name == "modules" {
			for _, m := range Modules() {
				m.section(&b)
			}
		}
	}
	b.WriteString("\n### Plain values\n\n")
	for _, v := range Values {
		fmt.Fprintf(&b, "- `%s`: %s\n", v.Name, v.Doc)
	}
	return []byte(b.String())
}

func anchor(title string) string {
	return strings.ReplaceAll(strings.ToLower(strings.ReplaceAll(title, ",", "")), " ", "-")
}

func (l *Language) verbSection(b *strings.Builder, v *Verb) {
	fmt.Fprintf(b, "\n#### `%s`\n\n%s\n", v.Signature(), v.Doc)
	if v.Sample != "" {
		fmt.Fprintf(b, "\n```lua\n%s\n```\n", v.Sample)
	}
	var keys []Key
	for _, p := range v.Params {
		keys = append(keys, Key{Name: p.Name, Type: p.Type, Doc: p.Doc, Required: !p.Optional})
	}
	list(b, keys)
	for _, t := range []*Table{v.Takes, v.Then} {
		if t == nil {
			continue
		}
		list(b, t.Keys)
		also(b, t)
	}
}

func also(b *strings.Builder, t *Table) {
	if len(t.Has) > 0 {
		fmt.Fprintf(b, "\nAll keys of `%s`.\n", strings.Join(t.Has, "`, `"))
	}
	if t.First != "" {
		fmt.Fprintf(b, "\nThe first element of the table, or a value in its place, is `%s`.\n", t.First)
	}
	if t.List != "" {
		fmt.Fprintf(b, "\nThe elements of the table are `%s`.\n", t.List)
	}
	if t.Item != "" {
		fmt.Fprintf(b, "\nA list: its elements are `%s`.\n", t.Item)
	}
}

// list is a table of keys.
func list(b *strings.Builder, keys []Key) {
	if len(keys) == 0 {
		return
	}
	b.WriteString("\n| name | type | what |\n|---|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", k.Name, cell(k.Type), cell(Doc(k)))
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func (l *Language) typeSection(b *strings.Builder, name string) {
	if c := l.Class(name); c != nil {
		if len(c.Fields) == 0 && c.Same == "" {
			return
		}
		fmt.Fprintf(b, "\n#### %s\n\n%s\n", c.Name, c.Doc)
		if c.Same != "" {
			fmt.Fprintf(b, "\nIt has all verbs and members of `%s`.\n", c.Same)
			return
		}
		list(b, c.Fields)
	}
	if t := l.Table(name); t != nil {
		fmt.Fprintf(b, "\n#### %s\n\n%s\n", t.Name, t.Doc)
		list(b, t.Keys)
		also(b, t)
	}
}
