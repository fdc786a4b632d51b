package match

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Names are the addresses of a host by its name, nil if there is no such host.
type Names func(host string) []netip.Addr

// ReadTerm reads a term whose value is written as a text: "rto", "1..1448", the name
// of a host. Without names any host is accepted, and has no addresses.
func ReadTerm(key, value string, names Names) (Term, error) {
	k := KeyNamed(key)
	if k == nil {
		if now := Renamed(key); now != nil {
			return Term{}, fmt.Errorf("%q is now called %s", key, now.Name)
		}
		return Term{}, fmt.Errorf("%q is no key: there is %s", key, strings.Join(textKeys(), ", "))
	}
	if k.Kind == KindParty {
		if names == nil {
			return Term{k, &Party{Name: value}}, nil
		}
		if as := names(value); len(as) > 0 {
			return Term{k, &Party{Name: value, Addrs: as}}, nil
		}
		if _, err := netip.ParseAddr(value); err != nil {
			return Term{}, fmt.Errorf("%s: %q is neither an address nor a host that the capture names", key, value)
		}
	}
	v, err := k.Kind.Read(value)
	if wrong := (*Wrong)(nil); errors.As(err, &wrong) {
		if k.Kind.read == nil {
			return Term{}, fmt.Errorf("only a script can ask for %s", key)
		}
		return Term{}, fmt.Errorf("%s: %q is not %s: %s", key, value, wrong.Want, wrong.Hint)
	}
	return Term{k, v}, nil
}

// textKeys are the names of the keys whose values can be written as a text.
func textKeys() []string {
	var s []string
	for _, k := range Keys {
		if k.Kind.read != nil {
			s = append(s, k.Name)
		}
	}
	slices.Sort(s)
	return s
}

// Filter says which packets are shown: alternatives of terms, all of which must hold.
type Filter struct{ all []alternatives }

// alternatives are terms of which one must hold, or none.
type alternatives struct {
	one  []Term
	none bool
}

// Matches reports whether p is shown.
func (f *Filter) Matches(p *Packet) bool {
	for _, a := range f.all {
		if slices.ContainsFunc(a.one, func(t Term) bool { return t.Key.test(t.Value, p) }) == a.none {
			return false
		}
	}
	return true
}

// ParseFilter reads terms like "from=192.0.2.1 tcp=rto len=>=1", with the keys and
// values of matches. All must hold. "!" before a term turns it round, a value may be
// several with commas between, one of which must hold, and one with spaces stands in
// quotes. A key alone asks whether there is any such thing: "rst", "!dropped".
func ParseFilter(text string, names Names) (*Filter, error) {
	f := &Filter{}
	words, err := split(text)
	if err != nil {
		return nil, fmt.Errorf("read filter: %w", err)
	}
	for _, word := range words {
		bare, not := strings.CutPrefix(word, "!")
		key, v, given := cut(bare)
		a := alternatives{none: not}
		for one := range strings.SplitSeq(v, ",") {
			t, err := readTerm(key, one, given, names)
			if err != nil {
				return nil, fmt.Errorf("read filter: %w", err)
			}
			a.one = append(a.one, t)
		}
		f.all = append(f.all, a)
	}
	return f, nil
}

// Parse reads a match: terms as of [ParseFilter], each a key with one value.
func Parse(text string, names Names) (Match, error) {
	var m Match
	words, err := split(text)
	if err != nil {
		return m, fmt.Errorf("read match: %w", err)
	}
	for _, word := range words {
		key, v, given := cut(word)
		t, err := readTerm(key, v, given, names)
		if err != nil {
			return m, fmt.Errorf("read match: %w", err)
		}
		m.terms = append(m.terms, t)
	}
	return m, nil
}

// cut parts a term into its key and its value: tcp=rto, len>=1.
func cut(word string) (key, value string, given bool) {
	key, value, given = strings.Cut(word, "=")
	if before, ok := strings.CutSuffix(key, ">"); ok {
		key, value = before, ">="+value
	}
	return key, value, given
}

// readTerm reads a term whose value may be in quotes, or not be given.
func readTerm(key, value string, given bool, names Names) (Term, error) {
	k := KeyNamed(key)
	switch {
	case given || k == nil:
		return ReadTerm(key, strings.ReplaceAll(value, `"`, ""), names)
	case k.Kind.bare == nil:
		return Term{}, fmt.Errorf("%s needs a value: write %s=VALUE", key, key)
	}
	return Term{k, k.Kind.bare}, nil
}

// split cuts a filter into its terms: at spaces that are not in quotes.
func split(s string) ([]string, error) {
	quoted := false
	out := strings.FieldsFunc(s, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return c == ' ' && !quoted || !quoted && (c == '\t' || c == '\n')
	})
	if quoted {
		return nil, errors.New(`a quote (") is not closed`)
	}
	return out, nil
}

// Help lists what a filter can ask for, a line each.
func Help() string {
	var b strings.Builder
	for _, name := range textKeys() {
		fmt.Fprintf(&b, "  %-15s %s\n", name, KeyNamed(name).Doc)
	}
	return b.String()
}
