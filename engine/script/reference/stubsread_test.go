//go:build linux

package reference_test

import (
	"cmp"
	"regexp"
	"strings"
)

// stub is a class or function of the stubs.
type stub struct {
	parents []string
	fields  map[string]string // types; "[string]" and "[integer]" are for any key
	methods map[string]*function
}

// function is how it is called: the types of its parameters, those of other ways
// to call it, and of what it returns.
type function struct {
	params, returns []string
	others          []string
}

// annotations are those of a file, by name; functions of no class are those of [globals].
type annotations struct {
	classes map[string]*stub
	aliases map[string]string
}

var (
	fieldLine    = regexp.MustCompile(`^(\[?[\w]+\]?)(\??) (.*)$`)
	stubLine     = regexp.MustCompile(`^function (?:(\w+)[:.])?(\w+)\(`)
	overloadArgs = regexp.MustCompile(`\w+\??: ((?:"[^"]*"|[^,)])+)`)
)

// readStubs reads annotations of the Lua language server, as far as [Stubs]
// writes them.
func readStubs(text string) *annotations {
	s := &annotations{map[string]*stub{globals: newStub()}, map[string]string{}}
	var class *stub
	names := map[string]string{} // of classes by the names of their locals
	f := &function{}
	for _, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "---@alias":
			name, typ, _ := strings.Cut(rest, " ")
			s.aliases[name] = typ
		case "---@class":
			name, of, _ := strings.Cut(rest, ": ")
			class = newStub()
			if of != "" {
				class.parents = strings.Split(of, ", ")
			}
			s.classes[name] = class
			names[strings.ReplaceAll(strings.TrimSuffix(name, "lib"), ".", "")] = name
		case "---@field":
			if m := fieldLine.FindStringSubmatch(rest); m != nil {
				class.fields[m[1]] = typeIn(m[3])
			}
		case "---@param":
			_, typ, _ := strings.Cut(rest, " ")
			f.params = append(f.params, typeIn(typ))
		case "---@return":
			f.returns = append(f.returns, typeIn(rest))
		case "---@overload":
			for _, m := range overloadArgs.FindAllStringSubmatch(rest, -1) {
				f.others = append(f.others, m[1])
			}
		case "function":
			m := stubLine.FindStringSubmatch(line)
			s.classes[cmp.Or(names[m[1]], globals)].methods[m[2]] = f
			f = &function{}
		}
	}
	return s
}

func newStub() *stub { return &stub{fields: map[string]string{}, methods: map[string]*function{}} }

// typeIn is the type that a text begins with: up to a blank outside of quotes and
// brackets.
func typeIn(s string) string {
	depth, quoted := 0, false
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("([{<", r):
			depth++
		case strings.ContainsRune(")]}>", r):
			depth--
		case r == ' ' && depth == 0 && !strings.HasSuffix(s[:i], ":"):
			return s[:i]
		}
	}
	return s
}

// parts are the types of a union, with aliases in full.
func (s *annotations) parts(typ string) []string {
	typ = strings.TrimSuffix(typ, "?")
	if strings.HasPrefix(typ, "fun(") {
		return []string{typ}
	}
	var out []string
	depth, quoted, start := 0, false, 0
	for i, r := range typ + "|" {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("([{<", r):
			depth++
		case strings.ContainsRune(")]}>", r):
			depth--
		case r == '|' && depth == 0:
			one := typ[start:i]
			start = i + 1
			if full, ok := s.aliases[one]; ok {
				out = append(out, s.parts(full)...)
			} else {
				out = append(out, one)
			}
		}
	}
	return out
}

// field is the type of a member of a class, or of those it is made of.
func (s *annotations) field(class, name string) (string, bool) {
	c := s.classes[class]
	if c == nil {
		return "", false
	}
	if typ, ok := c.fields[name]; ok {
		return typ, true
	}
	for _, p := range c.parents {
		if typ, ok := s.field(p, name); ok {
			return typ, true
		}
	}
	return "", false
}

// method is a function of a class, or of those it is made of.
func (s *annotations) method(class, name string) *function {
	c := s.classes[class]
	if c == nil {
		return nil
	}
	if f := c.methods[name]; f != nil {
		return f
	}
	for _, p := range c.parents {
		if f := s.method(p, name); f != nil {
			return f
		}
	}
	return nil
}

// globals is the class that global functions are of.
const globals = "_G"
