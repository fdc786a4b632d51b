package diag

import (
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"netrepro/engine/pattern"
	"netrepro/engine/script/foreign"
	"netrepro/engine/script/foreign/grammar"
)

// Source is one script file.
type Source struct {
	Name  string
	Text  string
	Chunk []ast.Stmt
	lines []string
}

// Parse reads a script. Its errors are *[Error].
func Parse(name, text string) (*Source, error) {
	if binary(text) {
		msg, hint := foreign.Bytes(text)
		return nil, &Error{File: name, Msg: msg, Hint: hint}
	}
	text = foreign.Lines(strings.TrimPrefix(text, "\ufeff")) // a byte order mark says nothing
	// A first line of "#!" lets a script be executable.
	if strings.HasPrefix(text, "#!") {
		text = "--" + text[2:]
	}
	s := &Source{Name: name, Text: text, lines: strings.Split(text, "\n")}
	if err := s.escapes(); err != nil {
		return nil, err
	}
	chunk, err := parse.Parse(strings.NewReader(text), name)
	if err != nil {
		return nil, s.syntax(err)
	}
	s.Chunk = chunk
	return s, nil
}

// binary reports whether a text is none: it has a zero byte, or begins with much that no
// text has.
func binary(text string) bool {
	head := text[:min(len(text), 1024)]
	odd := 0
	for i := range len(head) {
		if c := head[i]; c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' {
			odd++
		}
	}
	return odd > len(head)/20+2 || strings.IndexByte(text, 0) >= 0
}

// LineText is line n, from 1; empty if there is none.
func (s *Source) LineText(n int) string { return s.line(n) }

func (s *Source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return strings.TrimRight(s.lines[n-1], "\r")
}

var syntaxError = pattern.New(`line:(\d+)\(column:(\d+)\) near '(.*)':\s*(.*)`)

// syntax puts the parser's error, "x.lua line:3(column:3) near 'c':   syntax
// error", into our shape.
func (s *Source) syntax(err error) *Error {
	m := syntaxError.FindStringSubmatch(err.Error())
	if m == nil {
		msg := strings.TrimSpace(err.Error())
		if p := grammar.Syntax(s.Text, 0, 0); p != nil && strings.Contains(msg, "at EOF") {
			return s.strange(p)
		}
		if strings.Contains(msg, "at EOF") {
			return &Error{File: s.Name, Line: len(s.lines), Msg: "the file ends in the middle of something",
				Hint: `look for a missing "end", "}" or ")"`, Text: s.line(len(s.lines))}
		}
		return &Error{File: s.Name, Msg: msg, Hint: "the language is Lua 5.1"}
	}
	line, _ := strconv.Atoi(m[1])
	near := m[3]
	hint := "look at what comes before it: a comma, an operator or an end may be missing"
	if strings.Contains(m[4], "unterminated string") {
		hint = "the closing quote is missing"
	}
	e := s.At(line, near, "syntax error near \""+near+"\"", hint)
	col, _ := strconv.Atoi(m[2])
	for _, at := range []int{col - len(near) + 1, col - len(near), col} {
		if text := []rune(s.line(line)); at >= 1 && at <= len(text) && strings.HasPrefix(string(text[at-1:]), near) {
			e.Line, e.Col, e.Text, e.Width = line, at, s.line(line), len([]rune(near))
			break
		}
	}
	if e.Col == 0 || e.Line != line {
		e.Line, e.Col, e.Text, e.Width = line, max(col-len(near), 1), s.line(line), max(len(near), 1)
	}
	if p := grammar.Syntax(s.Text, e.Line, e.Col); p != nil && (!strings.Contains(m[4], "unterminated string") ||
		strings.Contains(p.Hint, "quote")) {
		return s.strange(p)
	}
	return e
}

// strange is the error of something that other languages have.
func (s *Source) strange(p *grammar.Place) *Error {
	return &Error{File: s.Name, Line: p.Line, Col: p.Col, Width: p.Width, Text: s.line(p.Line),
		Msg: "syntax error near \"" + p.Near + "\"", Hint: p.Hint}
}

// escapes refuses string escapes that Lua 5.1 does not have: it would silently
// read "\x16" as "x16".
func (s *Source) escapes() error {
	long := false // inside [[ ]], where escapes mean nothing
	for i := range s.lines {
		text := s.line(i + 1)
		var quote byte
	scan:
		for j := 0; j < len(text); j++ {
			rest := text[j:]
			switch {
			case long:
				if strings.HasPrefix(rest, "]]") {
					long, j = false, j+1
				}
			case quote == 0 && strings.HasPrefix(rest, "--") && !strings.HasPrefix(rest, "--[["):
				break scan
			case quote == 0 && strings.HasPrefix(rest, "[["):
				long, j = true, j+1
			case quote == 0 && (text[j] == '"' || text[j] == '\''):
				quote = text[j]
			case text[j] == quote:
				quote = 0
			case quote != 0 && text[j] == '\\' && j+1 < len(text):
				if j++; strings.IndexByte("xuz", text[j]) >= 0 {
					return &Error{File: s.Name, Line: i + 1, Col: j, Width: 2, Text: text,
						Hint: `write hex "16 03 01" for bytes`,
						Msg: `escape "\` + text[j:j+1] + `" is not Lua 5.1 and would silently become "` + text[j:j+1] +
							`"`}
				}
			}
		}
	}
	return nil
}

// KeyLine is the line of the table key name in the statement that begins at or
// after line, and line itself if there is none. The parser keeps a line for
// every key, which a call that spans lines does not have.
func (s *Source) KeyLine(line int, name string) int {
	best := 0
	walk(s.Chunk, func(e ast.Expr) {
		t, ok := e.(*ast.TableExpr)
		if !ok {
			return
		}
		for _, f := range t.Fields {
			k, ok := f.Key.(*ast.StringExpr)
			if ok && k.Value == name && k.Line() >= line && (best == 0 || k.Line() < best) {
				best = k.Line()
			}
		}
	})
	if best == 0 || best > s.lastLine(line) {
		return line
	}
	return best
}
