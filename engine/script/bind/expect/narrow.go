//go:build linux

package expect

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// kMatch is a match as an argument.
var kMatch = &vm.Kind{Name: "match", Type: "Match", Table: matchTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a match", `write { tcp = "syn" }`)
	}
	return matching.Of(c.Table(matchTable, t)), nil
}}

var matchTable = &vm.Method{Name: "match", Options: matching.Seen}

// kTrace is a trace, or a part of one.
var kTrace = &vm.Kind{Name: "trace", Type: "Trace", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if v, ok := vm.As(x, Trace); ok {
		return v, nil
	}
	return nil, args.Wrong(x, "a trace", "give net.trace, or a part of it")
}}

var matchParam = func(name, doc string) vm.Param { return vm.Param{Name: name, Kind: kMatch, Doc: doc} }

// narrow makes a verb that narrows an expectation to a part of the trace.
func narrow(name, doc, example string, params []vm.Param, wrap func(c *vm.Call) func(expect.Spec) expect.Spec) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Returns: "Expectation", Phase: vm.Running, Params: params,
		Fn: func(c *vm.Call) error {
			e := *c.Self.(*expectation)
			e.wrap = append(e.wrap[:len(e.wrap):len(e.wrap)], wrap(c))
			c.Return(c.VM.New(traceExpectation, &e))
			return nil
		}}
}

func partOf(p expect.Part) func(expect.Spec) expect.Spec {
	return func(s expect.Spec) expect.Spec { return expect.In{Part: p, Of: s} }
}

func matchArg(c *vm.Call, name string) *match.Match {
	m := c.Args[name].(match.Match)
	return &m
}

var narrowings = []*vm.Method{
	narrow("after", "What comes after the first packet that matches.", `expect(net.trace):after({ tcp = "fin" }):never { tcp = "data" }`,
		[]vm.Param{matchParam("match", "the packet before the part")}, func(c *vm.Call) func(expect.Spec) expect.Spec {
			return partOf(expect.Part{After: matchArg(c, "match")})
		}),
	narrow("before", "What comes before the first packet that matches.", `expect(net.trace):before({ tcp = "rst" }):includes { tcp = "data" }`,
		[]vm.Param{matchParam("match", "the packet after the part")}, func(c *vm.Call) func(expect.Spec) expect.Spec {
			return partOf(expect.Part{Before: matchArg(c, "match")})
		}),
	narrow("between", "What comes between two packets: the first that matches, and the first after it that matches the second.",
		`expect(net.trace):between({ tcp = "synack" }, { tcp = "fin" }):exactly(1, { tcp = "rexmit" })`,
		[]vm.Param{matchParam("first", "the packet before the part"), matchParam("last", "the packet after it")}, func(c *vm.Call) func(expect.Spec) expect.Spec {
			return partOf(expect.Part{After: matchArg(c, "first"), Before: matchArg(c, "last")})
		}),
	narrow("within", "What comes after the first packet that matches, in a time.", `expect(net.trace):within("50ms", { tcp = "rto" }):includes { tcp = "ack" }`,
		[]vm.Param{{Name: "time", Kind: args.Duration, Doc: "how long the part is"}, matchParam("match", "the packet before the part")},
		func(c *vm.Call) func(expect.Spec) expect.Spec {
			return partOf(expect.Part{After: matchArg(c, "match"), Within: c.Args["time"].(time.Duration)})
		}),
	narrow("each_connection", "Every connection by itself, and at least one.", `expect(net.trace:at(net.client)):each_connection():exactly(1, { tcp = "syn" })`,
		nil, func(*vm.Call) func(expect.Spec) expect.Spec {
			return func(s expect.Spec) expect.Spec { return expect.Each{Of: s} }
		}),
}

var streamVerbs = []*vm.Method{
	traceVerb("stalls", "The bytes a sender's peer receives in order come to a stop for so long, between the first and the last of them.",
		`expect(net.trace):stalls { from = net.server, longer = "200ms" }`, nil,
		[]vm.Option{args.Need("from", session.KHost, "the sender"), args.Need("longer", args.Duration, "how long at least"), args.Opt("conn", session.KEnds, "one connection"), optTimes},
		func(c *vm.Call) (expect.Spec, error) {
			return stallsOf(c, vm.ArgOr(c, "times", expect.Count{Min: 1, OrMore: true})), nil
		}),
	traceVerb("flows", "The bytes a sender's peer receives in order never come to a stop for so long.",
		`expect(net.trace):flows { from = net.server, longer = "200ms" }`, nil,
		[]vm.Option{args.Need("from", session.KHost, "the sender"), args.Need("longer", args.Duration, "how long is too long"), args.Opt("conn", session.KEnds, "one connection")},
		func(c *vm.Call) (expect.Spec, error) { return stallsOf(c, expect.Count{}), nil }),
	traceVerb("lossless", "Nothing is lost that no fault dropped: what leaves a node arrives, and routers send on what they receive.",
		`expect(net.trace):lossless()`, nil, nil, func(*vm.Call) (expect.Spec, error) { return expect.Lossless{}, nil }),
}

func stallsOf(c *vm.Call, times expect.Count) expect.Stalls {
	s := expect.Stalls{From: c.Args["from"].(*session.Node).Party(), Longer: c.Args["longer"].(time.Duration), Times: times}
	s.Conn, _ = c.Args["conn"].(*trace.Ends)
	return s
}

var goldenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

var goldenVerbs = []*vm.Method{
	traceVerb("same_as", "It means the same as another trace: the same events in the same order, for the same reasons.",
		`expect(net.trace:at(net.client)):same_as(net.trace:at(net.server))`,
		[]vm.Param{{Name: "trace", Kind: kTrace, Doc: "another trace, or part of one"}}, nil,
		func(c *vm.Call) (expect.Spec, error) { return expect.Same{As: c.Args["trace"].(*trace.View)}, nil }),
	traceVerb("matches", "It means what the golden trace NAME.golden beside the scenario says; netrepro run --update writes that.",
		`expect(net.trace):matches "one-lost-segment"`,
		[]vm.Param{{Name: "name", Kind: args.String, Doc: "of the golden trace"}}, nil, goldenSpec),
}

func goldenSpec(c *vm.Call) (expect.Spec, error) {
	name := c.Args["name"].(string)
	if !goldenName.MatchString(name) {
		return nil, c.Fail(name, "letters, digits, - and _ make a name", "%q is not the name of a golden trace", name)
	}
	r := session.Of(c)
	if r.Update {
		return update{r, name}, nil
	}
	text, err := r.Golden(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.Fail(name, "write it with netrepro run --update", "there is no golden trace %s.golden beside the scenario", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read golden trace: %w", err)
	}
	return expect.Golden{Name: name, Want: expect.ParseGolden(string(text))}, nil
}

// update accepts any trace and has it written down.
type update struct {
	run  *session.Run
	name string
}

// Early implements [expect.Spec].
func (update) Early() bool { return false }

// Judge implements [expect.Spec].
func (u update) Judge(v *trace.View) expect.Outcome {
	lines := expect.Form(v)
	u.run.Event(session.Event{Kind: session.EventGolden, Label: u.name, Text: expect.FormatGolden(u.name, lines)})
	return expect.Outcome{Pass: true, Expected: fmt.Sprintf("%s to be written down as %q", v.Label, u.name), Saw: fmt.Sprintf("%d lines", len(lines))}
}

// Form is the normal form of all that was captured.
func Form(r *session.Run) string { return strings.Join(expect.Form(r.Lab.Trace.All()), "\n") }
