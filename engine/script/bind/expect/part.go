//go:build linux

package expect

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

var matchTable = vm.NewTable("match", "", askedOptions)

// kMatch is a match as an argument.
var kMatch = vm.NewKind("match", "Match", func(c *vm.Call, x lua.LValue) (match.Match, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return match.Match{}, args.Wrong(x, "a match", `write { tcp = "syn" }`)
	}
	a := matchTable.Read(c, t)
	return a.match(c), nil
}).Of(matchTable.Form())

// narrow makes a verb that narrows an expectation to a part of the trace.
func narrow[T any](m vm.Method, takes func(*T) []vm.Argument, wrap func(*T) func(expect.Spec) expect.Spec) *vm.Method {
	m.Returns, m.Phase = "Expectation", vm.Running
	return vm.Verb(m, takes, func(c *vm.Call, a *T) error {
		e := *c.Self.(*expectation)
		e.wrap = append(e.wrap[:len(e.wrap):len(e.wrap)], wrap(a))
		c.Return(c.VM.New(traceExpectation, &e))
		return nil
	})
}

// partOf narrows to a part.
func partOf(p expect.Part) func(expect.Spec) expect.Spec {
	return func(s expect.Spec) expect.Spec { return expect.In{Part: p, Of: s} }
}

// between are the packets before and after a part.
type between struct{ first, last match.Match }

// within are the arguments of within.
type within struct {
	time  time.Duration
	match match.Match
}

var narrowings = []*vm.Method{
	narrow(vm.Method{Name: "after", Doc: "What comes after the first packet that matches.",
		Example: `expect(net.trace):after({ tcp = "fin" }):never { tcp = "data" }`},
		func(m *match.Match) []vm.Argument {
			return []vm.Argument{kMatch.Param(m, "match", "the packet before the part")}
		},
		func(m *match.Match) func(expect.Spec) expect.Spec { return partOf(expect.Part{After: m}) }),
	narrow(vm.Method{Name: "before", Doc: "What comes before the first packet that matches.",
		Example: `expect(net.trace):before({ tcp = "rst" }):includes { tcp = "data" }`},
		func(m *match.Match) []vm.Argument {
			return []vm.Argument{kMatch.Param(m, "match", "the packet after the part")}
		},
		func(m *match.Match) func(expect.Spec) expect.Spec { return partOf(expect.Part{Before: m}) }),
	narrow(vm.Method{Name: "between", Doc: "What comes between two packets: the first that matches, " +
		"and the first after it that matches the second.",
		Example: `expect(net.trace):between({ tcp = "synack" }, { tcp = "fin" }):exactly(1, { tcp = "rexmit" })`},
		func(b *between) []vm.Argument {
			return []vm.Argument{
				kMatch.Param(&b.first, "first", "the packet before the part"),
				kMatch.Param(&b.last, "last", "the packet after it"),
			}
		},
		func(b *between) func(expect.Spec) expect.Spec {
			return partOf(expect.Part{After: &b.first, Before: &b.last})
		}),
	narrow(vm.Method{Name: "within", Doc: "What comes after the first packet that matches, for this long.",
		Example: `expect(net.trace):within("50ms", { tcp = "rto" }):includes { tcp = "ack" }`},
		func(w *within) []vm.Argument {
			return []vm.Argument{
				args.Bound.Param(&w.time, "time", "how long the part is"),
				kMatch.Param(&w.match, "match", "the packet before the part"),
			}
		},
		func(w *within) func(expect.Spec) expect.Spec {
			return partOf(expect.Part{After: &w.match, Within: w.time})
		}),
	narrow(vm.Method{Name: "each_connection", Doc: "Every connection by itself, and at least one.",
		Example: `expect(net.trace:at(net.client)):each_connection():exactly(1, { tcp = "syn" })`},
		func(*none) []vm.Argument { return nil },
		func(*none) func(expect.Spec) expect.Spec {
			return func(s expect.Spec) expect.Spec { return expect.Each{Of: s} }
		}),
}
