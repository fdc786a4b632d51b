// Package emit writes an incident as a scenario: Lua that a person could have written.
//
// What it writes has lab addresses, names of its own and, unless payload was kept,
// filler in its place. It reads no captures and runs nothing.
//
// Invariant: the same incident gives the same text.
package emit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit/phrase"
)

// Options of writing.
type Options struct {
	// Peer is the side that is played from the packets of the capture, -1 for none.
	Peer int
	// Name is what the scenario is called, "imported" if it is empty.
	Name string
}

// writer writes one scenario.
type writer struct {
	inc     *reproduction.Incident
	options Options
	b       strings.Builder
	depth   int
	causes  []string // what a failure comes from, by a word each
}

// Scenario is the text of a scenario file.
func Scenario(inc *reproduction.Incident, o Options) string {
	w := &writer{inc: inc, options: o}
	if o.Peer >= 0 {
		plain := *inc
		plain.Reject, plain.Narrow, plain.Flows = nil, nil, inc.Flows[:1]
		w.inc = &plain
	} else {
		w.causes = w.why()
	}
	w.header()
	w.line("run = function(net, v)")
	w.depth++
	if w.options.Peer >= 0 {
		w.played()
	} else {
		w.body()
	}
	w.depth--
	w.line("end,")
	w.depth--
	w.line("}")
	return w.b.String()
}

func (w *writer) line(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if text != "" {
		w.b.WriteString(strings.Repeat("  ", w.depth))
		w.b.WriteString(text)
	}
	w.b.WriteByte('\n')
}

// Causes of a failure, as variants speak of them.
const (
	loss     = "loss"
	hole     = "hole"
	programs = "programs"
	refused  = "refused"
	rejected = "rejected"
)

// why finds out what the failure comes from.
func (w *writer) why() (out []string) {
	add := func(cause string) {
		if !slices.Contains(out, cause) {
			out = append(out, cause)
		}
	}
	if n := w.inc.Narrow; n != nil && n.Said != reproduction.Heard {
		add(hole)
	}
	for _, f := range w.inc.Flows {
		if len(f.Losses)+len(f.Late) > 0 {
			add(loss)
		}
		if len(f.Misses) > 0 || f.Overflow || f.Strange {
			add(programs)
		}
		switch f.Opening {
		case reproduction.Refused:
			if f.Strange {
				break
			}
			add(refused)
		case reproduction.Rejected:
			if f.TTL == 0 {
				add(rejected)
			}
		}
		for side := range f.Steps {
			for _, s := range f.Steps[side] {
				if s.Cause {
					add(programs)
				}
			}
		}
	}
	return out
}

// cure is the name of the variant without the failure, and what its code asks.
func (w *writer) cure() string {
	if len(w.causes) != 1 {
		return "mended"
	}
	switch w.causes[0] {
	case loss:
		return "no-loss"
	case refused:
		return "listening"
	case rejected:
		return "let-through"
	}
	return "mended"
}

// Marker is what an imported scenario begins with.
const Marker = "-- Imported from a capture."

// header writes what stands before run.
func (w *writer) header() {
	inc := w.inc
	w.line(Marker + " Lines that say inferred follow from its packets; those that say guess may")
	w.line("-- be otherwise. Addresses, names and payload are not those of the capture.")
	w.helpers()
	w.line("scenario %q {", cmp.Or(w.options.Name, "imported"))
	w.depth++
	w.line("about = [[")
	w.depth++
	for _, l := range phrase.About(w.inc) {
		w.line("%s", l)
	}
	w.depth--
	w.line("]],")
	w.line("tags = { \"tcp\", \"imported\" },")
	if inc.Reject != nil || inc.Narrow != nil || w.options.Peer >= 0 {
		w.line("needs = { \"nftables\" },")
	}
	w.line("timeout = %s,", phrase.Quote(phrase.Timeout(w.inc)))
	w.line("")
	w.topology()
	w.line("")
	w.variants()
	w.line("")
}

func (w *writer) helpers() {
	if !w.inc.Kept || w.options.Peer >= 0 || slices.ContainsFunc(w.inc.Flows, forges) {
		w.line("")
		w.line("-- So many bytes that mean nothing.")
		w.line("local function filler(n) return (\"x\"):rep(n) end")
	}
	w.line("")
	w.line("-- Reads n bytes more, or to the end of the stream; what comes beyond them is for the next call.")
	w.line("local function reader(conn)")
	w.line("  local ahead = 0")
	w.line("  return function(n)")
	w.line("    while ahead < n do")
	w.line("      local data, err = conn:read { timeout = %s }", phrase.Quote(phrase.Wait(w.inc)))
	w.line("      ahead = ahead + #data")
	w.line("      if err then break end")
	w.line("    end")
	w.line("    ahead = math.max(ahead - n, 0)")
	w.line("  end")
	w.line("end")
	w.line("")
}

// forges reports a connection with forged payload.
func forges(f *reproduction.Flow) bool {
	forge := func(s reproduction.Step) bool { return s.Kind == reproduction.Forge && s.Bytes > 0 }
	return slices.ContainsFunc(f.Steps[0], forge) || slices.ContainsFunc(f.Steps[1], forge)
}

// variants writes what fails and what mends it.
func (w *writer) variants() {
	switch {
	case len(w.causes) == 0:
		w.line("variants = { { \"as-captured\", outcome = \"works\" } },")
		return
	case !w.broken():
		w.line("variants = {")
		w.line("  { \"bug\",         outcome = \"fails\" },")
		w.line("  { \"icmp-passes\", outcome = \"works\", icmp = \"pass\" },")
		w.line("  { \"mss-clamped\", outcome = \"works\", clamp = true },")
		w.line("},")
		return
	}
	w.line("variants = { { \"bug\", outcome = \"fails\", broken = true }, { %q, outcome = \"works\", broken = false } },",
		w.cure())
}

// broken reports whether a parameter of that name says what is done: not of a path that is narrow.
func (w *writer) broken() bool { return w.causes[0] != hole || len(w.causes) > 1 }
