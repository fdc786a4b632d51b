package match

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/match/value"
	"netrepro/engine/tcp"
	"netrepro/engine/trace"
)

// Match says which packets are meant: those of which all its terms hold. The zero
// value means every packet.
type Match struct{ terms []Term }

// Term is a key with the value that it must have.
type Term struct {
	Key   *Key
	Value any // as the key's kind reads it
}

// String writes t as a script would.
func (t Term) String() string { return t.Key.print(t.Value) }

// Matches reports whether p has it so.
func (t Term) Matches(p *Packet) bool { return t.Key.test(t.Value, p) }

// Of makes a match of values by the names of their keys, each as its kind reads it. It
// panics at a name that is no key's, which is a mistake in the program.
func Of(values map[string]any) Match {
	var m Match
	for name := range values {
		if KeyNamed(name) == nil {
			panic(fmt.Sprintf("match: %q is no key", name))
		}
	}
	for _, k := range Keys {
		if v, ok := values[k.Name]; ok {
			m.terms = append(m.terms, Term{k, v})
		}
	}
	return m
}

// With is m with one more term. It panics at a name that is no key's.
func (m Match) With(name string, value any) Match {
	k := KeyNamed(name)
	if k == nil {
		panic(fmt.Sprintf("match: %q is no key", name))
	}
	return Match{append(m.terms[:len(m.terms):len(m.terms)], Term{k, value})}
}

// Without is m without the terms of some keys.
func (m *Match) Without(names ...string) Match {
	return Match{slices.DeleteFunc(slices.Clone(m.terms),
		func(t Term) bool { return slices.Contains(names, t.Key.Name) })}
}

// Get is the value of a key's term; ok is false if m does not ask for it.
func (m *Match) Get(name string) (v any, ok bool) {
	for _, t := range m.terms {
		if t.Key.Name == name {
			return t.Value, true
		}
	}
	return nil, false
}

// Asks reports whether m has a term of one of the keys.
func (m *Match) Asks(names ...string) bool {
	return slices.ContainsFunc(m.terms, func(t Term) bool { return slices.Contains(names, t.Key.Name) })
}

// any reports whether the key of one of m's terms is so; m may be nil.
func (m *Match) any(is func(*Key) bool) bool {
	return m != nil && slices.ContainsFunc(m.terms, func(t Term) bool { return is(t.Key) })
}

// Hears reports whether m asks for what kernels say of packets, which they may say
// late ([trace.Late]). What they say of resets is waited for where it is asked for.
func (m *Match) Hears() bool { return m.any(func(k *Key) bool { return k.Hears }) }

// Settled reports whether what m asks of a packet is not changed by later ones, as
// who sent a reset and what became of an original are.
func (m *Match) Settled() bool { return !m.any(func(k *Key) bool { return k.Unsettled }) }

// Matches reports whether p is meant.
func (m *Match) Matches(p *Packet) bool {
	for i := range m.terms {
		if t := &m.terms[i]; !t.Key.test(t.Value, p) {
			return false
		}
	}
	return true
}

// Missed are the terms of m that p does not have, but for functions of a script, which
// are not asked.
func (m *Match) Missed(p *Packet) (out []Term) {
	for _, t := range m.terms {
		if t.Key.Kind != value.KindFunc && !t.Matches(p) {
			out = append(out, t)
		}
	}
	return out
}

// In is m as a test of the recorded packets of a trace. It is good for those that
// are recorded when it is made.
func (m *Match) In(t *trace.Trace) func(*trace.Packet) bool {
	ask := Recorded(t)
	return func(p *trace.Packet) bool { return m.Matches(ask(p)) }
}

// Find are the packets of a view that m means.
func (m *Match) Find(v *trace.View) []*trace.Packet {
	ps := v.Packets()
	is := m.In(v.Trace)
	var out []*trace.Packet
	for _, p := range ps {
		if is(p) {
			out = append(out, p)
		}
	}
	return out
}

// String writes m as a script would.
func (m *Match) String() string {
	if len(m.terms) == 0 {
		return "{}"
	}
	var s []string
	for _, t := range m.terms {
		s = append(s, t.String())
	}
	return "{ " + strings.Join(s, ", ") + " }"
}

// Hit is a segment that something, a fault say, singled out.
type Hit struct {
	Packet   *trace.Packet
	Seq, End uint32 // relative
	Conn     *tcp.Conn
}

// KindHit is what a fault hit first, a func() *[Hit].
var KindHit = &value.Kind{Name: "a fault", Type: "Fault", Hint: "give what wire:drop returned",
	Write: func(v any) string {
		h := v.(func() *Hit)()
		if h == nil {
			return "a fault that never fired"
		}
		return fmt.Sprintf("%d:%d", h.Seq, h.End)
	}}
