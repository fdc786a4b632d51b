//go:build linux

package expect

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/script/args"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
)

// maxShown is how much of a value a message shows.
const maxShown = 60

func shown(x lua.LValue) string {
	s := vm.Show(x)
	if u, ok := x.(*lua.LUserData); ok {
		if o, ok := u.Value.(*vm.Object); ok && o.Class.String != nil {
			s = o.Class.String(o.Value)
		}
	}
	if len(s) > maxShown {
		s = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:maxShown], ""), len(x.String()))
	}
	return s
}

// valueVerb is a verb that judges a value against one or two others.
func valueVerb(name, doc, example string, params []vm.Param, judge func(c *vm.Call, got lua.LValue) (bool, string, error)) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Phase: vm.Running, Params: params,
		Fn: func(c *vm.Call) error {
			e := c.Self.(*expectation)
			ok, want, err := judge(c, e.value)
			if err != nil {
				return err
			}
			return e.report(c, expect.Outcome{Pass: ok, Expected: want, Saw: shown(e.value)}, e.run.Started)
		}}
}

// compared makes a verb that compares numbers.
func compared(name, doc, words string, holds func(got, want float64) bool) *vm.Method {
	return valueVerb(name, doc, "expect(fault.hits):"+name+"(1)", []vm.Param{{Name: "want", Kind: args.Number, Doc: "a number"}},
		func(c *vm.Call, got lua.LValue) (bool, string, error) {
			want := c.Args["want"].(float64)
			n, ok := got.(lua.LNumber)
			return ok && holds(float64(n), want), fmt.Sprintf("a number %s %v", words, lua.LNumber(want)), nil
		})
}

func same(a, b lua.LValue) bool {
	return a.Type() == b.Type() && (a == b || a.String() == b.String() && a.Type() != lua.LTUserData)
}

// valueExpectation's options are the members of what is judged, so has takes
// a plain table.
var valueExpectation = &vm.Class{Name: "ValueExpectation", What: "an expectation on a value", Doc: "What is expected of a value.",
	Methods: []*vm.Method{
		valueVerb("equals", "It is this value.", `expect(got.bytes):equals(30000)`, []vm.Param{{Name: "want", Kind: args.Any, Doc: "a value"}},
			func(c *vm.Call, got lua.LValue) (bool, string, error) {
				want := c.Args["want"].(lua.LValue)
				return same(got, want), shown(want), nil
			}),
		valueVerb("differs_from", "It is another value.", `expect(peer.port):differs_from(40000)`, []vm.Param{{Name: "other", Kind: args.Any, Doc: "a value"}},
			func(c *vm.Call, got lua.LValue) (bool, string, error) {
				other := c.Args["other"].(lua.LValue)
				return !same(got, other), "anything but " + shown(other), nil
			}),
		compared("less_than", "It is a smaller number.", "less than", func(a, b float64) bool { return a < b }),
		compared("more_than", "It is a larger number.", "more than", func(a, b float64) bool { return a > b }),
		compared("at_least", "It is this number or a larger one.", "of at least", func(a, b float64) bool { return a >= b }),
		compared("at_most", "It is this number or a smaller one.", "of at most", func(a, b float64) bool { return a <= b }),
		valueVerb("between", "It is a number in a range, both ends included.", `expect(got.time):between(0.04, 0.5)`,
			[]vm.Param{{Name: "low", Kind: args.Number, Doc: "a number"}, {Name: "high", Kind: args.Number, Doc: "a number"}},
			func(c *vm.Call, got lua.LValue) (bool, string, error) {
				lo, hi := c.Args["low"].(float64), c.Args["high"].(float64)
				n, ok := got.(lua.LNumber)
				return ok && float64(n) >= lo && float64(n) <= hi, fmt.Sprintf("a number from %v to %v", lua.LNumber(lo), lua.LNumber(hi)), nil
			}),
		valueVerb("matches", "It is a string in which a Lua pattern is found.", `expect(err):matches "^E"`,
			[]vm.Param{{Name: "pattern", Kind: args.String, Doc: "a Lua pattern"}}, matches),
		valueVerb("is_nil", "It is nil.", `expect(err):is_nil()`, nil,
			func(_ *vm.Call, got lua.LValue) (bool, string, error) { return got == lua.LNil, "nil", nil }),
		valueVerb("is_true", "It is true.", `expect(ok):is_true()`, nil,
			func(_ *vm.Call, got lua.LValue) (bool, string, error) { return got == lua.LTrue, "true", nil }),
		{Name: "has", Doc: "Its members have these values.", Example: `expect(entry):has { reply_dport = 27464 }`, Phase: vm.Running,
			Params: []vm.Param{{Name: "members", Kind: args.Table, Doc: "values by name"}}, Fn: hasMembers},
	}}

func matches(c *vm.Call, got lua.LValue) (bool, string, error) {
	pattern := c.Args["pattern"].(string)
	want := fmt.Sprintf("a string that matches %q", pattern)
	s, ok := got.(lua.LString)
	if !ok {
		return false, want, nil
	}
	lib, ok := c.L.GetGlobal(lua.StringLibName).(*lua.LTable)
	if !ok {
		return false, "", c.Fail("matches", "keep the library's names", "string is no longer the library")
	}
	found, err := c.Protected(lib.RawGetString("find"), s, lua.LString(pattern))
	if err != nil {
		return false, "", c.Fail(pattern, "a pattern is Lua's: %d+, ^abc", "%q is not a pattern", pattern)
	}
	return found != lua.LNil, want, nil
}

func hasMembers(c *vm.Call) error {
	e := c.Self.(*expectation)
	t := c.Args["members"].(*lua.LTable)
	o := expect.Outcome{Pass: true}
	if k, _ := t.Next(lua.LNil); k == lua.LNil {
		return c.Fail("has", "write has { name = value }", "has names no member")
	}
	var want, saw []string
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		got, err := member(c, e.value, k)
		if err != nil {
			return err
		}
		want = append(want, fmt.Sprintf("%s = %s", k, shown(x)))
		saw = append(saw, fmt.Sprintf("%s = %s", k, shown(got)))
		o.Pass = o.Pass && same(got, x)
	}
	o.Expected, o.Saw = strings.Join(want, ", "), strings.Join(saw, ", ")
	if e.value == lua.LNil {
		o.Saw = "nil"
	}
	return e.report(c, o, e.run.Started)
}

// member reads a member of a table or of an object of ours.
func member(c *vm.Call, x, key lua.LValue) (lua.LValue, error) {
	switch x := x.(type) {
	case *lua.LTable:
		return x.RawGet(key), nil
	case *lua.LUserData:
		o, ok := x.Value.(*vm.Object)
		if !ok {
			break
		}
		var names []string
		for _, f := range o.Class.Fields {
			if names = append(names, f.Name); f.Name == key.String() {
				return f.Get(c.VM, o.Value)
			}
		}
		hint := diag.DidYouMean(key.String(), names)
		if hint == "" {
			hint = "it has: " + strings.Join(names, ", ")
		}
		return nil, c.Fail(key.String(), hint, "a %s has no %q", o.Class.Name, key.String())
	}
	return lua.LNil, nil
}
