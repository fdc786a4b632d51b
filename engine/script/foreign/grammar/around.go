package grammar

import (
	"fmt"
	"strings"
	"unicode"
)

// around looks at the tokens around the one at which the parser gave up.
func (s *script) around() *Place {
	at, last, second, third := s.get(0), s.get(-1), s.get(-2), s.get(-3)
	next := s.get(1)
	inTable := second.text == "{" || second.text == "," || second.text == ";"
	switch {
	case at.text == ":" && last.kind == name && second.text == ":":
		return last.place(fmt.Sprintf("a part of something is its member: write %s.%s:%s", third.text, last.text, next.text))
	case (last.kind == name || last.kind == number) && second.text == "-" && third.kind == name && s.get(-4).text == ".":
		return third.place(fmt.Sprintf("a name with - stands in brackets: write %s[%q]", s.get(-5).text,
			third.text+"-"+last.text))
	case at.text == "-" && last.kind == name && (second.text == "local" || inTable):
		return at.place(`a name has letters, digits and _; a key with - is written ["a-b"] = …`)
	case last.text == ":" && second.kind == name && at.kind != name && inner(third):
		return last.place(fmt.Sprintf("in a table write %s = …", second.text))
	case second.text == ":" && last.kind == name && third.kind == name && at.text != "(" && inner(s.get(-4)):
		return second.place(fmt.Sprintf("in a table write %s = …", third.text))
	case at.text == ":" && last.kind == name && inTable:
		return at.place(fmt.Sprintf("in a table write %s = …", last.text))
	case (at.text == ":" || at.text == "=") && last.kind == text && inTable:
		return at.place(fmt.Sprintf("in a table write %s = …, or [%s] = …", strings.Trim(last.text, `"'`), last.text))
	case last.kind == keyword && at.text == "=" && inTable:
		return last.place(fmt.Sprintf("%s is a word of Lua: write [%q] = …", last.text, last.text))
	case at.kind == keyword && next.text == "=" && (last.text == "{" || last.text == ",") && at.text != "function":
		return at.place(fmt.Sprintf("%s is a word of Lua: write [%q] = …", at.text, at.text))
	case at.kind == keyword && (last.text == "." || last.text == ":"):
		return at.place(fmt.Sprintf("%s is a word of Lua: write %s[%q]", at.text, second.text, at.text))
	case last.kind == name && second.text == ":" && at.text != "(":
		return last.place(fmt.Sprintf("a call is missing: write :%s()", last.text))
	case at.text == "[" && (last.text == "=" || last.text == "," || last.text == "{" || last.text == "(" || last.text == "return"):
		return at.place("a list is { 1, 2, 3 }")
	case last.kind == number && unit(last.text) || at.kind == number && unit(at.text):
		if at.kind == number && unit(at.text) {
			last = at
		}
		return last.place(fmt.Sprintf("what has a unit, or is an address, is a text: write %q", last.text))
	case last.text == "%" && second.kind == number:
		return last.place("a percentage is a text: write \"1%\"")
	case at.text == "/" && last.kind == number && strings.Count(last.text, ".") > 1:
		return last.place("an address is a text: write \"192.0.2.1/24\"")
	}
	return s.missing()
}

// inner reports whether a token is one after which a key of a table may stand.
func inner(t token) bool { return t.text == "{" || t.text == "," || t.text == ";" }

// unit reports whether a number has letters behind it, or more points than one.
func unit(text string) bool {
	return strings.Count(text, ".") > 1 || !strings.HasPrefix(text, "0x") &&
		strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) && r != 'e' }) >= 0
}

// missing finds a word or a sign that is not there.
func (s *script) missing() *Place {
	at, last, second := s.get(0), s.get(-1), s.get(-2)
	before, line := s.here()
	switch {
	case last.text == "continue" && last.kind == name:
		return last.place("Lua has no continue: put the rest of the loop into if … then … end")
	case at.text == "continue" || last.text == "break" && at.text != "end":
		return at.place("break ends its block, and Lua has no continue: put the rest into if … then … end")
	case last.kind == text && last.text == `""` && at.kind == text:
		return last.place("a text of several lines stands in [[ ]]")
	case last.kind == name && (at.kind == name || at.kind == number) && at.line == last.line:
		return last.place(fmt.Sprintf("write %s(%s) to call it, or what belongs between the two", last.text, at.text))
	case at.kind == name && s.get(1).text == "=" && at.line > last.line && s.open() == "{" && (second.kind != keyword || last.text == "end"):
		return &Place{last.line, last.col + len([]rune(last.text)), 1, last.text, "a comma is missing here"}
	case at.kind == name && at.line > last.line && s.open() == "{" && (last.text == "}" || last.text == ")" || last.kind == text):
		return &Place{last.line, last.col + len([]rune(last.text)), 1, last.text, "a comma is missing here"}
	}
	switch {
	case last.text == "end" && at.kind == name && next(s).text != "=" && s.open() == "{":
		return last.place("this end closes the function: there is one end too many before what follows")
	case at.line > last.line && s.open() == "(":
		return &Place{last.line, last.col + len([]rune(last.text)), 1, last.text, ") is missing here"}
	case len(line) > 0 && line[0].text == "return" && line[0].col < at.col && (at.kind == name || at.kind == keyword):
		return line[0].place("return is the last statement of its block: write do return end, or move it to the end")
	}
	for _, l := range [][]token{line, before} {
		if len(l) == 0 || l[0].line > at.line && at.line > 0 {
			continue
		}
		wants := map[string]string{"if": "then", "elseif": "then", "while": "do", "for": "do"}[l[0].text]
		has := false
		for _, t := range l {
			has = has || t.text == wants && wants != ""
		}
		end := l[len(l)-1]
		if wants != "" && !has && (end == last || at.line == end.line) {
			return &Place{end.line, end.col + len([]rune(end.text)), 1, end.text, fmt.Sprintf("%s is missing here", wants)}
		}
	}
	if len(before) > 0 && before[0].text == "return" && at.line > last.line && at.text != "end" {
		return before[0].place("return is the last statement of its block: write do return end, or move it to the end")
	}
	return nil
}

// next is the token after the one at which the parser gave up.
func next(s *script) token { return s.get(1) }

// open is the innermost bracket or block that is open where the parser gave up.
func (s *script) open() string {
	var stack []string
	for _, t := range s.tokens[:min(s.at, len(s.tokens))] {
		switch {
		case t.text == "{" || t.text == "(" || t.text == "[" || t.kind == keyword && keywords[t.text]:
			stack = append(stack, t.text)
		case (t.text == "}" || t.text == ")" || t.text == "]" || t.kind == keyword && (t.text == "end" || t.text == "until")) &&
			len(stack) > 0:
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) == 0 {
		return ""
	}
	return stack[len(stack)-1]
}

// pairs finds a function that is written with its name in a table.
func (s *script) pairs() *Place {
	if s.get(-1).text == "function" && s.get(0).kind == name && s.openBefore(-1) == "{" {
		return s.get(-1).place(fmt.Sprintf("in a table write %s = function(…) … end", s.get(0).text))
	}
	return nil
}

// openBefore is open, without the last n tokens.
func (s *script) openBefore(n int) string {
	before := *s
	before.at += n
	return before.open()
}

// opener is a bracket or a word that something closes.
type opener struct {
	token
	indent int  // of its line
	chain  bool // an if that follows an else on its line
}

// blocks finds the block or bracket that is not closed.
func (s *script) blocks() *Place {
	var stack []opener
	ends := map[string]string{"{": "}", "(": ")", "[": "]"}
	var suspect *opener
	var chain *opener // an else if
	for i, t := range s.tokens {
		if i > s.at {
			break
		}
		if t.text == "," && i == s.at && len(stack) > 0 && keywords[stack[len(stack)-1].text] {
			if chain != nil {
				return open(*chain, "end", nil)
			}
			if suspect != nil {
				return open(*suspect, "end", nil)
			}
		}
		o := opener{token: t, indent: s.indent(t.line)}
		switch {
		case t.text == "{" || t.text == "(" || t.text == "[" || t.kind == keyword && keywords[t.text]:
			if t.text == "if" && i > 0 && s.tokens[i-1].text == "else" && s.tokens[i-1].line == t.line {
				o.chain = true
				chain = &o
			}
			stack = append(stack, o)
		case t.text == "}" || t.text == ")" || t.text == "]" || t.kind == keyword && (t.text == "end" || t.text == "until"):
			if len(stack) == 0 {
				return t.place(t.text + " closes nothing: leave it out, or look for what is closed too early")
			}
			top := stack[len(stack)-1]
			want, bracket := ends[top.text]
			if !bracket {
				want = "end"
				if top.text == "repeat" {
					want = "until"
				}
			}
			if want != t.text {
				return open(top, want, first(chain, suspect))
			}
			if top.line != t.line && o.indent == t.col-1 && o.indent < top.indent && suspect == nil {
				suspect = &top
			}
			stack = stack[:len(stack)-1]
		}
	}
	if s.at >= len(s.tokens) && len(stack) > 0 {
		top := stack[len(stack)-1]
		want := ends[top.text]
		if want == "" {
			want = "end"
		}
		return open(top, want, first(chain, suspect))
	}
	return nil
}

// first is the first of two that is there.
func first(a, b *opener) *opener {
	if a != nil {
		return a
	}
	return b
}

// open says that something is not closed: top, or what is closed by what stands further
// to the left.
func open(top opener, want string, suspect *opener) *Place {
	if suspect != nil && want == "end" {
		top = *suspect
		want = "end"
	}
	if top.chain {
		return top.place("else if opens a block of its own: write elseif")
	}
	return top.place(fmt.Sprintf("this is not closed: its %s is missing", want))
}

// indent is how far a line is from the left.
func (s *script) indent(n int) int {
	l := s.lines[n-1]
	return len([]rune(l)) - len([]rune(strings.TrimLeft(l, " \t")))
}
