package phrase

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/reproduction"
)

// mostExpected bounds the expectations of one kind.
const mostExpected = 4

// Shown are the expectations of what fails.
func Shown(inc *reproduction.Incident) (out []string) {
	add := func(format string, args ...any) {
		l := fmt.Sprintf(format, args...)
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	resets, resent := 0, 0
	for _, f := range inc.Flows {
		for _, r := range f.Resets {
			if resets++; resets <= mostExpected && (resets == 1 || r.Cause != "after-reset") {
				add("expect(net.trace):includes { from = %s, %s }", Sides[r.Side], match(r))
			}
		}
		for _, r := range f.Resent {
			if r.Len == 0 || !forced(inc, f, r) {
				continue
			}
			if resent++; resent <= mostExpected {
				add("expect(net.trace):includes { from = %s, tcp = \"rexmit\", seq = %d }", Sides[r.Side], r.Seq)
			}
		}
		for _, name := range Sides {
			if f.Opening == reproduction.Opened && said(f, name+" FIN") && !stuck(inc, f, name) {
				add("expect(net.trace):includes { from = %s, tcp = \"fin\" }", name)
			}
		}
	}
	if resets == 0 {
		add("expect(net.trace):never { tcp = \"rst\" }")
	}
	return out
}

// stuck reports whether what a side sends is lost to the end: when its kernel gets to send the
// FIN is its own matter.
func stuck(inc *reproduction.Incident, f *reproduction.Flow, name string) bool {
	if n := inc.Narrow; n != nil && Sides[n.Side] == name {
		return true
	}
	return slices.ContainsFunc(f.Losses, func(l reproduction.Loss) bool { return Sides[l.Side] == name && l.Times == 0 })
}

// forced reports whether a segment must be sent again in the run too: it is lost there, or
// what acknowledges it. What a sender takes for lost besides is its kernel's matter.
func forced(inc *reproduction.Incident, f *reproduction.Flow, r reproduction.Resent) bool {
	if r.Seq < 1 || r.Seq > 1<<30 {
		return false // from before what was captured
	}
	if n := inc.Narrow; n != nil && n.Side == r.Side {
		return !slices.ContainsFunc(f.Resent, func(o reproduction.Resent) bool { return o.Side == r.Side && o.Seq < r.Seq })
	}
	return slices.ContainsFunc(f.Losses, func(l reproduction.Loss) bool {
		return l.Side == r.Side && l.Seq == r.Seq || l.Side != r.Side && l.Ack >= r.Seq+r.Len && l.Times != 1
	})
}

// said reports whether an event is in the form of a connection.
func said(f *reproduction.Flow, event string) bool {
	return slices.ContainsFunc(f.Form, func(l string) bool { return strings.TrimSpace(l) == event })
}

// match is what is asked of a reset: what the packets are sure of.
func match(r reproduction.Reset) string {
	switch {
	case r.Kind != "active" && r.Kind != "passive", r.Cause == "not-captured", r.Cause == "no-socket",
		r.Cause == "out-of-window", r.Cause == "syn-sent", r.Cause == "listener", r.Cause == "overflow":
		return `tcp = "rst"`
	case r.Or || r.Cause != "closed-port":
		return fmt.Sprintf("rst = { kind = %q }", r.Kind)
	}
	return fmt.Sprintf("rst = { kind = %q, cause = %q }", r.Kind, r.Cause)
}

// Mended are the expectations of what works; timeouts says that the failure was one of
// packets that get lost.
func Mended(inc *reproduction.Incident, timeouts bool) (out []string) {
	resets := slices.ContainsFunc(inc.Flows, func(f *reproduction.Flow) bool { return len(f.Resets) > 0 })
	if resets || !timeouts {
		out = append(out, "expect(net.trace):never { tcp = \"rst\" }")
	}
	if timeouts {
		out = append(out, "expect(net.trace):never { tcp = \"rto\" }")
	}
	return out
}
