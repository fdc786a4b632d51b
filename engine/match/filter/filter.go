// Package filter reads what trace --filter is given: terms of matches, and what may be
// put together of them on one line.
package filter

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/match"
)

// Filter says which packets are shown: alternatives of terms, all of which must hold.
type Filter struct{ all []alternatives }

// alternatives are terms of which one must hold, or none.
type alternatives struct {
	one  []match.Term
	none bool
}

// Matches reports whether p is shown.
func (f *Filter) Matches(p *match.Packet) bool {
	for _, a := range f.all {
		if slices.ContainsFunc(a.one, func(t match.Term) bool { return t.Matches(p) }) == a.none {
			return false
		}
	}
	return true
}

// Parse reads terms like "from=192.0.2.1 tcp=rto len=>=1", with the keys and
// values of matches. All must hold. "!" before a term turns it round, a value may be
// several with commas between, one of which must hold, and one with spaces stands in
// quotes. A key alone asks whether there is any such thing: "rst", "!dropped".
func Parse(text string, names match.Names) (*Filter, error) {
	f := &Filter{}
	words, err := match.Split(text)
	if err != nil {
		return nil, fmt.Errorf("read filter: %w", err)
	}
	for i, word := range words {
		bare, not := strings.CutPrefix(word, "!")
		key, v, given := match.Cut(bare)
		a := alternatives{none: not}
		if k := match.KeyNamed(key); k != nil && k.Live {
			return nil, fmt.Errorf("read filter: %s is known while a case runs, and of no capture: a scenario can expect it", key)
		}
		for one := range strings.SplitSeq(v, ",") {
			t, err := match.ReadBare(key, one, given, names)
			if h := hint(words, i); err != nil && h != "" {
				return nil, fmt.Errorf("read filter: %q is not understood\n  hint: %s", word, h)
			}
			if err != nil {
				return nil, fmt.Errorf("read filter: %w", err)
			}
			a.one = append(a.one, t)
		}
		f.all = append(f.all, a)
	}
	return f, nil
}

// Help lists what a filter can ask for, a line each.
func Help() string {
	var b strings.Builder
	for _, name := range match.TextKeys() {
		if k := match.KeyNamed(name); !k.Live {
			fmt.Fprintf(&b, "  %-15s %s\n", name, k.Doc)
		}
	}
	return b.String()
}
