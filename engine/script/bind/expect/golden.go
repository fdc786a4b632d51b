//go:build linux

package expect

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"netrepro/engine/expect"
	"netrepro/engine/pattern"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Golden is what a case does with golden traces.
type Golden struct {
	// Update has them written, not compared.
	Update bool
	// Read reads one by its name; its error is [fs.ErrNotExist] if there is none. Nil
	// has none.
	Read func(name string) ([]byte, error)
}

// SetGolden says what r does with golden traces.
func SetGolden(r *session.Run, g Golden) { slot.Of(r).golden = g }

var goldenName = pattern.New(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

var goldenVerbs = []*vm.Method{
	traceVerb(vm.Method{Name: "same_as",
		Doc:     "It means the same as another trace: the same events in the same order, for the same reasons.",
		Example: `expect(net.trace:at(net.client)):same_as(net.trace:at(net.server))`},
		func(other **trace.View) []vm.Argument {
			return []vm.Argument{kTrace.Param(other, "trace", "another trace, or part of one")}
		},
		func(_ *vm.Call, other **trace.View) (expect.Spec, error) { return expect.Same{As: *other}, nil }),
	traceVerb(vm.Method{Name: "matches", Doc: "The trace means what the golden trace NAME.golden beside " +
		"the scenario says; netrepro run --update writes it.", Example: `expect(net.trace):matches ` +
		`"one-lost-segment"`},
		func(name *string) []vm.Argument {
			return []vm.Argument{args.String.Param(name, "name", "of the golden trace")}
		},
		func(c *vm.Call, name *string) (expect.Spec, error) { return goldenSpec(c, *name) }),
}

func goldenSpec(c *vm.Call, name string) (expect.Spec, error) {
	if !goldenName.MatchString(name) {
		return nil, c.Fail(name, "letters, digits, - and _ make a name", "%q is not the name of a golden trace", name)
	}
	r := session.Of(c)
	g := slot.Of(r).golden
	if g.Update {
		return update{r, name}, nil
	}
	var text []byte
	err := fs.ErrNotExist
	if g.Read != nil {
		text, err = g.Read(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.Fail(name, "write it with netrepro run --update",
			"there is no golden trace %s.golden beside the scenario", name)
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
	return expect.Outcome{Pass: true, Expected: fmt.Sprintf("%s to be written down as %q", v.Label, u.name),
		Saw: fmt.Sprintf("%d lines", len(lines))}
}

// Form is the normal form of all that was captured.
func Form(r *session.Run) string { return strings.Join(expect.Form(r.Lab.Trace.All()), "\n") }
