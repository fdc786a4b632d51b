package vm

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/diag"
	"netrepro/engine/script/foreign"
	"netrepro/engine/script/show"
)

// Call is one call of a verb, its arguments checked.
type Call struct {
	VM   *VM
	L    *lua.LState
	Self any
	Line int // of the call in the script
	File string
	Args map[string]any // by name of param or option; absent if not given

	name  string
	given map[string]bool
	rets  []lua.LValue
}

// Given reports whether the option or parameter of that name was.
func (c *Call) Given(name string) bool { return c.given[name] }

// Besides is the first, in alphabetical order, of what was given besides those
// named; empty if there is none.
func (c *Call) Besides(names ...string) string {
	for _, name := range slices.Sorted(maps.Keys(c.given)) {
		if !slices.Contains(names, name) {
			return name
		}
	}
	return ""
}

// put takes the value of an argument in.
func (c *Call) put(name string, set func(any), x any) {
	c.given[name] = true
	if set != nil {
		set(x)
		return
	}
	c.Args[name] = x
}

// Return sets what the verb returns.
func (c *Call) Return(x ...lua.LValue) { c.rets = x }

// Where is "file:line" of the call.
func (c *Call) Where() string { return fmt.Sprintf("%s:%d", c.File, c.Line) }

// bound is a verb of a class: classes may share verbs.
type bound struct {
	method *Method
	class  *Class
}

// function makes the Lua function of a verb.
func (v *VM) function(m *Method, class *Class) *lua.LFunction {
	if f := v.methods[bound{m, class}]; f != nil {
		return f
	}
	full := m.Name
	if class != nil {
		full = class.Name + ":" + m.Name
	}
	f := v.L.NewFunction(func(l *lua.LState) int {
		defer v.Guard(full)
		c := &Call{VM: v, L: l, Args: map[string]any{}, name: full, given: map[string]bool{}}
		c.File, c.Line = v.Where(l)
		v.Begins(l, full, c.File, c.Line)
		at := 1
		if class != nil {
			self, ok := As(l.Get(1), class)
			if !ok {
				v.Raise(l, "."+m.Name, fmt.Sprintf("%s is called with a dot", m.Name), "write a colon: "+
					v.receiver(l, m.Name)+":"+m.Name)
			}
			c.Self, at = self, 2
		}
		if m.Phase != Anytime && (m.Phase == Running) != v.Running {
			where := map[Phase]string{Loading: "at the top of a file", Running: "inside run"}
			v.Raise(l, m.Name, fmt.Sprintf("%s is used %s", m.Name, where[m.Phase]), "move it there")
		}
		if m.Phase == Running && v.MustNotWait(l) {
			v.Raise(l, m.Name, fmt.Sprintf("%s cannot be used while a packet passes", full),
				"note what is wanted in a local, and do it outside of the function")
		}
		m, do := *m, m.Fn
		if m.open != nil {
			m.Params, m.Options, do = m.open()
		}
		v.arguments(c, &m, at)
		if m.Phase == Running && v.Late != nil {
			v.Yield(func() { v.Late(c.Where() + " before " + full) })
		}
		if err := do(c); err != nil {
			v.RaiseErr(l, m.Name, err)
		}
		for _, x := range c.rets {
			l.Push(x)
		}
		return len(c.rets)
	})
	v.methods[bound{m, class}] = f
	return f
}

// receiver is what stands before ".name" on the line of the call.
func (v *VM) receiver(l *lua.LState, name string) string {
	file, line := v.Where(l)
	if m := regexp.MustCompile(`([\w.]+)\.` + name + `\b`).FindStringSubmatch(v.LineText(file, line)); m != nil {
		return m[1]
	}
	return "object"
}

// arguments checks what a verb was called with and fills c.Args.
func (v *VM) arguments(c *Call, m *Method, at int) {
	l := c.L
	for _, p := range m.Params {
		x := l.Get(at)
		at++
		if _, isTable := x.(*lua.LTable); isTable && p.Optional && m.Options != nil {
			at-- // left out: this is the table of options
			continue
		}
		if x == lua.LNil {
			if p.Optional {
				continue
			}
			if at <= l.GetTop()+1 && l.GetTop() > 0 && at-1 <= l.GetTop() {
				v.Raise(l, m.Name, fmt.Sprintf("%s: %s is nil", c.name, p.Name), "what is given has no value: look at "+
					"where it comes from; whether something is nil, expect(x):is_nil() says")
			}
			v.Raise(l, m.Name, fmt.Sprintf("%s: %s is missing", c.name, p.Name),
				fmt.Sprintf("it is a %s: %s", p.Kind.Name, p.Doc))
		}
		c.put(p.Name, p.set, v.value(c, p.Name, p.Kind, x))
	}
	if m.Options == nil {
		if at <= l.GetTop() {
			v.Raise(l, m.Name, fmt.Sprintf("%s takes %d arguments, not %d", c.name, len(m.Params), len(m.Params)+
				l.GetTop()-at+1), m.Doc)
		}
		return
	}
	x := l.Get(at)
	if _, isTable := x.(*lua.LTable); !isTable && x != lua.LNil && m.First != "" {
		// The short form: a value, then perhaps the table.
		o := m.option(m.First)
		c.put(o.Name, o.set, v.value(c, o.Name, o.Kind, x))
		at++
		x = l.Get(at)
	}
	if at < l.GetTop() {
		v.Raise(l, m.Name, fmt.Sprintf("%s: there is an argument after its options", c.name),
			"write all options in one table, as in "+m.Example)
	}
	v.options(c, m, x)
}

func (v *VM) options(c *Call, m *Method, x lua.LValue) {
	t, isTable := x.(*lua.LTable)
	switch {
	case x == lua.LNil:
		t = c.L.NewTable()
	case !isTable:
		v.Raise(c.L, m.Name, fmt.Sprintf("%s takes a table of options, not a %s", c.name, x.Type()), "write "+m.Name+
			" { … }")
	}
	v.table(c, m, t)
	for _, o := range m.Options {
		if c.given[o.Name] {
			continue
		}
		if o.fill {
			o.set(v.value(c, o.Name, o.Kind, show.Plain(o.Default)))
		}
		if o.Required {
			v.Raise(c.L, m.Name, fmt.Sprintf("%s: option %s is missing", c.name, o.Name),
				fmt.Sprintf("it is a %s: %s", o.Kind.Name, o.Doc))
		}
	}
}

// table takes the options from t.
func (v *VM) table(c *Call, m *Method, t *lua.LTable) {
	v.keys(c, m, t)
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		name := k.String()
		if n, ok := k.(lua.LNumber); ok {
			if m.List != "" && int(n) > 0 && int(n) <= t.Len() {
				continue // below
			}
			if n != 1 || m.First == "" {
				v.Raise(c.L, m.Name, fmt.Sprintf("%s: %s has no name", c.name, Show(x)),
					"write every option as name = value, as in "+m.Example)
			}
			name = m.First
			if c.given[name] {
				v.Raise(c.L, m.Name, fmt.Sprintf("%s: %s is given twice", c.name, name), "leave one of the two out")
			}
		}
		o := m.option(name)
		if o == nil {
			o = m.renamed(name)
			v.Print(fmt.Sprintf("%s:%d", c.File, v.KeyLine(c.File, c.Line, name)),
				fmt.Sprintf("%s is now called %s: write that, the old word will go", name, o.Name))
			name = o.Name
		}
		c.put(name, o.set, v.value(c, name, o.Kind, x))
	}
	if m.List == "" || t.Len() == 0 {
		return
	}
	if c.given[m.List] {
		v.Raise(c.L, m.Name, fmt.Sprintf("%s: %s is given twice", c.name, m.List), "leave one of the two out")
	}
	list := c.L.NewTable()
	for i := 1; i <= t.Len(); i++ {
		list.Append(t.RawGetInt(i))
	}
	o := m.option(m.List)
	c.put(o.Name, o.set, v.value(c, o.Name, o.Kind, list))
}

// keys refuses those of t that m does not take, all at once.
func (v *VM) keys(c *Call, m *Method, t *lua.LTable) {
	var first *diag.Error
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		name, named := k.(lua.LString)
		if !named || m.Known(string(name)) {
			continue
		}
		msg, takes, hint := m.Unknown(c.name, string(name))
		e := v.At(c.File, v.KeyLine(c.File, c.Line, string(name)), string(name), msg, hint)
		e.Takes = takes
		first = first.With(e)
	}
	if first != nil {
		v.Throw(c.L, first)
	}
}

// Known reports whether m has an option of the name.
func (m *Method) Known(name string) bool {
	return m.option(name) != nil || m.renamed(name) != nil
}

// renamed is the option that was called so in an earlier release, nil if none was.
func (m *Method) renamed(name string) *Option {
	for i := range m.Options {
		if o := &m.Options[i]; o.Was != "" && o.Was == name {
			return o
		}
	}
	return nil
}

// Unknown says that m, which is called by its full name, has no option of the name.
func (m *Method) Unknown(full, name string) (msg, takes, hint string) {
	return foreign.NoKey(m.Name, full, name, m.optionNames())
}

// value parses one argument.
func (v *VM) value(c *Call, name string, k *Kind, x lua.LValue) any {
	out, err := k.Parse(c, x)
	if err == nil {
		return out
	}
	var bv *BadValue
	var e *diag.Error
	if errors.As(err, &bv) {
		word := bv.Word
		line := v.KeyLine(c.File, c.Line, name)
		e = v.AtValue(c.File, line, name, word, fmt.Sprintf("%s: %s", name, bv.Msg), bv.Hint)
		if e.Col == 0 {
			e = v.At(c.File, line, name, e.Msg, bv.Hint)
		}
	} else {
		e = v.At(c.File, v.KeyLine(c.File, c.Line, name), name, fmt.Sprintf("%s: %v", name, err), "")
	}
	v.Throw(c.L, e)
	return nil
}

// Table takes the options of m from a table of its own, as for an element of a
// list of options.
func (c *Call) Table(m *Method, t *lua.LTable) map[string]any {
	sub := *c
	sub.Args, sub.given, sub.name = map[string]any{}, map[string]bool{}, m.Name
	c.VM.options(&sub, m, t)
	return sub.Args
}

// Callers are "file:line" of what called the function that the call stands in, the
// innermost first.
func (c *Call) Callers() []string {
	all := show.Callers(c.L, 1)
	if len(all) > 0 {
		all = all[1:] // the call itself
	}
	return all
}

// Fail makes an error at a word of the call.
func (c *Call) Fail(word, hint, format string, args ...any) error {
	return c.VM.At(c.File, c.Line, word, fmt.Sprintf(format, args...), hint)
}

func (m *Method) option(name string) *Option {
	for i := range m.Options {
		if m.Options[i].Name == name {
			return &m.Options[i]
		}
	}
	return nil
}

func (m *Method) optionNames() []string {
	var names []string
	for _, o := range m.Options {
		names = append(names, o.Name)
	}
	return names
}

// Protected calls fn, which is not the script's, with args, and returns its
// first result.
func (c *Call) Protected(fn lua.LValue, args ...lua.LValue) (lua.LValue, error) {
	if err := c.VM.Protected(c.L, fn, 1, args...); err != nil {
		return lua.LNil, err
	}
	defer c.L.Pop(1)
	return c.L.Get(-1), nil
}
