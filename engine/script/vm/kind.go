package vm

import (
	lua "github.com/yuin/gopher-lua"
)

// Kind is a type of argument.
type Kind struct {
	Name string // "duration", for messages
	Type string // LuaCATS type
	// Parse turns a Lua value into what the verb wants. Its error says what
	// is wrong with the value: [*BadValue] to add a hint.
	Parse func(c *Call, x lua.LValue) (any, error)
	// Table has the keys of the table that it takes, under the last name in Type;
	// nil if it takes none of its own.
	Table *Method
}

// Base is k itself; it makes [Kind] and [KindOf] one [AnyKind].
func (k *Kind) Base() *Kind { return k }

// AnyKind is a kind of argument, whatever Go type its values have.
type AnyKind interface{ Base() *Kind }

// KindOf is a kind of argument whose values have the Go type V.
type KindOf[V any] struct{ *Kind }

// NewKind makes a kind: its name for messages, its LuaCATS type, and how a Lua
// value is read.
func NewKind[V any](name, typ string, parse func(c *Call, x lua.LValue) (V, error)) KindOf[V] {
	return KindOf[V]{&Kind{Name: name, Type: typ,
		Parse: func(c *Call, x lua.LValue) (any, error) { return parse(c, x) }}}
}

// Of is the kind whose tables have the keys of a form.
func (k KindOf[V]) Of(form *Method) KindOf[V] {
	with := *k.Kind
	with.Table = form
	return KindOf[V]{&with}
}

// Read turns a Lua value into one of k.
func (k KindOf[V]) Read(c *Call, x lua.LValue) (V, error) {
	out, err := k.Parse(c, x)
	if err != nil {
		var none V
		return none, err
	}
	return out.(V), nil
}

// Opt is an option that sets to; without it, to stays as it is.
func (k KindOf[V]) Opt(to *V, name, doc string) Option {
	return Option{Name: name, Kind: k.Kind, Doc: doc, set: func(x any) { *to = x.(V) }}
}

// Maybe is an option that makes to point to its value; without it, to stays nil.
func (k KindOf[V]) Maybe(to **V, name, doc string) Option {
	return Option{Name: name, Kind: k.Kind, Doc: doc, set: func(x any) { v := x.(V); *to = &v }}
}

// Or is what p points to, or other where an option was not given.
func Or[V any](p *V, other V) V {
	if p != nil {
		return *p
	}
	return other
}

// Need is an option that must be given.
func (k KindOf[V]) Need(to *V, name, doc string) Option {
	o := k.Opt(to, name, doc)
	o.Required = true
	return o
}

// Def is an option with a default, as a script would write it; quotes may be left
// out of texts.
func (k KindOf[V]) Def(to *V, name, def, doc string) Option {
	o := k.Opt(to, name, doc)
	o.Default, o.fill = def, true
	return o
}

// Param is a positional argument.
func (k KindOf[V]) Param(to *V, name, doc string) Param {
	return Param{Name: name, Kind: k.Kind, Doc: doc, set: func(x any) { *to = x.(V) }}
}

// OptParam is a positional argument that may be left out; to then stays as it is.
func (k KindOf[V]) OptParam(to *V, name, doc string) Param {
	p := k.Param(to, name, doc)
	p.Optional = true
	return p
}

// Into is an option whose value set takes in.
func (k *Kind) Into(name, doc string, set func(any)) Option {
	return Option{Name: name, Kind: k, Doc: doc, set: set}
}
