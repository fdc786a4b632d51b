package reference

import (
	"fmt"
	"slices"
	"strings"
)

// width is how long a line of a page may be.
const width = 100

// Signature is how v is written.
func (v *Verb) Signature() string {
	s := v.Full()
	var args []string
	for _, p := range v.Params {
		if p.Optional {
			args = append(args, "["+p.Name+"]")
		} else {
			args = append(args, p.Name)
		}
	}
	switch {
	case v.Takes != nil && len(args) == 0:
		s += " { … }"
	case v.Takes != nil:
		s += "(" + strings.Join(append(args, "{ … }"), ", ") + ")"
	default:
		s += "(" + strings.Join(args, ", ") + ")"
	}
	if v.Then != nil {
		s = v.Full() + " " + strings.Join(args, " ") + " { … }"
	}
	if len(v.Gives) > 0 {
		s += " → " + strings.Join(v.Gives, ", ")
	}
	return s
}

func (l *Language) verbText(v *Verb) string {
	var b strings.Builder
	b.WriteString(v.Signature())
	if v.When != "" {
		fmt.Fprintf(&b, "    (%s)", v.When)
	}
	b.WriteString("\n\n" + wrap(v.Doc, ""))
	if len(v.Params) > 0 {
		b.WriteString("\nArguments\n")
		var keys []Key
		for _, p := range v.Params {
			keys = append(keys, Key{Name: p.Name, Type: p.Type, Doc: p.Doc, Required: !p.Optional})
		}
		b.WriteString(rows(keys))
	}
	title, t := "Options", v.Takes
	if v.Then != nil {
		title, t = "Keys", v.Then
	}
	if t != nil {
		b.WriteString("\n" + title + "\n" + strings.TrimPrefix(l.keysText(t), "\n"))
	}
	if len(v.Gives) > 0 {
		b.WriteString("\nReturns\n" + l.givesText(v))
	}
	b.WriteString("\nExample\n" + indent(v.Sample))
	b.WriteString("\nSee also\n" + wrap(strings.Join(l.See(v), " "), "  "))
	b.WriteString(l.valuesText(v))
	return b.String()
}

// givesText says what a verb returns, each value on a line.
func (l *Language) givesText(v *Verb) string {
	var b strings.Builder
	for i, g := range v.Gives {
		doc := ""
		for _, name := range TypeNames(g) {
			if c := l.Class(name); c != nil {
				doc = c.Doc
			}
			if t := l.Table(name); t != nil {
				doc = t.Doc
			}
		}
		if i > 0 && g == "string?" {
			doc = "the error's name, if it failed; what stands before it is then nil, or as much as came"
		}
		b.WriteString(rows([]Key{{Name: g, Doc: doc}}))
	}
	return b.String()
}

// keysText lists the keys of a table, and those that it shares in short.
func (l *Language) keysText(t *Table) string {
	b := strings.Builder{}
	b.WriteString(rows(t.Keys))
	if t.Item != "" {
		b.WriteString(wrap("A list: its elements are "+t.Item+".", "  "))
	}
	if t.First != "" {
		said := fmt.Sprintf("The first element of the table, or a value in place of the table, is %s.", t.First)
		b.WriteString(wrap(said, "  "))
	}
	if t.List != "" {
		b.WriteString(wrap(fmt.Sprintf("The elements of the table are %s.", t.List), "  "))
	}
	for _, name := range backward(t.Has) { // the shortest first
		has := l.Table(name)
		b.WriteString("\n" + wrap(has.Name+": "+lowerFirst(has.Doc), "  ") + l.keysText(has))
	}
	return b.String()
}

// backward is a list from its end.
func backward(s []string) []string {
	out := slices.Clone(s)
	slices.Reverse(out)
	return out
}

// valuesText explains the types of plain values that a verb takes.
func (l *Language) valuesText(v *Verb) string {
	var b strings.Builder
	for _, val := range Values {
		uses := func(typ string) bool { return slices.Contains(TypeNames(typ), val.Name) }
		used := slices.ContainsFunc(v.Params, func(p Param) bool { return uses(p.Type) })
		for _, t := range []*Table{v.Takes, v.Then} {
			used = used || t != nil && slices.ContainsFunc(l.Keys(t), func(k Key) bool { return uses(k.Type) })
		}
		if used {
			fmt.Fprintf(&b, "\n%s is %s", val.Name, val.Doc)
		}
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

func (l *Language) classText(c *Class) string {
	var b strings.Builder
	b.WriteString(c.Name + "\n\n" + wrap(c.Doc, ""))
	of := c.Name
	if c.Same != "" {
		of = c.Same
	}
	if len(c.Fields) > 0 {
		b.WriteString("\nMembers\n" + rows(c.Fields))
	}
	switch c.Name {
	case "Net":
		b.WriteString(wrap("Besides these: every node, and every wire that has a name.", "  "))
	case "Variant":
		b.WriteString(wrap("Besides this: the parameters of the variant and the matrix cell, by the names that "+
			"the scenario gives them.", "  "))
	case "Counters":
		b.WriteString(wrap("Every counter by the kernel's name; nil of one that only other kernels have.", "  "))
	}
	if c.Item != "" {
		b.WriteString(wrap("#x is how many packets there are, x[n] the n-th of them.", "  "))
	}
	var lines []Key
	for i := range l.Verbs {
		if v := &l.Verbs[i]; v.Of == of {
			lines = append(lines, Key{Name: v.Full(), Doc: first(v.Doc)})
		}
	}
	if len(lines) > 0 {
		b.WriteString("\nVerbs\n" + rows(lines))
	}
	return b.String()
}

func (l *Language) tableText(t *Table) string {
	s := t.Name + "\n\n" + wrap(t.Doc, "") + "\nKeys\n" + l.keysText(t)
	var users []string
	for i := range l.Verbs {
		v := &l.Verbs[i]
		if v.Takes != nil && slices.Contains(v.Takes.Has, t.Name) {
			users = append(users, v.Full())
		}
	}
	if len(users) > 0 {
		s += "\nTaken by\n" + wrap(strings.Join(users, " "), "  ")
	}
	return s
}

func keyText(of string, k Key, what string) string {
	return fmt.Sprintf("%s.%s\n\n%s\n%s", of, k.Name, wrap("It is "+what+".", ""), rows([]Key{k}))
}

func (l *Language) roomText(r *Room) string {
	s := r.Title + "\n\n" + wrap(r.Doc, "") + "\nVerbs\n"
	var lines []Key
	for _, v := range l.In(r) {
		lines = append(lines, Key{Name: v.Full(), Doc: first(v.Doc)})
	}
	if r.Name == "modules" {
		return s[:strings.Index(s, "\nVerbs\n")] + modulesText()
	}
	return s + rows(lines) + "\nTypes\n" + wrap(strings.Join(r.Types, " "), "  ")
}

// Overview lists all verbs by room.
func (l *Language) Overview() string {
	var b strings.Builder
	b.WriteString("The language of scenarios, by room. netrepro doc NAME shows a verb (wire:drop), a room (faults),\n" +
		"a type (Conn), a member (fault.hits) or an option (nth).\n")
	for i := range Rooms {
		r := &Rooms[i]
		fmt.Fprintf(&b, "\n%s: %s\n", r.Name, r.Title)
		var names []string
		if r.Name == "modules" {
			for _, m := range Modules() {
				names = append(names, m.Name)
			}
		}
		for _, v := range l.In(r) {
			names = append(names, v.Full())
		}
		b.WriteString(wrap(strings.Join(names, " "), "  "))
	}
	return b.String()
}
