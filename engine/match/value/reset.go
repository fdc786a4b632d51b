package value

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/tcp/reset"
)

// Reset says which resets are meant. Fields that are empty mean any.
type Reset struct {
	Kind  string
	Cause string // a verdict that cannot tell it from another matches too
	// What the kernel said.
	Evidence, Reason, State, Through, Process string
}

// ResetKey is one of the keys of a [Reset].
type ResetKey struct {
	Name, Doc string
	Word      []string // of which it is one, nil if it is a text
	Field     func(*Reset) *string
}

// ResetKeys are the keys of a [Reset].
var ResetKeys = []ResetKey{
	{"kind", "who sent it", strs(reset.Kinds), func(m *Reset) *string { return &m.Kind }},
	{"cause", "why; a verdict that leaves this cause open counts too", strs(reset.Causes),
		func(m *Reset) *string { return &m.Cause }},
	{"evidence", "what the verdict was drawn from", []string{reset.FromKernel, reset.Inferred},
		func(m *Reset) *string { return &m.Evidence }},
	{"reason", `the kernel's own reason, as enum sk_rst_reason has it: "TCP_ABORT_ON_CLOSE"`, nil,
		func(m *Reset) *string { return &m.Reason }},
	{"state", `the state of the socket, or the one before that: "FIN_WAIT2"`, nil,
		func(m *Reset) *string { return &m.State }},
	{"through", `a function of the kernel that it was sent through: "__tcp_close"`, nil,
		func(m *Reset) *string { return &m.Through }},
	{"process", "the program that called, as far as the kernel keeps its name (15 bytes)", nil,
		func(m *Reset) *string { return &m.Process }},
}

func strs[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// Has reports whether v is meant.
func (m *Reset) Has(v *reset.Verdict) bool {
	switch {
	case v == nil,
		m.Kind != "" && string(v.Kind) != m.Kind,
		m.Cause != "" && !v.May(reset.Cause(m.Cause)),
		m.Evidence != "" && v.Evidence != m.Evidence:
		return false
	case m.Reason == "" && m.State == "" && m.Through == "" && m.Process == "":
		return true
	}
	k := v.Kernel
	return k != nil && (m.Reason == "" || k.Reason == m.Reason) &&
		(m.State == "" || k.State == m.State || k.Before == m.State) &&
		(m.Through == "" || k.Through(m.Through)) && (m.Process == "" || k.Process == m.Process)
}

// String writes m as a script would.
func (m *Reset) String() string {
	var out []string
	for _, k := range ResetKeys {
		if v := *k.Field(m); v != "" {
			out = append(out, fmt.Sprintf("%s = %q", k.Name, v))
		}
	}
	if len(out) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(out, ", ") + " }"
}

// KindReset is a [*Reset]: in a text its kind, its cause, or any.
var KindReset = &Kind{Name: "a reset", Type: "Reset|string", Hint: `write { kind = "active", cause = "linger" }`,
	Bare:  &Reset{},
	Write: func(v any) string { return v.(*Reset).String() },
	Parse: func(x any) (any, bool) {
		s, _ := x.(string)
		switch {
		case s == "any":
			return &Reset{}, true
		case slices.Contains(reset.Kinds, reset.Kind(s)):
			return &Reset{Kind: s}, true
		case slices.Contains(reset.Causes, reset.Cause(s)):
			return &Reset{Cause: s}, true
		}
		return nil, false
	}}
