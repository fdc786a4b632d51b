package grammar

import (
	"fmt"
	"strings"

	"netrepro/engine/pattern"
)

// Place is where something is wrong, and what.
type Place struct {
	Line, Col, Width int
	Near             string // what stands there
	Hint             string // what to write; it is never empty
}

func (t token) place(hint string) *Place {
	return &Place{t.line, t.col, len([]rune(t.text)), t.text, hint}
}

// script is one that a parser has refused at a place.
type script struct {
	tokens []token
	lines  []string
	at     int // the token at which the parser gave up; len(tokens) at the end of the file
}

// Syntax says what is wrong with a script that a parser gave up at a place, at its end if
// the line is 0; nil if it is nothing that others write.
func Syntax(src string, line, col int) *Place {
	s := &script{tokens: scan(src), lines: strings.Split(src, "\n")}
	for s.at = 0; s.at < len(s.tokens) && line > 0; s.at++ {
		if t := s.tokens[s.at]; t.line > line || t.line == line && t.col+len([]rune(t.text)) > col {
			break
		}
	}
	if line == 0 {
		s.at = len(s.tokens)
	}
	for _, rule := range []func(*script) *Place{(*script).letters, (*script).lineByLine, (*script).around, (*script).pairs,
		(*script).blocks} {
		if p := rule(s); p != nil {
			return p
		}
	}
	return nil
}

// get is a token by how far it is from where the parser gave up; the zero token if there
// is none.
func (s *script) get(n int) token {
	if i := s.at + n; i >= 0 && i < len(s.tokens) {
		return s.tokens[i]
	}
	return token{}
}

// here are the tokens of the line at which the parser gave up, and of the one before.
func (s *script) here() (before, line []token) {
	at := s.get(0).line
	last := s.get(-1).line
	for _, t := range s.tokens {
		switch t.line {
		case at:
			line = append(line, t)
		case last:
			before = append(before, t)
		}
	}
	return before, line
}

// characters are those of word processors and other keyboards, and what Lua has.
var characters = map[rune]string{'“': `"`, '”': `"`, '„': `"`, '«': `"`, '»': `"`, '‘': "'", '’': "'", '‚': "'", '´': "'",
	'`': `" or [[`, '–': "-", '—': "-", '−': "-", '\u00a0': "a space", '\u200b': "nothing", '\u2009': "a space",
	'\u202f': "a space", '\ufeff': "nothing", '…': "...", '≠': "~=", '≤': "<=", '≥': ">=", '×': "*", '÷': "/", '→': "=",
	'，': ",", '；': ";", '：': "=", '（': "(", '）': ")", '｛': "{", '｝': "}", '＝': "="}

// letters finds characters that Lua has no meaning for.
func (s *script) letters() *Place {
	for i, t := range s.tokens {
		if i > s.at {
			break
		}
		if q := t.text[0]; t.kind == text && (q == '"' || q == '\'') && (len(t.text) == 1 || t.text[len(t.text)-1] != q) {
			return t.place("the closing quote is missing")
		}
		if t.kind != sign {
			continue
		}
		r := []rune(t.text)[0]
		if lua := characters[r]; lua != "" {
			what := t.text
			if lua == "a space" || lua == "nothing" {
				what = fmt.Sprintf("the character U+%04X", r)
			}
			return t.place(fmt.Sprintf("%s is no sign of Lua: write %s", what, lua))
		}
	}
	for i, t := range s.tokens {
		if i <= s.at && t.kind == name && strings.IndexFunc(t.text, func(r rune) bool { return r > 0x7f }) >= 0 {
			return t.place("a name has the letters a to z, digits and _; others stand in texts alone")
		}
	}
	return nil
}

// operators are signs of others, and what Lua has.
var operators = map[string]string{
	"!=": "Lua writes ~= for !=", "!==": "Lua writes ~= for !==", "===": "Lua writes == for ===", "<>": "Lua writes ~= for <>",
	"&&": "Lua writes and for &&", "||": "Lua writes or for ||", "&&=": "write x = x and y", "||=": "write x = x or y",
	"++": "Lua has no ++: write n = n + 1", "+=": "Lua has no +=: write n = n + 1", "-=": "Lua has no -=: write n = n - 1",
	"*=": "Lua has no *=: write n = n * 2", "/=": "Lua has no /=: write n = n / 2; for unequal, ~=",
	"%=": "Lua has no %=: write n = n % 2", "^=": "Lua has no ^=: write n = n ^ 2", "..=": "Lua has no ..=: write s = s .. t",
	"**": "Lua writes ^ for **", "**=": "write n = n ^ 2", "//=": "write n = math.floor(n / 2)",
	"=>": "in a table write key = value; a function is function(x) … end", "->": "a function is function(x) … end; a member is a.b",
	"<-": "write = to assign", ":=": "write local x = … for :=", "::": "Lua 5.1 has no goto and no labels; a verb is called with one colon",
	"/*": "a comment begins with --, or stands in --[[ ]]", "*/": "a comment begins with --, or stands in --[[ ]]",
	"<<": "Lua 5.1 has no operators on bits: multiply by 2 ^ n", ">>": "Lua 5.1 has no operators on bits: divide by 2 ^ n",
	"??": "Lua writes or for ??", "?.": "Lua has no ?.: write x and x.y", "?": "Lua has no ? and :: write c and a or b",
	"&": "Lua 5.1 has no operators on bits; and is written and", "|": "Lua 5.1 has no operators on bits; or is written or",
	"!": "Lua writes not for !", "@": "there are no decorators; write plain functions", "$": "a name has no $: write it alone",
	"\\": "a backslash stands in texts alone", "//": "a comment begins with --; whole division is math.floor(a / b)",
}

// lineByLine finds signs and words of others in the line where the parser gave up, and in
// the one before.
func (s *script) lineByLine() *Place {
	before, line := s.here()
	beyond := s.get(2)
	for _, tokens := range [][]token{line, before} {
		for i, t := range tokens {
			if beyond.line > 0 && (t.line > beyond.line || t.line == beyond.line && t.col > beyond.col) {
				break
			}
			if t.kind == sign && operators[t.text] != "" {
				return t.place(operators[t.text])
			}
			if t.text == "#" && i == 0 {
				return t.place("a comment begins with --")
			}
		}
		if p := statement(tokens); p != nil {
			return p
		}
	}
	if s.at == len(s.tokens) { // what is wrong may be anywhere
		for from := 0; from < len(s.tokens); {
			to := from
			for to < len(s.tokens) && s.tokens[to].line == s.tokens[from].line {
				to++
			}
			if p := statement(s.tokens[from:to]); p != nil {
				return p
			}
			from = to
		}
	}
	for _, n := range []int{s.get(0).line, s.get(-1).line} {
		if n < 1 || n > len(s.lines) {
			continue
		}
		if m := decrement.FindStringSubmatchIndex(s.lines[n-1]); m != nil {
			v := s.lines[n-1][m[2]:m[3]]
			return &Place{n, len([]rune(s.lines[n-1][:m[3]])) + 1, 2, "--", fmt.Sprintf("-- begins a comment: write %s = %s - 1", v, v)}
		}
	}
	return nil
}

var decrement = pattern.New(`(?:^|[\s;])([A-Za-z_][\w.]*)--\s*;?\s*$`)

// Start says what Lua has for a word that begins a statement of others; empty if it is
// none.
func Start(word string) string { return starts[word] }

// starts are words that begin statements of others, and what Lua has.
var starts = map[string]string{
	"elif": "Lua writes elseif for elif", "elsif": "Lua writes elseif for elsif", "elseIf": "Lua writes elseif",
	"switch": "Lua has no switch: write if … then … elseif … end", "case": "Lua has no case: write elseif … then",
	"foreach": "write for i, x in ipairs(list) do … end", "try": "Lua has no try: write pcall(function() … end)",
	"catch": "Lua has no catch: pcall returns false and the error", "except": "Lua has no except: pcall returns false and the error",
	"finally": "Lua has no finally: write what comes after pcall", "throw": "write error(\"…\")", "raise": "write error(\"…\")",
	"import": `write local m = require "m"`, "include": `write local m = require "m"`, "using": `write local m = require "m"`,
	"from": `write local m = require "m"`, "class": "Lua has no classes: write a table and functions",
	"def": "write local function f(x) … end", "fn": "write local function f(x) … end", "func": "write local function f(x) … end",
	"fun": "write local function f(x) … end", "sub": "write local function f(x) … end", "async": "write task(function() … end)",
	"await": "write wait(t), where t is what task returned", "const": "write local x = …", "let": "write local x = …",
	"var": "write local x = …", "my": "write local x = …", "auto": "write local x = …", "int": "write local x = …",
	"string": "write local x = …", "float": "write local x = …", "goto": "Lua 5.1 has no goto", "pass": "leave the block empty",
	"unless": "write if not … then … end", "endif": "write end", "fi": "write end", "done": "write end", "begin": "write do … end",
	"loop": "write while true do … end", "assert": "", "yield": "", "lambda": "a function is function(x) … end",
	"global": "every name is local here: write local x = …", "with": "write plain statements",
}

// statement finds what is wrong with the way in which a line begins or ends.
func statement(line []token) *Place {
	if len(line) < 2 {
		return nil
	}
	first, second, last := line[0], line[1], line[len(line)-1]
	if hint := starts[first.text]; hint != "" && first.kind == name && (second.kind != sign || second.text == "{" ||
		second.text == ":") {
		return first.place(hint)
	}
	opens := map[string]string{"if": "then", "elseif": "then", "while": "do", "for": "do"}[first.text]
	switch {
	case first.text == "for" && second.text == "(":
		return second.place("write for i = 1, 3 do … end, or for i, x in ipairs(list) do … end")
	case first.text == "else" && last.text == ":":
		return last.place("write else alone")
	case opens != "" && (last.text == ":" || last.text == "{"):
		return last.place(fmt.Sprintf("write %s in place of %s; the block ends with end", opens, last.text))
	case first.text == "}" && second.text == "else":
		return first.place("a block ends with end, and else needs nothing before it")
	case (first.text == "function" || first.text == "local" && second.text == "function") && last.text == "{":
		return last.place("a function has no braces: it ends with end")
	}
	for i, t := range line {
		switch {
		case first.text == "for" && t.text == ";":
			return t.place("write for i = 1, 3 do … end, or for i, x in ipairs(list) do … end")
		case opens != "" && t.text == "{" && line[i-1].text == ")" && second.text == "(" && !strings.Contains(texts(line), " "+opens+" "):
			return t.place(fmt.Sprintf("write %s in place of {; the block ends with end", opens))
		}
	}
	if opens == "then" || first.text == "while" || first.text == "until" {
		depth := 0
		for _, t := range line {
			switch t.text {
			case "(", "{", "[":
				depth++
			case ")", "}", "]":
				depth--
			case "=":
				if depth <= 1 && !strings.Contains(texts(line), "{") {
					return t.place("= assigns: write == to compare")
				}
			}
		}
	}
	if first.text == "return" {
		return nil
	}
	for i, t := range line {
		if t.kind == name && i > 0 && t.text == "lambda" {
			return t.place(starts["lambda"])
		}
	}
	return nil
}

func texts(ts []token) string {
	var b strings.Builder
	for _, t := range ts {
		b.WriteString(t.text + " ")
	}
	return b.String()
}
