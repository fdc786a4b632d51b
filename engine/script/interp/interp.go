// Package interp runs Lua: one interpreter under one lock, the safe part of the
// standard library, strict globals, own require, protected calls, tasks.
//
// It knows neither classes nor networks. Package vm puts the language on it.
//
// Invariant: Lua code runs on one goroutine at a time; code between two verbs
// is atomic. No file, clock or process is reachable from Lua but through verbs.
package interp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/diag"
)

// Interp is one interpreter.
type Interp struct {
	L *lua.LState
	// Late, if not nil, is called without the lock where the script or a task may
	// be late on another machine.
	Late func(place string)
	Seed uint64 // what math.random draws from

	print func(where, text string)

	mu       sync.Mutex  // held while Lua runs
	thrown   *lua.LTable // metatable of errors
	shielded *lua.LFunction
	known    []string // names of globals
	sources  map[string]*diag.Source
	modules  map[string]lua.LValue
	loading  []string
	load     Loader
	along    []string // modules that come along

	tasks   sync.WaitGroup
	awake   atomic.Int32 // tasks that wait for nothing, the main one among them
	waits   waits
	of      map[*lua.LState]*Task    // by the thread it runs on
	woken   chan struct{}            // holds one if a task has gone on since it was last asked
	live    int                      // tasks that must end and have not
	left    []*Task                  // of those, what the end of the context cut short
	over    bool                     // no task goes on
	change  *sync.Cond               // something of these changed, or the context ended
	fail    func(error)              // ends the run: a task failed
	bug     error                    // a Go panic in a binding
	halted  map[*lua.LState]*place   // where the end of the context found each thread
	cut     error                    // where an [Inline] stood when the context ended
	callers map[*lua.LState][]string // of what last failed on each thread, the innermost first
	ran     *lua.LState              // whose Lua code went on when the context ended
	inLib   atomic.Pointer[place]    // where Go code that cannot be stopped was called
	ctx     context.Context
	cancel  context.CancelCauseFunc
	inline  map[*lua.LState]bool // threads that must not wait
}

// Loader finds the text of module name, and the file name to show.
type Loader func(name string) (file, text string, ok bool)

// Config of an interpreter.
type Config struct {
	Load    Loader
	Modules []string // names of modules that come along, for messages
	Print   func(where, text string)
	Seed    uint64
}

// New makes an interpreter. ctx ends whatever it runs.
func New(ctx context.Context, c Config) *Interp {
	v := &Interp{
		L: lua.NewState(lua.Options{SkipOpenLibs: true, RegistrySize: 1024, RegistryMaxSize: 1 << 20,
			RegistryGrowStep: 4096, CallStackSize: 1024, MinimizeStackMemory: true}),
		of: map[*lua.LState]*Task{}, halted: map[*lua.LState]*place{}, callers: map[*lua.LState][]string{},
		sources: map[string]*diag.Source{}, modules: map[string]lua.LValue{}, load: c.Load, along: c.Modules, print: c.Print,
		Seed: c.Seed, woken: make(chan struct{}, 1),
	}
	v.change = sync.NewCond(&v.mu)
	v.ctx, v.cancel = context.WithCancelCause(ctx)
	v.L.SetContext(v.ctx)
	context.AfterFunc(v.ctx, func() { v.Enter(v.change.Broadcast) })
	v.shielded = v.L.NewFunction(v.shield)
	v.thrown = v.L.NewTable()
	v.thrown.RawSetString("__tostring", v.L.NewFunction(func(l *lua.LState) int {
		l.Push(lua.LString(l.CheckUserData(1).Value.(thrown).err.Error()))
		return 1
	}))
	v.thrown.RawSetString("__metatable", lua.LFalse)
	v.sandbox(c)
	return v
}

// Print shows a text as print does, said to be from a place in a script.
func (v *Interp) Print(where, text string) {
	if v.print != nil {
		v.print(where, text)
	}
}

// Close frees the interpreter. All tasks must have ended.
func (v *Interp) Close() {
	v.cancel(context.Canceled)
	v.L.Close()
}

// Context ends when the run does; verbs that wait must watch it.
func (v *Interp) Context() context.Context { return v.ctx }

// Stop ends everything that runs, with a cause.
func (v *Interp) Stop(cause error) { v.cancel(cause) }

// OnTaskError sets what is called, under the lock, when a task fails.
func (v *Interp) OnTaskError(f func(error)) { v.fail = f }

// Bug is a panic of the engine inside a verb, which pcall may have hidden.
func (v *Interp) Bug() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.bug
}

// Run loads a script and runs its top level.
func (v *Interp) Run(src *diag.Source) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sources[src.Name] = src
	fn, err := v.compile(src)
	if err != nil {
		return err
	}
	return v.call(v.L, fn)
}

func (v *Interp) compile(src *diag.Source) (*lua.LFunction, error) {
	proto, err := lua.Compile(src.Chunk, src.Name)
	if err != nil {
		var ce *lua.CompileError
		if errors.As(err, &ce) {
			return nil, src.At(ce.Line, "", ce.Message, "")
		}
		return nil, &diag.Error{File: src.Name, Msg: err.Error()}
	}
	has := func(name string) bool { return v.L.G.Global.RawGetString(name) != lua.LNil }
	if err := src.Globals(proto, has, func(name string) string { return v.meant(src, name) }); err != nil {
		return nil, err
	}
	return v.L.NewFunctionFromProto(proto), nil
}

// Call calls fn with args and waits for it.
func (v *Interp) Call(fn *lua.LFunction, args ...lua.LValue) error {
	_, err := v.CallFor(fn, args...)
	return err
}

// CallFor is [Interp.Call], and returns the first value that fn returns.
func (v *Interp) CallFor(fn *lua.LFunction, args ...lua.LValue) (lua.LValue, error) {
	v.wakes()
	defer v.sleeps()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.Protected(v.L, fn, 1, args...); err != nil {
		return lua.LNil, v.explain(v.L, err)
	}
	x := v.L.Get(-1)
	v.L.Pop(1)
	return x, nil
}

// call calls fn on L with the lock held.
func (v *Interp) call(l *lua.LState, fn *lua.LFunction, args ...lua.LValue) error {
	if err := v.Protected(l, fn, 0, args...); err != nil {
		return v.explain(l, err)
	}
	return nil
}

// Block runs f without the lock, so that tasks can run meanwhile. Every verb
// that may wait uses it. Once all has come to its end (see [Interp.Finish]), it does
// not return before the context ends.
func (v *Interp) Block(f func()) {
	v.Yield(func() {
		v.sleeps()
		defer v.wakes()
		f()
	})
}

// Awake reports whether a task goes on, or is about to: it waits for nothing but its
// turn. Whoever asks from within [Interp.Block] is not among them.
func (v *Interp) Awake() bool { return v.awake.Load() > 0 }

// Woken is sent to once a task goes on after all waited.
func (v *Interp) Woken() <-chan struct{} { return v.woken }

// Yield is [Interp.Block] for what is late of itself, and waits for nothing: the task
// counts as one that goes on.
func (v *Interp) Yield(f func()) {
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		for v.over && v.ctx.Err() == nil {
			v.change.Wait()
		}
	}()
	f()
}

// Go runs f, which is Go code, as a task without the lock.
func (v *Interp) Go(f func()) { v.tasks.Go(f) }

// Enter runs f with the lock held, from outside Lua.
func (v *Interp) Enter(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// Wait waits for all tasks to end.
func (v *Interp) Wait() { v.tasks.Wait() }

// Guard turns a Go panic in a verb into something pcall cannot hide.
func (v *Interp) Guard(name string) {
	r := recover()
	if r == nil {
		return
	}
	if _, ok := r.(*lua.ApiError); !ok && v.bug == nil {
		v.bug = fmt.Errorf("the engine panicked in %s: %v\n%s", name, r, debug.Stack())
		v.cancel(v.bug)
	}
	panic(r)
}

// LineText is a line of a script that was loaded, empty if it is not there.
func (v *Interp) LineText(file string, line int) string {
	if s := v.sources[file]; s != nil {
		return s.LineText(line)
	}
	return ""
}

// Begins notes that the task on l has come to a verb at a place.
func (v *Interp) Begins(l *lua.LState, verb, file string, line int) {
	if t := v.of[l]; t != nil {
		t.Verb, t.AtFile, t.AtLine = verb, file, line
	}
}

// MustNotWait reports whether l is the thread of an [Inline].
func (v *Interp) MustNotWait(l *lua.LState) bool { return v.inline[l] }
