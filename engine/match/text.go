package match

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/match/value"
	"netrepro/engine/near"
)

// Names are the addresses of a host by its name, nil if there is no such host.
type Names func(host string) []netip.Addr

// NoHost says that a capture does not name a host.
type NoHost struct{ Key, Name string }

// Error implements error.
func (e *NoHost) Error() string {
	return fmt.Sprintf("%s: %q is neither an address nor a host that the capture names", e.Key, e.Name)
}

// NoKey says that matches have no such key.
type NoKey struct{ Name string }

// Error implements error.
func (e *NoKey) Error() string {
	return fmt.Sprintf("%q is no key: there are %s", e.Name,
		near.Of(e.Name, TextKeys(), "netrepro trace --help has all"))
}

// ReadTerm reads a term whose value is written as a Write: "rto", "1..1448", the name
// of a host. Without names any host is accepted, and has no addresses.
func ReadTerm(key, text string, names Names) (Term, error) {
	k := KeyNamed(key)
	if k == nil {
		if now := Renamed(key); now != nil {
			return Term{}, fmt.Errorf("%q is now called %s", key, now.Name)
		}
		return Term{}, &NoKey{key}
	}
	if k.Kind == value.KindParty {
		if names == nil {
			return Term{k, &value.Party{Name: text}}, nil
		}
		if as := names(text); len(as) > 0 {
			return Term{k, &value.Party{Name: text, Addrs: as}}, nil
		}
		if _, err := netip.ParseAddr(text); err != nil {
			return Term{}, &NoHost{key, text}
		}
	}
	v, err := k.Kind.Read(text)
	if wrong := (*value.Wrong)(nil); errors.As(err, &wrong) {
		if !k.Kind.Plain() {
			return Term{}, fmt.Errorf("only a script can ask for %s", key)
		}
		return Term{}, fmt.Errorf("%s: %q is not %s: %s", key, text, wrong.Want, wrong.Hint)
	}
	return Term{k, v}, nil
}

// TextKeys are the names of the keys whose values can be written as a text.
func TextKeys() []string {
	var s []string
	for _, k := range Keys {
		if k.Kind.Plain() {
			s = append(s, k.Name)
		}
	}
	slices.Sort(s)
	return s
}

// Parse reads a match: terms as of package filter, each a key with one value.
func Parse(text string, names Names) (Match, error) {
	var m Match
	words, err := Split(text)
	if err != nil {
		return m, fmt.Errorf("read match: %w", err)
	}
	for _, word := range words {
		key, v, given := Cut(word)
		t, err := ReadBare(key, v, given, names)
		if err != nil {
			return m, fmt.Errorf("read match: %w", err)
		}
		m.terms = append(m.terms, t)
	}
	return m, nil
}

// Cut parts a term into its key and its value: tcp=rto, len>=1.
func Cut(word string) (key, value string, given bool) {
	key, value, given = strings.Cut(word, "=")
	if before, ok := strings.CutSuffix(key, ">"); ok {
		key, value = before, ">="+value
	}
	return key, value, given
}

// ReadBare reads a term whose value may be in quotes, or not be given.
func ReadBare(key, value string, given bool, names Names) (Term, error) {
	k := KeyNamed(key)
	switch {
	case given || k == nil:
		return ReadTerm(key, strings.ReplaceAll(value, `"`, ""), names)
	case k.Kind.Bare == nil:
		return Term{}, fmt.Errorf("%s needs a value: write %s=VALUE", key, key)
	}
	return Term{k, k.Kind.Bare}, nil
}

// Split cuts a filter into its terms: at spaces that are not in quotes.
func Split(s string) ([]string, error) {
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
