// Package stubs writes the language of scenarios as LuaCATS annotations, from which an
// editor completes and checks scripts.
package stubs

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/script/reference"
)

// Of are the language for editors, as annotations of the Lua language server
// (LuaCATS).
func Of(l *reference.Language) []byte {
	s := &stubs{l: l}
	s.line("---@meta")
	s.line("-- What a scenario can say, for the Lua language server. Generated from the tables of")
	s.line("-- the language: go test ./engine/script/reference -update writes it anew.")
	s.line("---@diagnostic disable: missing-return, unused-local")
	for _, v := range reference.Values {
		s.line("")
		s.line("---%s", v.Doc)
		s.line("---@alias %s %s", v.Name, v.Type)
	}
	for i := range l.Tables {
		s.table(&l.Tables[i])
	}
	for i := range l.Classes {
		s.class(&l.Classes[i])
	}
	for i := range l.Verbs {
		if v := &l.Verbs[i]; v.Of == "" {
			s.verb(v, "")
		}
	}
	return []byte(s.b.String())
}

type stubs struct {
	l *reference.Language
	b strings.Builder
}

func (s *stubs) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *stubs) table(t *reference.Table) {
	s.line("")
	if t.Doc != "" {
		s.line("---%s", t.Doc)
	}
	of := ""
	if len(t.Has) > 0 {
		of = ": " + strings.Join(t.Has, ", ")
	}
	s.line("---@class %s%s", t.Name, of)
	keys := s.l.Keys(t)
	if i := slices.IndexFunc(keys, func(k reference.Key) bool { return k.Name == t.First }); i >= 0 && t.First != "" {
		s.line("---@field [1]? %s", keys[i].Type)
	}
	if i := slices.IndexFunc(keys, func(k reference.Key) bool { return k.Name == t.List }); i >= 0 && t.List != "" {
		s.line("---@field [integer] %s", strings.TrimSuffix(keys[i].Type, "[]"))
	}
	if t.Item != "" {
		s.line("---@field [integer] %s", t.Item)
	}
	returned := slices.ContainsFunc(reference.Results(), func(r reference.Table) bool { return r.Name == t.Name })
	for _, k := range t.Keys {
		may := "?"
		if k.Required && k.Name != t.First && k.Name != t.List || returned && !k.Sometimes {
			may = ""
		}
		s.line("---@field %s%s %s %s", k.Name, may, k.Type,
			reference.Doc(reference.Key{Doc: k.Doc, Default: k.Default}))
	}
}

func (s *stubs) class(c *reference.Class) {
	s.line("")
	s.line("---%s", c.Doc)
	if c.Table {
		s.line("---@class %slib", c.Name)
		s.line("%s = {}", c.Name)
	} else {
		of := ""
		if c.Same != "" {
			of = ": " + c.Same
		}
		s.line("---@class %s%s", c.Name, of)
		for _, f := range c.Fields {
			s.line("---@field %s %s %s", f.Name, f.Type, f.Doc)
		}
		if c.Item != "" {
			s.line("---@field [integer] %s", c.Item)
			s.line("---@operator len: integer")
		}
		if c.Any != "" {
			s.line("---@field [string] %s", c.Any)
		}
	}
	begun := c.Table
	for i := range s.l.Verbs {
		v := &s.l.Verbs[i]
		if v.Of != c.Name {
			continue
		}
		if !begun {
			s.line("local %s = {}", strings.ReplaceAll(c.Name, ".", ""))
			begun = true
		}
		if v.Takes != nil {
			s.table(v.Takes)
		}
		s.verb(v, c.Name)
	}
}

// verb writes a function, with each way to call it.
func (s *stubs) verb(v *reference.Verb, of string) {
	if of == "" {
		for _, t := range []*reference.Table{v.Takes, v.Then} {
			if t != nil {
				s.table(t)
			}
		}
	}
	s.line("")
	s.line("---%s", v.Doc)
	if v.Sample != "" {
		s.line("---```lua")
		for _, line := range strings.Split(v.Sample, "\n") {
			s.line("---%s", line)
		}
		s.line("---```")
	}
	var names []string
	for _, p := range v.Params {
		may := ""
		if p.Optional {
			may = "?"
		}
		s.line("---@param %s%s %s %s", p.Name, may, p.Type, p.Doc)
		names = append(names, p.Name)
	}
	if v.Takes != nil {
		may := "?"
		for _, k := range s.l.Keys(v.Takes) {
			if k.Required {
				may = ""
			}
		}
		s.line("---@param options%s %s", may, v.Takes.Name)
		names = append(names, "options")
	}
	for _, g := range v.Gives {
		s.line("---@return %s", g)
	}
	if v.Then != nil {
		s.line("---@return fun(header: %s)", v.Then.Name)
	}
	s.overloads(v, of)
	joint := ""
	if of != "" {
		joint = strings.ReplaceAll(of, ".", "") + ":"
		if v.Dot {
			joint = of + "."
		}
	}
	s.line("function %s%s(%s) end", joint, v.Name, strings.Join(names, ", "))
}

// overloads are the other ways to call v: with the first option in place of the
// table, and without a parameter that may be left out before it.
func (s *stubs) overloads(v *reference.Verb, of string) {
	if v.Takes == nil {
		return
	}
	self := ""
	if of != "" && !v.Dot {
		self = "self: " + of + ", "
	}
	gives := ""
	if len(v.Gives) > 0 {
		gives = ": " + strings.Join(v.Gives, ", ")
	}
	if v.Takes.First != "" {
		for _, k := range s.l.Keys(v.Takes) {
			if k.Name == v.Takes.First {
				s.line("---@overload fun(%s%s: %s, options?: %s)%s", self, k.Name, k.Type, v.Takes.Name, gives)
			}
		}
	}
	if n := len(v.Params); n > 0 && v.Params[n-1].Optional {
		args := self
		for _, p := range v.Params[:n-1] {
			args += p.Name + ": " + p.Type + ", "
		}
		s.line("---@overload fun(%soptions?: %s)%s", args, v.Takes.Name, gives)
	}
}
