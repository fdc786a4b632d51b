// Package grammar knows what of other languages' grammar is no Lua: signs, words, and what
// is missing.
//
// Invariant: it is asked only about a script that the parser has refused.
package grammar

import (
	"strings"
	"unicode"
)

// token is a word, a number, a text or a sign, with its place from 1.
type token struct {
	text      string
	line, col int
	kind      kind
}

type kind int

const (
	sign kind = iota
	name
	keyword
	number
	text
)

// keywords are the words of Lua, and whether they open a block that ends with "end".
var keywords = map[string]bool{"and": false, "break": false, "do": true, "else": false, "elseif": false, "end": false,
	"false": false, "for": false, "function": true, "if": true, "in": false, "local": false, "nil": false, "not": false,
	"or": false, "repeat": true, "return": false, "then": false, "true": false, "until": false, "while": false}

// signs are those of several characters, of Lua and of others, the longest first.
var signs = []string{"!==", "===", "<=>", "...", "..=", "**=", "//=", "<<=", ">>=", "??=", "&&=", "||=", "==", "~=", "!=",
	"<=", ">=", "<>", "+=", "-=", "*=", "/=", "%=", "^=", "|=", "&=", "++", "&&", "||", "=>", "->", "<-", "::", ":=", "//",
	"/*", "*/", "**", "<<", ">>", "??", "?.", ".."}

// scan cuts a script into tokens, whatever is in it: what no rule knows is a sign.
func scan(src string) (out []token) {
	r := []rune(src)
	line, begin := 1, 0
	for i := 0; i < len(r); {
		at := token{line: line, col: i - begin + 1}
		rest := func(n int) string { return string(r[i:min(i+n, len(r))]) }
		c := r[i]
		switch {
		case c == '\n':
			line, begin, i = line+1, i+1, i+1
			continue
		case unicode.IsSpace(c) && c < 0x80:
			i++
			continue
		case rest(4) == "--[[" || rest(2) == "[[":
			end := strings.Index(string(r[i:]), "]]")
			n := len(r) - i
			if end >= 0 {
				n = len([]rune(string(r[i:])[:end])) + 2
			}
			body := string(r[i : i+n])
			if c == '[' {
				at.text, at.kind = body, text
				out = append(out, at)
			}
			if k := strings.LastIndex(body, "\n"); k >= 0 {
				line += strings.Count(body, "\n")
				begin = i + len([]rune(body[:k])) + 1
			}
			i += n
			continue
		case rest(2) == "--":
			for i < len(r) && r[i] != '\n' {
				i++
			}
			continue
		case c == '"' || c == '\'':
			j := i + 1
			for j < len(r) && r[j] != c && r[j] != '\n' {
				if r[j] == '\\' {
					j++
				}
				j++
			}
			if j < len(r) && r[j] == c {
				j++
			}
			at.text, at.kind = string(r[i:min(j, len(r))]), text
		case c == '_' || unicode.IsLetter(c):
			j := i
			for j < len(r) && (r[j] == '_' || unicode.IsLetter(r[j]) || unicode.IsDigit(r[j])) {
				j++
			}
			at.text, at.kind = string(r[i:j]), name
			if _, ok := keywords[at.text]; ok {
				at.kind = keyword
			}
		case unicode.IsDigit(c):
			j := i
			for j < len(r) && (r[j] == '.' && (j+1 == len(r) || r[j+1] != '.') || unicode.IsLetter(r[j]) ||
				unicode.IsDigit(r[j])) {
				j++
			}
			at.text, at.kind = string(r[i:j]), number
		default:
			at.text = string(c)
			for _, s := range signs {
				if rest(len(s)) == s {
					at.text = s
					break
				}
			}
		}
		out = append(out, at)
		i += len([]rune(at.text))
	}
	return out
}
