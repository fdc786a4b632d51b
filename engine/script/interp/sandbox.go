package interp

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/pattern"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/foreign"
	"netrepro/engine/script/show"
	"netrepro/engine/script/stdlib"
)

// closed are the base functions scripts do not get: ways around our own
// loading of code, and what reaches the whole process.
var closed = []string{"dofile", "loadfile", "load", "loadstring", "module", "newproxy", "_printregs", "collectgarbage",
	"setfenv", "getfenv", "require", "print"}

// sandbox opens the safe part of the standard library, adds ours and makes
// globals strict.
func (v *Interp) sandbox(c Config) {
	l := v.L
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{{"", lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath}} {
		l.Push(l.NewFunction(lib.open))
		l.Push(lua.LString(lib.name))
		l.Call(1, 0)
	}
	g := l.G.Global
	for _, name := range closed {
		g.RawSetString(name, lua.LNil)
	}
	v.random(c.Seed)
	if t, ok := g.RawGetString(lua.TabLibName).(*lua.LTable); ok {
		stdlib.Bound(l, t)
	}
	if s, ok := g.RawGetString(lua.StringLibName).(*lua.LTable); ok {
		s.RawSetString("format", l.NewFunction(stdlib.Format))
		s.RawSetString("rep", l.NewFunction(stdlib.Rep))
		v.unstoppable(s, "find", "match", "gmatch", "gsub")
	}
	g.RawSetString("pcall", l.NewFunction(v.pcall))
	g.RawSetString("xpcall", l.NewFunction(v.xpcall))
	g.RawSetString("print", l.NewFunction(func(l *lua.LState) int {
		var s []string
		for i := 1; i <= l.GetTop(); i++ {
			if t, ok := l.Get(i).(*lua.LTable); ok && l.GetMetaField(t, "__tostring") == lua.LNil {
				s = append(s, show.Fields(t))
				continue
			}
			s = append(s, l.ToStringMeta(l.Get(i)).String())
		}
		if c.Print != nil {
			file, line := v.Where(l)
			c.Print(fmt.Sprintf("%s:%d", file, line), strings.Join(s, "\t"))
		}
		return 0
	}))
	g.RawSetString("require", l.NewFunction(v.require))
}

// Seal makes globals strict, once all are there: reading and assigning an unknown global an error. The functions
// are Go's: a Lua one would name its own line.
func (v *Interp) Seal() {
	g := v.L.G.Global
	for k, _ := g.Next(lua.LNil); k != lua.LNil; k, _ = g.Next(k) {
		v.known = append(v.known, k.String())
	}
	slices.Sort(v.known)
	mt := v.L.NewTable()
	mt.RawSetString("__index", v.L.NewFunction(func(l *lua.LState) int {
		name := l.Get(2).String()
		file, _ := v.Where(l)
		v.Raise(l, name, fmt.Sprintf("undefined name %q", name), v.meant(v.sources[file], name))
		return 0
	}))
	mt.RawSetString("__newindex", v.L.NewFunction(func(l *lua.LState) int {
		name := l.Get(2).String()
		v.Raise(l, name, fmt.Sprintf("%q is assigned but never declared", name), fmt.Sprintf(`write "local %s"`, name))
		return 0
	}))
	mt.RawSetString("__metatable", lua.LFalse)
	g.Metatable = mt
}

// random replaces math.random by one that draws from the seed of the case.
func (v *Interp) random(seed uint64) {
	m, ok := v.L.G.Global.RawGetString(lua.MathLibName).(*lua.LTable)
	if !ok {
		return
	}
	r := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // reproducible on purpose
	m.RawSetString("randomseed", lua.LNil)
	m.RawSetString("random", v.L.NewFunction(func(l *lua.LState) int {
		lo := 1
		var hi int
		switch l.GetTop() {
		case 0:
			l.Push(lua.LNumber(r.Float64()))
			return 1
		case 1:
			hi = l.CheckInt(1)
		default:
			lo, hi = l.CheckInt(1), l.CheckInt(2)
		}
		if hi < lo || hi-lo < 0 || hi-lo+1 <= 0 {
			l.RaiseError("math.random: the interval from %d to %d is empty", lo, hi)
		}
		l.Push(lua.LNumber(lo + r.IntN(hi-lo+1)))
		return 1
	}))
}

// meant says what to write for a name that nobody declared.
func (v *Interp) meant(src *diag.Source, name string) string {
	if src != nil && src.Part(name) {
		return "write net." + name
	}
	if slices.Contains(v.along, name) {
		return fmt.Sprintf("write local %s = require %q", name, name)
	}
	return cmp.Or(foreign.Name(name), diag.DidYouMean(name, v.known))
}

// noModule raises that there is no module of a name.
func (v *Interp) noModule(l *lua.LState, name string) {
	hint := cmp.Or(foreign.Name(name), diag.DidYouMean(name, v.along), fmt.Sprintf("put %s.lua beside the scenario, "+
		"or use one that comes along: %s", name, strings.Join(v.along, ", ")))
	file, line := v.Where(l)
	e := v.At(file, line, strconv.Quote(name), fmt.Sprintf("there is no module %q", name), hint)
	if e.Col == 0 {
		e = v.At(file, line, name, e.Msg, hint)
	}
	v.Throw(l, e)
}

var moduleName = pattern.New(`^[a-z_][a-z0-9_]*$`)

// require loads a module once per VM; a loop is an error that names the files.
func (v *Interp) require(l *lua.LState) int {
	name := l.CheckString(1)
	if !moduleName.MatchString(name) {
		v.Raise(l, name, fmt.Sprintf("%q is not a module name", name),
			"module names are lower case letters, digits and _, no dots and no paths")
	}
	if x, ok := v.modules[name]; ok {
		l.Push(x)
		return 1
	}
	if slices.Contains(v.loading, name) {
		v.Raise(l, name, fmt.Sprintf("modules require each other in a loop: %s",
			strings.Join(append(v.loading, name), " > ")), "move what both need into a third")
	}
	file, text, ok := "", "", false
	if v.load != nil {
		file, text, ok = v.load(name)
	}
	if !ok {
		v.noModule(l, name)
	}
	src, err := diag.Parse(file, text)
	if err != nil {
		v.Throw(l, err)
	}
	v.sources[file] = src
	fn, err := v.compile(src)
	if err != nil {
		v.Throw(l, err)
	}
	v.loading = append(v.loading, name)
	l.Push(fn)
	l.Call(0, 1)
	x := l.Get(-1)
	v.loading = v.loading[:len(v.loading)-1]
	v.modules[name] = x
	return 1
}
