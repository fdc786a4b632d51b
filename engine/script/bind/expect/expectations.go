//go:build linux

// Package expect has the verbs of traces and of what is expected of them.
package expect

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/expect/reads"
	"netrepro/engine/host/socket"
	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// expectation is a subject about to be judged.
type expectation struct {
	run   *session.Run
	label string
	must  bool
	value lua.LValue // what expect was given
	view  *trace.View
	each  *match.Match                    // of every
	wrap  []func(expect.Spec) expect.Spec // what narrows it, outermost first
	at    *session.Subject
}

// Subject makes expect or must.
func Subject(name, doc string, must bool) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: name + `(net.trace):never { tcp = "rst" }`, Returns: "Expectation|ResultExpectation|ValueExpectation", Phase: vm.Running,
		Params: []vm.Param{{Name: "subject", Kind: args.Any, Optional: true, Doc: "a trace, a result or a value"},
			{Name: "label", Kind: args.String, Optional: true, Doc: "what it is, for the report"}},
		Fn: func(c *vm.Call) error {
			x := c.L.Get(1)
			e := &expectation{run: session.Of(c), label: vm.ArgOr(c, "label", ""), must: must, value: x,
				at: &session.Subject{File: c.File, Line: c.Line}}
			e.run.Subjects = append(e.run.Subjects, e.at)
			class := valueExpectation
			if v, ok := vm.As(x, Trace); ok {
				e.view, class = v.(*trace.View), traceExpectation
			} else if _, ok := session.ResultOf(vm.Value(x)); ok {
				class = resultExpectation
			}
			c.Return(c.VM.New(class, e))
			return nil
		}}
}

// settle judges o: it is reported, remembered if it failed, and ends the case
// if it was a must.
func (e *expectation) report(c *vm.Call, o expect.Outcome, since time.Time) error {
	e.at.Done = true
	e.run.Event(session.Event{Kind: session.EventExpect, Pass: o.Pass, Text: o.Message(), Label: e.label, Where: c.Where(), Packets: o.Packets, Frames: o.Frames})
	if o.Pass {
		return nil
	}
	e.run.Failed = append(e.run.Failed, session.Failure{Timed: o.Timed, Since: since})
	if e.must {
		return session.ErrStopped
	}
	return nil
}

// judge judges the trace by s: as soon as a pass can be believed, else when the
// wires are idle.
func (e *expectation) judge(c *vm.Call, s expect.Spec) error {
	if !e.run.Captured() {
		return c.Fail("expect", "leave direct out of the wires that matter", "nothing is captured here: every wire is direct")
	}
	e.run.Judged = true
	for i := len(e.wrap) - 1; i >= 0; i-- {
		s = e.wrap[i](s)
	}
	idle := false
	if !s.Early() {
		e.run.Settle()
		e.run.Late(c.Where() + " before the trace is looked at")
		idle = true
	}
	for seen := e.run.Passes(); !idle; {
		begin := time.Now()
		e.run.Late(c.Where() + " before the trace is looked at")
		if o := s.Judge(e.view); o.Pass {
			// The frame is recorded; when the relay's pass is over, it is delivered too.
			e.run.Passes()
			return e.report(c, o, e.run.Started)
		}
		seen, idle = e.run.News(seen, 3*time.Since(begin)) // a quarter of the time at most is spent on judging
		if err := session.Over(c); err != nil {
			return err
		}
	}
	if expect.Hears(s) {
		e.run.Hear()
	}
	if err := session.Over(c); err != nil {
		return err
	}
	return e.report(c, s.Judge(e.view), e.run.Started)
}

// traceVerb is a verb that judges a trace.
func traceVerb(name, doc, example string, params []vm.Param, options []vm.Option, spec func(c *vm.Call) (expect.Spec, error)) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Phase: vm.Running, Params: params, Options: options,
		Fn: func(c *vm.Call) error {
			s, err := spec(c)
			if err != nil {
				return err
			}
			return c.Self.(*expectation).judge(c, s)
		}}
}

var optTimes = args.OptDef("times", args.Count, ">= 1", `how many: 3 or ">= 3"`)

var traceExpectation = &vm.Class{Name: "Expectation", What: "an expectation on a trace", Doc: "What is expected of a trace.",
	Methods: []*vm.Method{
		traceVerb("includes", "A matching packet is there.", `expect(net.trace):includes { tcp = "rexmit", seq = 1 }`, nil,
			append([]vm.Option{optTimes}, matching.Seen...), func(c *vm.Call) (expect.Spec, error) {
				return expect.Includes{Match: matching.Of(c.Args), Times: vm.ArgOr(c, "times", expect.Count{Min: 1, OrMore: true})}, nil
			}),
		traceVerb("never", "No packet matches, until the wires are idle.", `expect(net.trace):never { tcp = "rto" }`, nil, matching.Seen,
			func(c *vm.Call) (expect.Spec, error) { return expect.Never{Match: matching.Of(c.Args)}, nil }),
		traceVerb("exactly", "So many packets match, no more.", `expect(net.trace:at(net.client)):exactly(2, { tcp = "syn" })`,
			[]vm.Param{{Name: "n", Kind: args.Int("number", 0, 1<<30, "a whole number"), Doc: "how many"}}, matching.Seen,
			func(c *vm.Call) (expect.Spec, error) {
				return expect.Includes{Match: matching.Of(c.Args), Times: expect.Count{Min: c.Args["n"].(int)}}, nil
			}),
		traceVerb("sequence", "Packets come in this order; others may come between.",
			`expect(net.trace:at(net.client)):sequence { { tcp = "syn" }, { tcp = "synack", within = "1s" } }`,
			[]vm.Param{{Name: "rows", Kind: matching.KRows, Doc: "matches in order, with times and within"}}, nil,
			func(c *vm.Call) (expect.Spec, error) {
				return expect.Sequence{Rows: c.Args["rows"].([]expect.Row)}, nil
			}),
		traceVerb("reads", "The exchange reads as written: one packet a line, from the first on; ... lets any pass.",
			"expect(net.trace:at(net.server)):reads [[\n  client > server  S\n  server > client  S.\n  ...\n  server > client  R.  within 50ms\n]]",
			[]vm.Param{{Name: "text", Kind: args.String, Doc: "SRC > DST FLAGS [seq N] [ack N] [len N|A..B] [rexmit] [tls NAME] [rst CAUSE] [xN|x>=N] [within D]"}}, nil, readsSpec),
		traceVerb("retransmits", "A segment is sent again, as seen at one capture point.",
			`expect(net.trace:at(net.server)):retransmits { seq = 1, times = ">= 4", backoff = "exponential" }`, nil,
			append([]vm.Option{optTimes, args.Opt("backoff", args.Enum("backoff", "exponential"), "how the gaps between timeouts grow")}, matching.Seen...),
			func(c *vm.Call) (expect.Spec, error) {
				return expect.Retransmits{Match: matching.Of(c.Args), Times: vm.ArgOr(c, "times", expect.Count{Min: 1, OrMore: true}),
					Exponential: vm.ArgOr(c, "backoff", "") != ""}, nil
			}),
		{Name: "every", Doc: "All packets that match, at least one; say of them what they have.", Example: `expect(net.trace):every { tcp = "syn" }:has { sport = 40000 }`,
			Returns: "Every", Phase: vm.Running, Options: matching.Seen,
			Fn: func(c *vm.Call) error {
				e := *c.Self.(*expectation)
				m := matching.Of(c.Args)
				e.each = &m
				c.Return(c.VM.New(everyExpectation, &e))
				return nil
			}},
	}}

func init() { // they return what they belong to
	traceExpectation.Methods = append(traceExpectation.Methods, narrowings...)
	traceExpectation.Methods = append(traceExpectation.Methods, streamVerbs...)
	traceExpectation.Methods = append(traceExpectation.Methods, goldenVerbs...)
}

var everyExpectation = &vm.Class{Name: "Every", What: "an expectation on every packet that matches", Doc: "What is expected of every packet that matches.",
	Methods: []*vm.Method{traceVerb("has", "Each of them matches this too.", `expect(net.trace):every { tcp = "syn" }:has { sport = 40000 }`, nil, matching.Seen,
		func(c *vm.Call) (expect.Spec, error) {
			return expect.Every{Of: *c.Self.(*expectation).each, Has: matching.Of(c.Args)}, nil
		})}}

// readsSpec parses the text of reads; an error in it is shown on its own line.
func readsSpec(c *vm.Call) (expect.Spec, error) {
	text := c.Args["text"].(string)
	s, err := reads.Parse(text, func(name string) (*value.Party, error) {
		n := session.Of(c).Node(name)
		if n == nil {
			return nil, fmt.Errorf("%q is not a node of this topology", name)
		}
		return n.Party(), nil
	})
	if err == nil {
		return s, nil
	}
	rest, found := strings.CutPrefix(err.Error(), "line ")
	num, msg, _ := strings.Cut(rest, ": ")
	n, cerr := strconv.Atoi(num)
	lines := strings.Split(text, "\n")
	if !found || cerr != nil || n > len(lines) {
		return nil, err
	}
	word := strings.TrimSpace(lines[n-1])
	return nil, c.Fail(word, "a line is SRC > DST FLAGS and what else is known", "reads: %s", msg)
}

var resultExpectation = &vm.Class{Name: "ResultExpectation", What: "an expectation on a result", Doc: "What is expected of how something ended.",
	Methods: []*vm.Method{
		{Name: "succeeds", Doc: "It worked, and took as long as said.", Example: `expect(done):succeeds { before = "500ms" }`, Phase: vm.Running,
			Options: []vm.Option{args.Opt("after", args.Duration, "it took at least this long"), args.Opt("before", args.Duration, "it took less than this")},
			Fn: func(c *vm.Call) error {
				e := c.Self.(*expectation)
				res := subjectResult(e.value)
				o := expect.Outcome{Pass: res.OK(), Expected: "success", Saw: session.Describe(res)}
				after, before := vm.ArgOr(c, "after", time.Duration(0)), vm.ArgOr(c, "before", time.Duration(0))
				if after > 0 {
					o.Expected += fmt.Sprintf(" after %s", after)
				}
				if before > 0 {
					o.Expected += fmt.Sprintf(" before %s", before)
				}
				if o.Pass && (res.Took < after || before > 0 && res.Took >= before) {
					o.Pass = false
					o.Timed = res.Took >= after // a stall makes things late, never early
				}
				return e.report(c, o, res.Started)
			}},
		{Name: "fails", Doc: "It failed; if a text is given, with this error.", Example: `expect(done):fails "handshake timeout"`, Phase: vm.Running,
			Params: []vm.Param{{Name: "error", Kind: args.String, Optional: true, Doc: `what failed and how: "connect ECONNREFUSED"`}},
			Fn: func(c *vm.Call) error {
				e := c.Self.(*expectation)
				res := subjectResult(e.value)
				want, given := vm.Arg[string](c, "error")
				o := expect.Outcome{Pass: !res.OK() && (!given || res.Err == want), Expected: "failure", Saw: session.Describe(res)}
				if given {
					o.Expected = fmt.Sprintf("failure with %q", want)
				}
				return e.report(c, o, res.Started)
			}},
	}}

func subjectResult(x lua.LValue) socket.Result {
	res, _ := session.ResultOf(vm.Value(x))
	return res
}

// Classes are those of traces and expectations.
var Classes = []*vm.Class{Trace, packetClass, traceExpectation, everyExpectation, resultExpectation, valueExpectation}
