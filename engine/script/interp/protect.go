package interp

import (
	"context"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/show"
)

// place is one in a script.
type place struct {
	file string
	line int
	name string // of what was called there
}

// Protected calls fn on l, as pcall does.
func (v *Interp) Protected(l *lua.LState, fn lua.LValue, results int, args ...lua.LValue) error {
	return l.CallByParam(lua.P{Fn: v.shielded, NRet: results, Protect: true}, append([]lua.LValue{fn}, args...)...)
}

// shield calls its first argument with the others. An error in it carries the
// one place that is needed: the interpreter would write down every tail call
// that led there, which after a loop of them takes minutes and gigabytes.
func (v *Interp) shield(l *lua.LState) int {
	l.Panic = func(l *lua.LState) {
		file, line := standing(l, 0)
		v.callers[l] = show.Callers(l, 0)
		if v.halted[l] == nil && v.ctx.Err() != nil {
			v.halted[l] = &place{file: file, line: line}
			v.ranOn(l)
		}
		// Not empty, or the interpreter makes one.
		panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: l.Get(-1),
			StackTrace: fmt.Sprintf("%s:%d: in ?", file, line)})
	}
	l.Call(l.GetTop()-1, lua.MultRet)
	return l.GetTop()
}

// ranOn notes that Lua code on l is ended by the interpreter because the context has. The
// first one that is had the lock: the others could not go on because of it.
func (v *Interp) ranOn(l *lua.LState) {
	if text, ok := l.Get(-1).(lua.LString); ok && v.ran == nil &&
		strings.Contains(string(text), v.ctx.Err().Error()) {
		v.ran = l
	}
}

// Hogged is where a task, not the main one, had Lua code that went on when the context
// ended, nil if none had: nothing else can be blamed then for not having ended.
func (v *Interp) Hogged() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ran == nil || v.ran == v.L {
		return nil
	}
	at := v.halted[v.ran]
	return v.At(at.file, at.line, "", context.Cause(v.ctx).Error(), "this went on without a pause: look for a loop "+
		"that never ends")
}

// standing is the file and line of the first Lua code from a level of the stack
// on.
func standing(l *lua.LState, level int) (string, int) {
	for ; ; level++ {
		d, ok := l.GetStack(level)
		if !ok {
			return "", 0
		}
		if _, err := l.GetInfo("Sl", d, lua.LNil); err == nil && d.CurrentLine > 0 {
			return d.Source, d.CurrentLine
		}
	}
}

// pcall is Lua's.
func (v *Interp) pcall(l *lua.LState) int {
	l.CheckAny(1)
	if f := l.Get(1); f.Type() != lua.LTFunction && l.GetMetaField(f, "__call") == lua.LNil {
		l.Push(lua.LFalse)
		l.Push(lua.LString(fmt.Sprintf("attempt to call a %s value", f.Type())))
		return 2
	}
	l.Insert(v.shielded, 1)
	if err := l.PCall(l.GetTop()-1, lua.MultRet, nil); err != nil {
		l.Push(lua.LFalse)
		l.Push(thrownBy(err))
		return 2
	}
	l.Insert(lua.LTrue, 1)
	return l.GetTop()
}

// xpcall is Lua's, but that the handler runs when the stack is gone, which it
// could not look at anyway.
func (v *Interp) xpcall(l *lua.LState) int {
	fn, handler := l.CheckFunction(1), l.CheckFunction(2)
	l.SetTop(0)
	l.Push(v.shielded)
	l.Push(fn)
	err := l.PCall(1, lua.MultRet, nil)
	if err == nil {
		l.Insert(lua.LTrue, 1)
		return l.GetTop()
	}
	l.Push(lua.LFalse)
	l.Push(handler)
	l.Push(thrownBy(err))
	l.Call(1, 1)
	return 2
}

// thrownBy is what was thrown, as Lua sees it.
func thrownBy(err error) lua.LValue {
	if api, ok := err.(*lua.ApiError); ok { //nolint:errorlint // the interpreter returns it bare
		return api.Object
	}
	return lua.LString(err.Error())
}

// unstoppable makes functions of the library known while they run that may take
// for ever and look at no context.
func (v *Interp) unstoppable(lib *lua.LTable, names ...string) {
	for _, name := range names {
		f, ok := lib.RawGetString(name).(*lua.LFunction)
		if !ok {
			continue
		}
		known := v.L.NewFunction(func(l *lua.LState) int {
			file, line := v.Where(l)
			before := v.inLib.Swap(&place{file, line, name})
			defer v.inLib.Store(before)
			return f.GFunction(l)
		})
		known.Upvalues = f.Upvalues // gmatch has one
		lib.RawSetString(name, known)
	}
}

// unwind is how long a script has to come to its end when its time is up, before
// it is left as it stands: less than whoever started the process waits.
const unwind = time.Second

// Watch runs f, which runs Lua code and takes the lock itself. Nothing but the end of
// the process can stop a function of Lua's library: where the script is still in one
// when its time is long up, f goes on, and the error says where that was called.
func (v *Interp) Watch(f func()) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	for {
		select {
		case <-ended:
			return nil
		case <-v.ctx.Done():
		}
		select {
		case <-ended:
			return nil
		case <-time.After(unwind):
		}
		if err := v.stuck(context.Cause(v.ctx).Error()); err != nil {
			return err
		}
	}
}

// stuck says where a function of Lua's library was called that has not returned,
// which the end of the context cannot stop; nil if there is none. The caller
// holds no lock, for the function does.
func (v *Interp) stuck(msg string) error {
	at := v.inLib.Load()
	if at == nil {
		return nil
	}
	return v.At(at.file, at.line, at.name, msg, "a pattern with several of * + - may try for ever, "+
		"and a replacement grow without bound: make them simpler, or the text shorter")
}
