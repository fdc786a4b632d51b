//go:build linux

package firewall

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{Members: session.OnNodes(append(slices.Clone(filterVerbs), natVerbs...))}
}

// effect is what a rule does in one IP version, and where it stands.
type effect struct {
	chain string
	acts  []string // what it does, a rule each; none if it does not apply there
	// specific says that the IP versions differ.
	specific bool
}

// ruleVerb makes a verb that installs rules: one, or one for each IP version
// where they differ. takes lists what it takes besides what all rules do; write
// says what the rule does in a version.
func ruleVerb[T any](m vm.Method, takes func(*T, *about) []vm.Argument,
	write func(c *vm.Call, a *T, p *about, six bool) (effect, error)) *vm.Method {
	type all struct {
		own T
		about
	}
	m.Returns, m.Phase = "Fault", vm.Running
	return vm.Verb(m,
		func(a *all) []vm.Argument { return append(takes(&a.own, &a.about), aboutOptions(&a.about)...) },
		func(c *vm.Call, a *all) error {
			n := c.Self.(*session.Node)
			var specs []firewall.Spec
			for _, six := range []bool{false, true} {
				if !n.Has(six) {
					continue
				}
				about, err := a.clauses(c, n, six)
				if err != nil {
					return err
				}
				e, err := write(c, &a.own, &a.about, six)
				if err != nil {
					return err
				}
				if about.none || len(e.acts) == 0 {
					continue
				}
				for _, act := range e.acts {
					text := strings.Join(append(slices.Clone(about.words), act), " ")
					specs = append(specs, firewall.Spec{Chain: e.chain, Text: text})
				}
				if !about.specific && !e.specific {
					break
				}
			}
			if len(specs) == 0 {
				return c.Fail(m.Name, "say what packets of the topology's IP version have",
					"no packet that %s handles can match", n.Name)
			}
			return install(c, n, m.Name, specs, a.name, a.optional)
		})
}

// install adds rules to a node and makes them known as a fault.
func install(c *vm.Call, n *session.Node, verb string, specs []firewall.Spec, name *string, optional *bool) error {
	rule, err := n.Rules.Add(specs...)
	if err != nil {
		return session.RefusedRule(c, err)
	}
	text := fmt.Sprintf("%s:%s { %s: %s }", n.Name, verb, specs[0].Chain, specs[0].Text)
	h := &handle{rule: rule, name: vm.Or(name, text), optional: vm.Or(optional, false), line: c.Line}
	if breaks(verb, specs) && n.Run.Faults.Spare() {
		if err := h.Disarm(); err != nil {
			return err
		}
	}
	n.Run.Faults.Arm(h)
	c.Return(c.VM.New(session.Fault, h))
	return nil
}

// breaks reports whether a rule takes packets away; all else that rules do is
// how a network is meant to be.
func breaks(verb string, specs []firewall.Spec) bool {
	taken := func(s firewall.Spec) bool {
		return strings.HasSuffix(s.Text, "drop") || strings.Contains(s.Text, "reject")
	}
	return verb == "drop" || verb == "reject" || verb == "rule" && slices.ContainsFunc(specs, taken)
}

// written are the arguments of rule.
type written struct {
	chain, text string
	name        *string
	optional    *bool
}

var kChain = args.Enum("chain", firewall.Chains()...)

var writtenVerb = vm.Verb(vm.Method{Name: "rule",
	Doc:     "Installs a rule in the words of nft(8), for what the other verbs cannot say. A counter is added.",
	Example: `edge:rule("forward", "tcp dport 443 ct state invalid drop")`, Returns: "Fault", Phase: vm.Running},
	func(a *written) []vm.Argument {
		return []vm.Argument{
			kChain.Param(&a.chain, "chain", "where it stands"),
			args.String.Param(&a.text, "text", "what it matches and does"),
			session.Named(&a.name), session.Optional(&a.optional),
		}
	},
	func(c *vm.Call, a *written) error {
		specs := []firewall.Spec{{Chain: a.chain, Text: a.text}}
		return install(c, c.Self.(*session.Node), "rule", specs, a.name, a.optional)
	})

// handle is a firewall rule as a fault.
type handle struct {
	rule     *firewall.Rule
	name     string
	optional bool
	line     int
}

// Hits implements [fault.Handle].
func (h *handle) Hits() (int, error) { return h.rule.Hits() }

// First implements [fault.Handle].
func (h *handle) First() *match.Hit { return nil }

// String implements [fault.Handle].
func (h *handle) String() string { return h.name }

// Line implements [fault.Handle].
func (h *handle) Line() int { return h.line }

// Disarm takes the rule out.
func (h *handle) Disarm() error { return h.rule.Delete() }

// Err implements [fault.Handle].
func (h *handle) Err() error { return nil }

// Idle implements [fault.Handle].
func (h *handle) Idle() (bool, error) {
	n, err := h.Hits()
	return n == 0 && !h.optional, err
}
