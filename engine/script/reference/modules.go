package reference

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"netrepro/engine/pattern"
	"netrepro/lualib"
)

// Module is a Lua module that comes with the program. What is said of it stands
// in its file, in the comments before the module and its functions.
type Module struct {
	Name, Doc string
	Functions []Function
}

// Function is a function of a module.
type Function struct{ Signature, Doc string }

var functionLine = pattern.New(`^function (\w+\.\w+\([^)]*\))`)

// Modules are the modules, by name.
func Modules() []Module { return modules() }

var modules = sync.OnceValue(func() []Module {
	entries, err := lualib.Files.ReadDir(".")
	if err != nil {
		return nil // it is embedded
	}
	var out []Module
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".lua")
		text, err := lualib.Files.ReadFile(e.Name())
		if !ok || err != nil || strings.Contains(name, ".") {
			continue // stubs are no module
		}
		out = append(out, module(name, string(text)))
	}
	slices.SortFunc(out, func(a, b Module) int { return strings.Compare(a.Name, b.Name) })
	return out
})

func module(name, text string) Module {
	m := Module{Name: name}
	var said []string
	for i, line := range strings.Split(text, "\n") {
		if c, ok := strings.CutPrefix(line, "--"); ok {
			said = append(said, strings.TrimPrefix(c, " "))
			continue
		}
		if f := functionLine.FindStringSubmatch(line); f != nil {
			m.Functions = append(m.Functions, Function{f[1], strings.Join(said, "\n")})
		} else if m.Doc == "" && i > 0 && len(said) > 0 {
			m.Doc = strings.Join(said, "\n")
		}
		said = nil
	}
	return m
}

func (m Module) text() string {
	s := m.Name + "\n\n" + m.Doc + "\n"
	for _, f := range m.Functions {
		s += "\n" + f.Signature + "\n" + indent(f.Doc)
	}
	return s
}

func (m Module) section(b *strings.Builder) {
	fmt.Fprintf(b, "\n#### `%s`\n\n%s\n", m.Name, block(m.Doc))
	for _, f := range m.Functions {
		fmt.Fprintf(b, "\n`%s`: %s\n", f.Signature, strings.ReplaceAll(f.Doc, "\n", " "))
	}
}

// block has the examples in a comment, which are indented, stand as code.
func block(doc string) string {
	var out []string
	code := false
	for _, line := range strings.Split(doc, "\n") {
		example := strings.HasPrefix(line, "  ")
		if example && !code {
			out = append(out, "```lua")
		}
		if !example && code {
			out = append(out, "```")
		}
		code = example
		out = append(out, strings.TrimPrefix(line, "  "))
	}
	if code {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func modulesText() string {
	var keys []Key
	for _, m := range Modules() {
		keys = append(keys, Key{Name: m.Name, Doc: first(strings.ReplaceAll(m.Doc, "\n", " "))})
	}
	return "\n" + rows(keys)
}
