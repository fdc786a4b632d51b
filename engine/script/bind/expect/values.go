//go:build linux

package expect

import (
	"cmp"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/script/alike"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// verdict is whether a value is as it should be, and what that is in words.
type verdict struct {
	ok   bool
	want string
	saw  string // empty is the value itself
}

// valueVerb makes a verb that judges a value by its arguments.
func valueVerb[T any](name, doc, example string, takes func(*T) []vm.Argument,
	judge func(c *vm.Call, a *T, got lua.LValue) (verdict, error)) *vm.Method {
	return vm.Verb(vm.Method{Name: name, Doc: doc, Example: example, Phase: vm.Running}, takes,
		func(c *vm.Call, a *T) error {
			e := c.Self.(*expectation)
			v, err := judge(c, a, e.value)
			if err != nil {
				return err
			}
			return e.report(c, expect.Outcome{Pass: v.ok, Expected: v.want, Saw: cmp.Or(v.saw, shown(e.value))}, e.run.Started)
		})
}

// compared makes a verb that compares numbers.
func compared(name, doc, words string, holds func(got, want float64) bool) *vm.Method {
	return valueVerb(name, doc, "expect(fault.hits):"+name+"(1)",
		func(want *float64) []vm.Argument { return []vm.Argument{args.Number.Param(want, "want", "a number")} },
		func(_ *vm.Call, want *float64, got lua.LValue) (verdict, error) {
			n, ok := got.(lua.LNumber)
			return verdict{ok: ok && holds(float64(n), *want), want: fmt.Sprintf("a number %s %v", words, lua.LNumber(*want))},
				nil
		})
}

// is makes a verb that wants one value.
func is(name, doc, example string, want lua.LValue) *vm.Method {
	return valueVerb(name, doc, example, func(*none) []vm.Argument { return nil },
		func(_ *vm.Call, _ *none, got lua.LValue) (verdict, error) {
			return verdict{ok: got == want, want: want.String()}, nil
		})
}

// typed is a value with its type, where that is not plain to see.
func typed(x lua.LValue) string {
	if t := x.Type(); t == lua.LTString || t == lua.LTNumber {
		return fmt.Sprintf("the %s %s", t, shown(x))
	}
	return shown(x)
}

// limits are the arguments of between.
type limits struct{ low, high float64 }

// valueExpectation's options are the members of what is judged, so has takes
// a plain table.
var valueExpectation = &vm.Class{Name: "ValueExpectation", What: "an expectation on a value",
	Doc: "What is expected of a value.",
	Methods: []*vm.Method{
		valueVerb("equals", "It is this value.", `expect(got.bytes):equals(30000)`,
			func(want *lua.LValue) []vm.Argument { return []vm.Argument{args.Any.Param(want, "want", "a value")} },
			func(_ *vm.Call, want *lua.LValue, got lua.LValue) (verdict, error) {
				if got.Type() != (*want).Type() { // "200" and 200 look alike
					return verdict{want: typed(*want), saw: typed(got)}, nil
				}
				return verdict{ok: alike.Same(got, *want), want: shown(*want)}, nil
			}),
		valueVerb("differs_from", "It is another value.", `expect(peer.port):differs_from(40000)`,
			func(other *lua.LValue) []vm.Argument { return []vm.Argument{args.Any.Param(other, "other", "a value")} },
			func(_ *vm.Call, other *lua.LValue, got lua.LValue) (verdict, error) {
				if got.Type() != (*other).Type() && got != lua.LNil && *other != lua.LNil { // it could not be the same
					return verdict{want: "another value than " + typed(*other), saw: typed(got)}, nil
				}
				return verdict{ok: !alike.Same(got, *other), want: "anything but " + shown(*other)}, nil
			}),
		compared("less_than", "It is a smaller number.", "less than", func(a, b float64) bool { return a < b }),
		compared("more_than", "It is a larger number.", "more than", func(a, b float64) bool { return a > b }),
		compared("at_least", "It is this number or a larger one.", "of at least",
			func(a, b float64) bool { return a >= b }),
		compared("at_most", "It is this number or a smaller one.", "of at most",
			func(a, b float64) bool { return a <= b }),
		valueVerb("between", "It is a number in a range, both ends included.", `expect(got.time):between(0.04, 0.5)`,
			func(l *limits) []vm.Argument {
				return []vm.Argument{args.Number.Param(&l.low, "low", "a number"),
					args.Number.Param(&l.high, "high", "a number")}
			},
			func(_ *vm.Call, l *limits, got lua.LValue) (verdict, error) {
				n, ok := got.(lua.LNumber)
				f := float64(n)
				return verdict{ok: ok && f >= l.low && f <= l.high,
					want: fmt.Sprintf("a number from %v to %v", lua.LNumber(l.low), lua.LNumber(l.high))}, nil
			}),
		valueVerb("matches", "It is a string in which a Lua pattern is found.", `expect(err):matches "^E"`,
			func(pattern *string) []vm.Argument {
				return []vm.Argument{args.String.Param(pattern, "pattern", "a Lua pattern")}
			},
			func(c *vm.Call, pattern *string, got lua.LValue) (verdict, error) {
				ok, want, err := matches(c, *pattern, got)
				return verdict{ok: ok, want: want}, err
			}),
		is("is_nil", "It is nil.", `expect(err):is_nil()`, lua.LNil),
		is("is_true", "It is true.", `expect(ok):is_true()`, lua.LTrue),
		vm.Verb(vm.Method{Name: "has", Doc: "Its members have these values.",
			Example: `expect(entry):has { reply_dport = 27464 }`, Phase: vm.Running},
			func(members **lua.LTable) []vm.Argument {
				return []vm.Argument{args.Table.Param(members, "members", "values by name")}
			}, hasMembers),
	}}

func matches(c *vm.Call, pattern string, got lua.LValue) (bool, string, error) {
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

func hasMembers(c *vm.Call, members **lua.LTable) error {
	e := c.Self.(*expectation)
	t := *members
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
		o.Pass = o.Pass && alike.Same(got, x)
	}
	o.Expected, o.Saw = strings.Join(want, ", "), strings.Join(saw, ", ")
	if e.value == lua.LNil {
		o.Saw = "nil"
	}
	return e.report(c, o, e.run.Started)
}
