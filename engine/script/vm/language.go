package vm

import (
	"maps"
	"slices"
)

// Room is what one room of verbs adds to the language, as plain data.
type Room struct {
	Globals []*Method
	Tables  map[string][]*Method // tables of functions, called with a dot
	Classes []*Class
	Members []Members
}

// Members are verbs and fields of a class that may be another room's.
type Members struct {
	Of      *Class
	Methods []*Method
	Fields  []*Field
}

// Language is everything a script can say. Bindings, checks, suggestions and
// documentation come from it. It does not change once it is made.
type Language struct {
	Globals []*Method
	Tables  map[string][]*Method
	Classes []*Class // each with the members that all rooms give it

	whole map[*Class]*Class // by the class that objects carry
}

// Assemble puts the rooms of a language together. Members of a class stand in the
// order of the rooms.
func Assemble(rooms ...Room) *Language {
	l := &Language{Tables: map[string][]*Method{}, whole: map[*Class]*Class{}}
	for _, r := range rooms {
		l.Globals = append(l.Globals, r.Globals...)
		maps.Copy(l.Tables, r.Tables)
		for _, c := range r.Classes {
			all := *c
			all.Methods, all.Fields = slices.Clip(c.Methods), slices.Clip(c.Fields)
			l.whole[c] = &all
			l.Classes = append(l.Classes, &all)
		}
	}
	for _, r := range rooms {
		for _, m := range r.Members {
			c := l.whole[m.Of]
			c.Methods = append(c.Methods, m.Methods...)
			c.Fields = append(c.Fields, m.Fields...)
		}
	}
	return l
}

// Whole is class c with the members that all rooms give it.
func (l *Language) Whole(c *Class) *Class {
	if all := l.whole[c]; all != nil {
		return all
	}
	return c
}
