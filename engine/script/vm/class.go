package vm

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/foreign"
)

// Class is a kind of object scripts hold. The tables of classes are the single
// description of the language.
type Class struct {
	Name    string
	Doc     string
	Methods []*Method
	Fields  []*Field
	// Index answers for members that are neither, by name; nil if there are
	// none. Names lists them for messages.
	Index func(self any, name string) (lua.LValue, bool)
	Names func(self any) []string
	// Item answers for self[n]; Len for #self.
	Item func(v *VM, self any, n int) lua.LValue
	Len  func(self any) int
	// String prints self; nil prints the class name.
	String func(self any) string
	// What names one object in messages, "this topology"; empty is the class.
	What string
}

// Field is a member that is computed when read.
type Field struct {
	Name, Type, Doc string
	Get             func(v *VM, self any) (lua.LValue, error)
	Was             string // what it was called in an earlier release
}

// Phase says when a verb may be used.
type Phase int

// Phases.
const (
	Anytime Phase = iota
	Loading       // at the top level of a file
	Running       // inside run
)

// Method is a verb, of a class or global.
type Method struct {
	Name    string
	Doc     string
	Example string
	Returns string
	Phase   Phase
	Params  []Param
	// Options are keys of a table that comes after the params. First names
	// the option that element 1 of the table sets, or that a value in place
	// of the table sets.
	Options []Option
	First   string
	// List names the option that the elements of the table are, as a list.
	List string
	// Then is the call that what it returns takes: scenario "name" { … }.
	Then *Method
	Fn   func(c *Call) error
	// open makes, for one call, the arguments and what is done with them; nil of a
	// verb that has Fn.
	open func() ([]Param, []Option, func(*Call) error)
}

// Param is a positional argument.
type Param struct {
	Name, Doc string
	Kind      *Kind
	Optional  bool

	set func(any)
}

// Option is a key of an options table.
type Option struct {
	Name, Doc string
	Kind      *Kind
	Required  bool
	Default   string // as shown; empty if there is none
	// Was is what it was called in an earlier release: that is accepted, and noted.
	Was string

	set  func(any)
	fill bool // the default is set where the option is not given
}

// Shown is the option with a default for its reader alone: where it is not given,
// the verb finds out what is meant.
func (o Option) Shown(def string) Option {
	o.Default = def
	return o
}

// BadValue is an error about a value, with a hint and the word to point at.
type BadValue struct{ Msg, Word, Hint string }

func (e *BadValue) Error() string { return e.Msg }

// Remedy implements [interp.Remedied].
func (e *BadValue) Remedy() (word, hint string) { return e.Word, e.Hint }

// Object is what a userdata of ours holds.
type Object struct {
	Class *Class
	Value any
}

// New makes an object of class c.
func (v *VM) New(c *Class, value any) lua.LValue {
	u := v.L.NewUserData()
	u.Value, u.Metatable = &Object{c, value}, v.metatable(c)
	return u
}

// As returns the object x holds if it is one of class c.
func As(x lua.LValue, classes ...*Class) (any, bool) {
	u, ok := x.(*lua.LUserData)
	if !ok {
		return nil, false
	}
	o, ok := u.Value.(*Object)
	if !ok || !slices.Contains(classes, o.Class) {
		return nil, false
	}
	return o.Value, true
}

func objectOf(x lua.LValue) *Object {
	if u, ok := x.(*lua.LUserData); ok {
		o, _ := u.Value.(*Object)
		return o
	}
	return nil
}

// Method finds a method by name, nil if there is none.
func (c *Class) Method(name string) *Method {
	for _, m := range c.Methods {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// members lists everything self has, for messages.
func (c *Class) members(self any) []string {
	var names []string
	if c.Names != nil {
		names = append(names, c.Names(self)...)
	}
	for _, m := range c.Methods {
		names = append(names, m.Name)
	}
	for _, f := range c.Fields {
		names = append(names, f.Name)
	}
	return names
}

func (v *VM) metatable(c *Class) *lua.LTable {
	if t := v.classes[c]; t != nil {
		return t
	}
	t := v.L.NewTable()
	v.classes[c] = t
	t.RawSetString("__index", v.L.NewFunction(func(l *lua.LState) int { return v.index(l, c) }))
	t.RawSetString("__newindex", v.L.NewFunction(func(l *lua.LState) int {
		v.Raise(l, l.CheckAny(2).String(), fmt.Sprintf("%s cannot be assigned to", c.Name),
			"keep values of your own in locals")
		return 0
	}))
	t.RawSetString("__tostring", v.L.NewFunction(func(l *lua.LState) int {
		l.Push(lua.LString(objectOf(l.Get(1)).text()))
		return 1
	}))
	t.RawSetString("__metatable", lua.LFalse)
	t.RawSetString("__len", v.L.NewFunction(func(l *lua.LState) int {
		v.Raise(l, "#", c.Name+" has no length", v.language.Counted(c))
		return 0
	}))
	if c.Len != nil {
		t.RawSetString("__len", v.L.NewFunction(func(l *lua.LState) int {
			l.Push(lua.LNumber(c.Len(objectOf(l.Get(1)).Value)))
			return 1
		}))
	}
	return t
}

// Counted is what to write for the number of things of a class, or of what one has.
func (l *Language) Counted(c *Class) string {
	var verbs []string
	for _, k := range l.Classes {
		for _, m := range k.Methods {
			if m.Returns == c.Name+"[]" || k.Name == c.Name && strings.HasSuffix(m.Returns, "[]") {
				verbs = append(verbs, "#"+strings.ToLower(k.Name)+":"+m.Name+"()")
			}
		}
	}
	if len(verbs) == 0 {
		return "# counts the elements of a list"
	}
	slices.Sort(verbs)
	return "to count, write " + strings.Join(slices.Compact(verbs), " or ")
}

// Strict makes a table raise an error where a member is read that it never has. known are
// those that it may have.
func (v *VM) Strict(t *lua.LTable, what string, known ...string) *lua.LTable {
	mt := v.L.NewTable()
	mt.RawSetString("__index", v.L.NewFunction(func(l *lua.LState) int {
		name := l.Get(2).String()
		if !slices.Contains(known, name) { // l.Get(1) is a table without it
			v.RaiseNear(l, name, fmt.Sprintf("%s has no %q (it has: %s)", what, name, strings.Join(known, ", ")), known)
		}
		l.Push(lua.LNil)
		return 1
	}))
	t.Metatable = mt
	return t
}

// Show implements [show.Shown].
func (o *Object) Show() string { return "a " + o.Class.Name }

func (o *Object) text() string {
	if o.Class.String != nil {
		return o.Class.String(o.Value)
	}
	return o.Class.Name
}

func (v *VM) index(l *lua.LState, class *Class) int {
	c := v.language.Whole(class)
	self := objectOf(l.Get(1)).Value
	if n, ok := l.Get(2).(lua.LNumber); ok && c.Item != nil {
		l.Push(c.Item(v, self, int(n)))
		return 1
	}
	name := l.Get(2).String()
	if c.Index != nil {
		if x, ok := c.Index(self, name); ok {
			l.Push(x)
			return 1
		}
	}
	if m := c.Method(name); m != nil {
		l.Push(v.function(m, class))
		return 1
	}
	for _, f := range c.Fields {
		if f.Name == name {
			x, err := f.Get(v, self)
			if err != nil {
				v.RaiseErr(l, name, err)
			}
			l.Push(x)
			return 1
		}
	}
	known := c.members(self)
	if i := slices.IndexFunc(c.Fields, func(f *Field) bool { return f.Was != "" && f.Was == name }); i >= 0 {
		v.Raise(l, name, fmt.Sprintf("%s has no %q", c.what(), name), "it is now called "+c.Fields[i].Name)
	}
	msg, hint := c.Unknown(name, known)
	v.Raise(l, name, msg, hint)
	return 0
}

// what names one object in messages.
func (c *Class) what() string {
	if c.What != "" {
		return c.What
	}
	return "a " + c.Name
}

// Unknown says that an object with members known has none of the name.
func (c *Class) Unknown(name string, known []string) (msg, hint string) {
	return foreign.NoMember(c.what(), c.Name, name, known)
}

// Value is what the object x holds, nil if x is no object of ours.
func Value(x lua.LValue) any {
	if o := objectOf(x); o != nil {
		return o.Value
	}
	return nil
}

// FieldOf makes a field of objects that hold an S.
func FieldOf[S any](name, typ, doc string, get func(S) lua.LValue) *Field {
	return &Field{Name: name, Type: typ, Doc: doc,
		Get: func(_ *VM, self any) (lua.LValue, error) { return get(self.(S)), nil }}
}

// NumberOf makes a field that is a number, of objects that hold an S.
func NumberOf[S any, N int | int32 | int64 | uint8 | uint16 | uint32 | float64](name, typ, doc string,
	get func(S) N) *Field {
	return FieldOf(name, typ, doc, func(x S) lua.LValue { return lua.LNumber(get(x)) })
}
