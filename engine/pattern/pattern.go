// Package pattern holds regular expressions that are compiled when they are first used.
//
// Every case is a process of its own, and few of them read what most expressions are about:
// compiled as packages begin, they took a fifth of the start of each.
package pattern

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Pattern is a regular expression. Its methods are those of [regexp.Regexp].
type Pattern struct {
	compiled func() *regexp.Regexp
}

// New is the expression of a text, which must be one. A test's program finds out at once,
// all others when it is first used.
func New(text string) *Pattern {
	p := &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
	if strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test") {
		p.compiled()
	}
	return p
}

// MatchString reports whether s holds a match.
func (p *Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

// FindString is the leftmost match in s, empty for none.
func (p *Pattern) FindString(s string) string { return p.compiled().FindString(s) }

// FindStringIndex is where the leftmost match in s begins and ends, nil for none.
func (p *Pattern) FindStringIndex(s string) []int { return p.compiled().FindStringIndex(s) }

// FindStringSubmatch is the leftmost match in s and its groups, nil for none.
func (p *Pattern) FindStringSubmatch(s string) []string { return p.compiled().FindStringSubmatch(s) }

// FindStringSubmatchIndex is where the leftmost match in s and its groups begin and end,
// nil for none.
func (p *Pattern) FindStringSubmatchIndex(s string) []int {
	return p.compiled().FindStringSubmatchIndex(s)
}

// FindAllStringSubmatch is the first n matches in s with their groups, all for n below 0.
func (p *Pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p.compiled().FindAllStringSubmatch(s, n)
}

// ReplaceAllString is s with each match replaced by to, in which $1 is the first group.
func (p *Pattern) ReplaceAllString(s, to string) string { return p.compiled().ReplaceAllString(s, to) }

// ReplaceAllStringFunc is s with each match replaced by what to makes of it.
func (p *Pattern) ReplaceAllStringFunc(s string, to func(string) string) string {
	return p.compiled().ReplaceAllStringFunc(s, to)
}

// Match reports whether b holds a match.
func (p *Pattern) Match(b []byte) bool { return p.compiled().Match(b) }
