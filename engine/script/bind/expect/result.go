//go:build linux

package expect

import (
	"fmt"
	"time"

	"netrepro/engine/expect"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// took are the arguments of succeeds.
type took struct{ after, before time.Duration }

var resultExpectation = &vm.Class{Name: "ResultExpectation", What: "an expectation on a result",
	Doc: "What is expected of how something ended.",
	Methods: []*vm.Method{
		vm.Verb(vm.Method{Name: "succeeds", Doc: "It worked, and took as long as said. " +
			"An answer of HTTP whose status is 400 or more, or that came before the whole request was sent, has not.",
			Example: `expect(done):succeeds { before = "500ms" }`, Phase: vm.Running},
			func(a *took) []vm.Argument {
				return []vm.Argument{
					args.Bound.Opt(&a.after, "after", "it took at least this long"),
					args.Bound.Opt(&a.before, "before", "it took less than this"),
				}
			}, succeeds),
		vm.Verb(vm.Method{Name: "fails", Doc: "It failed; if a text is given, with this error.",
			Example: `expect(done):fails "handshake timeout"`, Phase: vm.Running},
			func(want *string) []vm.Argument {
				return []vm.Argument{args.String.OptParam(want, "error", `what failed and how: "connect ECONNREFUSED"`)}
			}, fails),
	}}

func succeeds(c *vm.Call, a *took) error {
	e := c.Self.(*expectation)
	res, _ := session.ResultOf(vm.Value(e.value))
	ok, saw := session.Succeeded(vm.Value(e.value))
	o := expect.Outcome{Pass: ok, Expected: "success", Saw: saw}
	if a.after > 0 {
		o.Expected += fmt.Sprintf(" after %s", a.after)
	}
	if a.before > 0 {
		o.Expected += fmt.Sprintf(" before %s", a.before)
	}
	if o.Pass && (res.Took < a.after || a.before > 0 && res.Took >= a.before) {
		o.Pass = false
		o.Timed = res.Took >= a.after // a stall makes things late, never early
	}
	return e.report(c, o, res.Started)
}

func fails(c *vm.Call, want *string) error {
	e := c.Self.(*expectation)
	res, _ := session.ResultOf(vm.Value(e.value))
	given := c.Given("error")
	o := expect.Outcome{Pass: !res.OK() && (!given || res.Err == *want), Expected: "failure",
		Saw: session.Describe(res)}
	if given {
		o.Expected = fmt.Sprintf("failure with %q", *want)
	}
	return e.report(c, o, res.Started)
}
