package interp

import lua "github.com/yuin/gopher-lua"

// Inline is a Lua function that code outside of Lua calls while it works. It
// must not wait: verbs of the running phase are refused in it.
type Inline struct {
	vm *Interp
	fn *lua.LFunction
	th *lua.LState
}

// Inline makes fn callable from outside. The caller holds the lock.
func (v *Interp) Inline(fn *lua.LFunction) *Inline {
	th, _ := v.L.NewThread() // it ends with the interpreter
	if v.inline == nil {
		v.inline = map[*lua.LState]bool{}
	}
	v.inline[th] = true
	return &Inline{vm: v, fn: fn, th: th}
}

// Call takes the lock and calls the function with what args makes, under the
// lock. It returns the first value that the function returns. The caller must
// hold nothing that a script's verb may wait for with the lock held.
func (i *Inline) Call(args func() []lua.LValue) (lua.LValue, error) {
	v := i.vm
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.ctx.Err(); err != nil {
		return lua.LNil, err
	}
	if err := v.Protected(i.th, i.fn, 1, args()...); err != nil {
		i.th.SetTop(0)
		err = v.explain(i.th, err)
		if v.cut == nil && v.ctx.Err() != nil {
			v.cut = err
		}
		return lua.LNil, err
	}
	x := i.th.Get(-1)
	i.th.SetTop(0)
	return x, nil
}

// Cut is where an [Inline] stood that ran when the context ended, nil if there
// was none.
func (v *Interp) Cut() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cut
}
