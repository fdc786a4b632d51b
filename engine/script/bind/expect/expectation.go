//go:build linux

// Package expect has the verbs of traces and of what is expected of them.
package expect

import (
	"fmt"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/seen"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Globals: []*vm.Method{
			subjectVerb("expect",
				"Says what is expected of a trace, a result or a value. A failure is recorded and the case "+
					"goes on.", false),
			subjectVerb("must", "As expect, but a failure ends the case.", true),
		},
		Classes: []*vm.Class{Trace, seen.Class, traceExpectation, everyExpectation, resultExpectation,
			valueExpectation},
		Members: []vm.Members{
			{Of: Trace, Methods: traceVerbs},
			{Of: traceExpectation, Methods: slices.Concat(traceExpectations, narrowings, streamVerbs, goldenVerbs)},
		},
	}
}

// subject is what an expectation is about, until a verb judges it.
type subject struct {
	file string
	line int
	done bool
}

// state is what this room keeps of a case.
type state struct {
	subjects []*subject // what expect and must were given
	judged   bool       // a trace was
	golden   Golden
}

var slot = session.NewSlot(func(*session.Run) *state { return &state{} })

// Judged reports whether a trace of r was judged.
func Judged(r *session.Run) bool { return slot.Of(r).judged }

// Unsaid is where a script gave something to expect or must and did not say what is
// expected of it.
func Unsaid(r *session.Run) (file string, line int, ok bool) {
	for _, s := range slot.Of(r).subjects {
		if !s.done {
			return s.file, s.line, true
		}
	}
	return "", 0, false
}

// expectation is a subject about to be judged.
type expectation struct {
	run   *session.Run
	label string
	must  bool
	value lua.LValue // what expect was given
	view  *trace.View
	each  *match.Match                    // of every
	wrap  []func(expect.Spec) expect.Spec // what narrows it, outermost first
	at    *subject
}

// given are the arguments of expect and must.
type given struct {
	subject lua.LValue
	label   string
}

// subjectVerb makes expect or must.
func subjectVerb(name, doc string, must bool) *vm.Method {
	return vm.Verb(vm.Method{Name: name, Doc: doc, Example: name + `(net.trace):never { tcp = "rst" }`,
		Returns: "Expectation|ResultExpectation|ValueExpectation", Phase: vm.Running},
		func(a *given) []vm.Argument {
			a.subject = lua.LNil
			return []vm.Argument{
				args.Any.OptParam(&a.subject, "subject", "a trace, a result or a value"),
				args.String.OptParam(&a.label, "label", "what it is, for the report"),
			}
		},
		func(c *vm.Call, a *given) error {
			x := a.subject
			e := &expectation{run: session.Of(c), label: a.label, must: must, value: x,
				at: &subject{file: c.File, line: c.Line}}
			all := slot.Of(e.run)
			all.subjects = append(all.subjects, e.at)
			class := valueExpectation
			if v, ok := vm.As(x, Trace); ok {
				e.view, class = v.(*trace.View), traceExpectation
			} else if _, ok := session.ResultOf(vm.Value(x)); ok {
				class = resultExpectation
			}
			c.Return(c.VM.New(class, e))
			return nil
		})
}

// report judges by o: it is reported, remembered if it failed, and ends the case if
// it was a must.
func (e *expectation) report(c *vm.Call, o expect.Outcome, since time.Time) error {
	e.at.done = true
	e.run.Event(session.Event{Kind: session.EventExpect, Pass: o.Pass, Text: o.Message(), Label: e.label,
		Where: c.Where(), Callers: callers(c, o.Pass), Packets: o.Packets, Frames: o.Frames})
	if o.Pass {
		return nil
	}
	e.run.Fail(session.Failure{Timed: o.Timed, Since: since})
	e.run.Stand(c, session.StopFailure, o.Message())
	if e.must {
		return session.ErrStopped
	}
	return nil
}

// callers are the places that called the function in which an expectation failed.
func callers(c *vm.Call, pass bool) []string {
	if pass {
		return nil
	}
	return c.Callers()
}

// judge judges the trace by s: as soon as a pass can be believed, else when the
// wires are idle.
func (e *expectation) judge(c *vm.Call, s expect.Spec) error {
	if !e.run.Captured() {
		return c.Fail("expect", "leave direct out of the wires that matter",
			"nothing is captured here: every wire is direct")
	}
	slot.Of(e.run).judged = true
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
		// A quarter of the time at most is spent on judging.
		seen, idle = e.run.News(seen, 3*time.Since(begin))
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
	o := s.Judge(e.view)
	if key := expect.KernelOnly(s); key != "" && !o.Pass && !e.run.Lab.Trace.Asked() {
		o.Saw += fmt.Sprintf("; only the kernel knows %s, and it was not asked: that needs root, Linux 6.10, and no "+
			"--inferred", key)
	}
	return e.report(c, o, e.run.Started)
}
