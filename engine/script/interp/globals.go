package interp

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/diag"
)

// checkGlobals finds names that a script, or a function in it, reads or assigns
// and nobody declared, before any of it runs. The compiler has already told
// locals from globals: what is left are its GETGLOBAL and SETGLOBAL
// instructions.
func (v *Interp) checkGlobals(src *diag.Source, p *lua.FunctionProto) error {
	for i, inst := range p.Code {
		op := int(inst >> 26)
		if op != lua.OP_GETGLOBAL && op != lua.OP_SETGLOBAL {
			continue
		}
		name := p.Constants[inst&0x3ffff].String()
		if op == lua.OP_GETGLOBAL && v.L.G.Global.RawGetString(name) != lua.LNil {
			continue
		}
		line := 0
		if i < len(p.DbgSourcePositions) {
			line = p.DbgSourcePositions[i]
		}
		if op == lua.OP_SETGLOBAL {
			return src.At(line, name, fmt.Sprintf("%q is assigned but never declared", name), fmt.Sprintf(`write "local %s"`, name))
		}
		return src.At(line, name, fmt.Sprintf("undefined name %q", name), diag.DidYouMean(name, v.known))
	}
	for _, f := range p.FunctionPrototypes {
		if err := v.checkGlobals(src, f); err != nil {
			return err
		}
	}
	return nil
}
