//go:build linux

package selection

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// expression is a condition on the tags of a scenario, and the tags that it speaks of.
type expression struct {
	holds func(tags []string) bool
	tags  []string
}

// parseTag reads an expression of tags: words, and, or, not and parentheses. not binds
// tighter than and, and tighter than or.
func parseTag(text string) (expression, error) {
	p := &tagParser{text: text, words: tokens(text)}
	e := expression{}
	var err error
	if e.holds, err = p.either(); err == nil && p.at < len(p.words) {
		err = fmt.Errorf("%q is not expected after %q", p.words[p.at], strings.Join(p.words[:p.at], " "))
	}
	if err != nil {
		return e, fmt.Errorf("--tag %q: %w\n  hint: write words, and, or, not and parentheses, as in 'tcp and not slow'",
			text, err)
	}
	e.tags = p.tags
	return e, nil
}

func tokens(text string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))
}

type tagParser struct {
	text  string
	words []string
	at    int
	deep  int
	tags  []string
}

// next takes the word at hand if it is one of these.
func (p *tagParser) next(words ...string) bool {
	if p.at < len(p.words) && slices.Contains(words, p.words[p.at]) {
		p.at++
		return true
	}
	return false
}

type condition = func(tags []string) bool

func (p *tagParser) either() (condition, error) {
	left, err := p.both()
	for err == nil && p.next("or") {
		l, r := left, condition(nil)
		r, err = p.both()
		left = func(tags []string) bool { return l(tags) || r(tags) }
	}
	return left, err
}

func (p *tagParser) both() (condition, error) {
	left, err := p.one()
	for err == nil && p.next("and") {
		l, r := left, condition(nil)
		r, err = p.one()
		left = func(tags []string) bool { return l(tags) && r(tags) }
	}
	return left, err
}

// maxDeep is how deep an expression may nest.
const maxDeep = 100

func (p *tagParser) one() (condition, error) {
	if p.deep++; p.deep > maxDeep {
		return nil, errors.New("it nests too deep")
	}
	defer func() { p.deep-- }()
	switch {
	case p.at == len(p.words):
		return nil, errors.New("a tag is missing at its end")
	case p.next("not"):
		x, err := p.one()
		return func(tags []string) bool { return !x(tags) }, err
	case p.next("("):
		x, err := p.either()
		if err == nil && !p.next(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return x, err
	}
	word := p.words[p.at]
	if slices.Contains([]string{"and", "or", ")"}, word) {
		return nil, fmt.Errorf("a tag is missing before %q", word)
	}
	p.at++
	p.tags = append(p.tags, word)
	return func(tags []string) bool { return slices.Contains(tags, word) }, nil
}
