package diag

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// Globals finds names that a script, or a function in it, reads or assigns
// and nobody declared, before any of it runs. The compiler has already told
// locals from globals: what is left are its GETGLOBAL and SETGLOBAL
// instructions. known are the names that there are, of which has says whether one is.
func (s *Source) Globals(p *lua.FunctionProto, known []string, has func(name string) bool) error {
	for i, inst := range p.Code {
		op := int(inst >> 26)
		if op != lua.OP_GETGLOBAL && op != lua.OP_SETGLOBAL {
			continue
		}
		name := p.Constants[inst&0x3ffff].String()
		if op == lua.OP_GETGLOBAL && has(name) {
			continue
		}
		line := 0
		if i < len(p.DbgSourcePositions) {
			line = p.DbgSourcePositions[i]
		}
		if op == lua.OP_SETGLOBAL {
			return s.At(line, name, fmt.Sprintf("%q is assigned but never declared", name),
				fmt.Sprintf(`write "local %s"`, name))
		}
		return s.At(line, name, fmt.Sprintf("undefined name %q", name), DidYouMean(name, known))
	}
	for _, f := range p.FunctionPrototypes {
		if err := s.Globals(f, known, has); err != nil {
			return err
		}
	}
	return nil
}
