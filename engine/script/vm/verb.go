package vm

import (
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/show"
)

// Argument is an argument of a verb: a [Param] or an [Option].
type Argument interface{ argument() }

func (Param) argument()  {}
func (Option) argument() {}

// split parts arguments into those with a position and those with a name.
func split(of []Argument) (params []Param, options []Option) {
	for _, a := range of {
		switch a := a.(type) {
		case Param:
			params = append(params, a)
		case Option:
			options = append(options, a)
		}
	}
	return params, options
}

// Verb makes a verb: m says what it is, takes lists its arguments as fields of a
// struct T, as package flag does, and do is called with the arguments read.
// Takes runs once for the description and once for each call.
func Verb[T any](m Method, takes func(*T) []Argument, do func(*Call, *T) error) *Method {
	m.Params, m.Options = split(takes(new(T)))
	m.open = func() ([]Param, []Option, func(*Call) error) {
		a := new(T)
		params, options := split(takes(a))
		return params, options, func(c *Call) error { return do(c, a) }
	}
	return &m
}

// Table is the form of a table of options inside of another value, as of an
// element of a list: a struct T.
type Table[T any] struct {
	method Method
	takes  func(*T) []Argument
}

// NewTable makes a form. Its name is for messages; first names the option that
// element 1 of the table sets, if any.
func NewTable[T any](name, first string, takes func(*T) []Argument) *Table[T] {
	t := &Table[T]{Method{Name: name, First: first}, takes}
	_, t.method.Options = split(takes(new(T)))
	return t
}

// Form describes the table, as a verb that takes it would be.
func (t *Table[T]) Form() *Method { return &t.method }

// Read reads x. What is wrong in it is raised in the script.
func (t *Table[T]) Read(c *Call, x *lua.LTable) T {
	var a T
	m := t.method
	_, m.Options = split(t.takes(&a))
	c.Table(&m, x)
	return a
}

// Values are arguments by name, of options that no struct has fields for.
type Values map[string]any

// Collect has options put their values into to.
func Collect(to *Values, options []Option) []Argument {
	*to = Values{}
	out := make([]Argument, len(options))
	for i, o := range options {
		o.set = func(x any) { (*to)[o.Name] = x }
		out[i] = o
	}
	return out
}

// Without are arguments but for those of the names.
func Without(args []Argument, names ...string) []Argument {
	return slices.DeleteFunc(args, func(a Argument) bool {
		o, ok := a.(Option)
		return ok && slices.Contains(names, o.Name)
	})
}

// CheckDefaults reports a default of m that its own kind refuses.
func (m *Method) CheckDefaults() error {
	for _, o := range m.Options {
		if !o.fill {
			continue
		}
		if _, err := o.Kind.Parse(nil, show.Plain(o.Default)); err != nil {
			return fmt.Errorf("%s: default of %s: %w", m.Name, o.Name, err)
		}
	}
	return nil
}
