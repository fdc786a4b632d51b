package expect

import (
	"fmt"
	"strings"

	"netrepro/engine/tcp"
	"netrepro/engine/trace"
	"netrepro/engine/trace/golden"
)

// Form is the normal form of a view.
func Form(v *trace.View) []string {
	var rs []*tcp.Record
	for _, p := range v.Packets() {
		if r := p.Finding(); r != nil {
			rs = append(rs, r)
		}
	}
	return golden.Form(rs, v.Trace.Name)
}

// Same expects another view to mean the same.
type Same struct{ As *trace.View }

// Early implements [Spec].
func (s Same) Early() bool { return false }

// Differences says in words how what got means differs from what want does, one a
// line.
func Differences(want, got *trace.View) []string { return golden.Diff(Form(want), Form(got)) }

// Judge implements [Spec].
func (s Same) Judge(v *trace.View) Outcome {
	return differ(Form(s.As), Form(v), fmt.Sprintf("%s to mean the same as %s", v.Label, s.As.Label))
}

// Golden expects the normal form of the trace to be Want.
type Golden struct {
	Name string
	Want []string
}

// Early implements [Spec].
func (s Golden) Early() bool { return false }

// Judge implements [Spec].
func (s Golden) Judge(v *trace.View) Outcome {
	return differ(s.Want, Form(v), fmt.Sprintf("%s to match %q", v.Label, s.Name))
}

func differ(want, got []string, expected string) Outcome {
	d := golden.Diff(want, got)
	o := Outcome{Pass: len(d) == 0, Expected: expected, Saw: fmt.Sprintf("%d lines, all the same", len(got))}
	if !o.Pass {
		o.Saw = fmt.Sprintf("%d differences", len(d))
		if len(d) == 1 {
			o.Saw = "one difference"
		}
		o.Packets = d
	}
	return o
}

// ParseGolden reads a golden trace: one event a line, "#" begins a comment.
func ParseGolden(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, " \t\r\n")
		if l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return out
}

// FormatGolden writes a golden trace.
func FormatGolden(title string, lines []string) string {
	return "# " + title + "\n# Written by netrepro run --update: who did what, in which order and why. No times.\n" +
		strings.Join(lines, "\n") + "\n"
}
