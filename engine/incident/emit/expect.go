package emit

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/incident"
)

// mostExpected bounds the expectations of one kind.
const mostExpected = 4

// expectations writes what the run must show: what the capture means.
func (w *writer) expectations() {
	w.line("step \"verdict\"")
	at := ":at(" + string(w.inc.Vantage) + ")"
	if w.inc.Vantage == incident.Everywhere {
		at = ""
	}
	w.line("local seen = net.trace%s", at)
	bug := w.shown()
	if len(w.causes) == 0 {
		for _, l := range bug {
			w.line("%s", l)
		}
		return
	}
	w.line("if bug then")
	for _, l := range bug {
		w.line("  %s", l)
	}
	w.line("else")
	for _, l := range w.mended() {
		w.line("  %s", l)
	}
	w.line("end")
}

// shown are the expectations of what fails.
func (w *writer) shown() (out []string) {
	add := func(format string, args ...any) {
		l := fmt.Sprintf(format, args...)
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	resets, resent := 0, 0
	for _, f := range w.inc.Flows {
		for _, r := range f.Resets {
			if resets++; resets <= mostExpected {
				add("expect(seen):includes { from = %s, %s }", sides[r.Side], match(r))
			}
		}
		for _, r := range f.Resent {
			if r.Len == 0 {
				continue
			}
			if resent++; resent <= mostExpected {
				add("expect(seen):includes { from = %s, tcp = \"rexmit\", seq = %d }", sides[r.Side], r.Seq)
			}
		}
		for _, name := range sides {
			if f.Opening == incident.Opened && said(f, name+" FIN") {
				add("expect(seen):includes { from = %s, tcp = \"fin\" }", name)
			}
		}
	}
	if resets == 0 {
		add("expect(net.trace):never { tcp = \"rst\" }")
	}
	return out
}

// said reports whether an event is in the form of a connection.
func said(f *incident.Flow, event string) bool {
	return slices.ContainsFunc(f.Form, func(l string) bool { return strings.TrimSpace(l) == event })
}

// match is what is asked of a reset: what the packets are sure of.
func match(r incident.Reset) string {
	switch {
	case r.Kind != "active" && r.Kind != "passive", r.Cause == "not-captured", r.Cause == "no-socket",
		r.Cause == "out-of-window", r.Cause == "syn-sent", r.Cause == "listener", r.Cause == "overflow":
		return `tcp = "rst"`
	case r.Or || r.Cause != "closed-port":
		return fmt.Sprintf("rst = { kind = %q }", r.Kind)
	}
	return fmt.Sprintf("rst = { kind = %q, cause = %q }", r.Kind, r.Cause)
}

// mended are the expectations of what works.
func (w *writer) mended() (out []string) {
	for _, f := range w.inc.Flows {
		if len(f.Resets) > 0 {
			out = append(out, "expect(net.trace):never { tcp = \"rst\" }")
			break
		}
	}
	if slices.Contains(w.causes, loss) || slices.Contains(w.causes, hole) {
		out = append(out, "expect(net.trace):never { tcp = \"rto\" }")
	}
	if len(out) == 0 {
		out = append(out, "expect(net.trace):never { tcp = \"rst\" }")
	}
	return out
}
