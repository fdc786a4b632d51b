// Package vm runs Lua: one interpreter under one lock, objects made of tables
// of methods, argument checking, strict globals, own require, tasks.
//
// It knows nothing of networks. What scripts can say is a [Class] table that
// package script fills; bindings, checks, suggestions and documentation all
// come from it.
//
// Invariant: Lua code runs on one goroutine at a time; code between two verbs
// is atomic. No file, clock or process is reachable from Lua but through verbs.
package vm

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

// VM is one interpreter.
type VM struct {
	L *lua.LState
	// Data is the owner's; verbs reach their world through it.
	Data any
	// Running is false while files load and true inside run.
	Running bool
	// Late, if not nil, is called without the lock where the script or a task may
	// be late on another machine.
	Late func(place string)
	Seed uint64 // what math.random draws from

	print func(where, text string)

	mu       sync.Mutex // held while Lua runs
	language *Language
	classes  map[*Class]*lua.LTable
	methods  map[bound]*lua.LFunction
	shielded *lua.LFunction
	known    []string // names of globals
	sources  map[string]*diag.Source
	modules  map[string]lua.LValue
	loading  []string
	load     Loader

	tasks  sync.WaitGroup
	awake  atomic.Int32           // tasks that wait for nothing, the main one among them
	of     map[*lua.LState]*Task  // by the thread it runs on
	live   int                    // tasks that must end and have not
	left   []*Task                // of those, what the end of the context cut short
	over   bool                   // no task goes on
	change *sync.Cond             // something of these changed, or the context ended
	fail   func(error)            // ends the run: a task failed
	bug    error                  // a Go panic in a binding
	halted map[*lua.LState]*place // where the end of the context found each thread
	cut    error                  // where an [Inline] stood when the context ended
	inLib  atomic.Pointer[place]  // where Go code that cannot be stopped was called
	ctx    context.Context
	cancel context.CancelCauseFunc
	inline map[*lua.LState]bool // threads that must not wait
}

// Loader finds the text of module name, and the file name to show.
type Loader func(name string) (file, text string, ok bool)

// Config of a VM.
type Config struct {
	Language *Language
	Load     Loader
	Print    func(where, text string)
	Seed     uint64
}

// New makes an interpreter. ctx ends whatever it runs.
func New(ctx context.Context, c Config) *VM {
	v := &VM{
		L: lua.NewState(lua.Options{SkipOpenLibs: true, RegistrySize: 1024, RegistryMaxSize: 1 << 20, RegistryGrowStep: 4096,
			CallStackSize: 1024, MinimizeStackMemory: true}),
		classes: map[*Class]*lua.LTable{}, methods: map[bound]*lua.LFunction{}, of: map[*lua.LState]*Task{}, halted: map[*lua.LState]*place{},
		sources: map[string]*diag.Source{}, modules: map[string]lua.LValue{}, load: c.Load, print: c.Print, Seed: c.Seed, language: c.Language,
	}
	v.change = sync.NewCond(&v.mu)
	v.ctx, v.cancel = context.WithCancelCause(ctx)
	v.L.SetContext(v.ctx)
	context.AfterFunc(v.ctx, func() { v.Enter(v.change.Broadcast) })
	v.shielded = v.L.NewFunction(v.shield)
	v.sandbox(c)
	return v
}

// renamed says that a script uses a word by the name that it had in an earlier
// release. It still means the same.
func (v *VM) renamed(where, old, now string) {
	if v.print != nil {
		v.print(where, fmt.Sprintf("%s is now called %s: write that, the old word will go", old, now))
	}
}

// Language is what its scripts can say.
func (v *VM) Language() *Language { return v.language }

// Close frees the interpreter. All tasks must have ended.
func (v *VM) Close() {
	v.cancel(context.Canceled)
	v.L.Close()
}

// Context ends when the run does; verbs that wait must watch it.
func (v *VM) Context() context.Context { return v.ctx }

// Stop ends everything that runs, with a cause.
func (v *VM) Stop(cause error) { v.cancel(cause) }

// OnTaskError sets what is called, under the lock, when a task fails.
func (v *VM) OnTaskError(f func(error)) { v.fail = f }

// Bug is a panic of the engine inside a verb, which pcall may have hidden.
func (v *VM) Bug() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.bug
}

// Run loads a script and runs its top level.
func (v *VM) Run(src *diag.Source) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sources[src.Name] = src
	fn, err := v.compile(src)
	if err != nil {
		return err
	}
	return v.call(v.L, fn)
}

func (v *VM) compile(src *diag.Source) (*lua.LFunction, error) {
	proto, err := lua.Compile(src.Chunk, src.Name)
	if err != nil {
		var ce *lua.CompileError
		if errors.As(err, &ce) {
			return nil, src.At(ce.Line, "", ce.Message, "")
		}
		return nil, &diag.Error{File: src.Name, Msg: err.Error()}
	}
	if err := v.checkGlobals(src, proto); err != nil {
		return nil, err
	}
	return v.L.NewFunctionFromProto(proto), nil
}

// Call calls fn with args and waits for it.
func (v *VM) Call(fn *lua.LFunction, args ...lua.LValue) error {
	v.awake.Add(1)
	defer v.awake.Add(-1)
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.call(v.L, fn, args...)
}

// call calls fn on L with the lock held.
func (v *VM) call(l *lua.LState, fn *lua.LFunction, args ...lua.LValue) error {
	if err := v.protected(l, fn, 0, args...); err != nil {
		return v.explain(l, err)
	}
	return nil
}

// Block runs f without the lock, so that tasks can run meanwhile. Every verb
// that may wait uses it. Once all has come to its end (see [VM.Finish]), it does
// not return before the context ends.
func (v *VM) Block(f func()) {
	v.Yield(func() {
		v.awake.Add(-1)
		defer v.awake.Add(1)
		f()
	})
}

// Awake reports whether a task goes on, or is about to: it waits for nothing but its
// turn. Whoever asks from within [VM.Block] is not among them.
func (v *VM) Awake() bool { return v.awake.Load() > 0 }

// Yield is [VM.Block] for what is late of itself, and waits for nothing: the task
// counts as one that goes on.
func (v *VM) Yield(f func()) {
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
func (v *VM) Go(f func()) { v.tasks.Go(f) }

// Enter runs f with the lock held, from outside Lua.
func (v *VM) Enter(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// Wait waits for all tasks to end.
func (v *VM) Wait() { v.tasks.Wait() }

// guard turns a Go panic in a verb into something pcall cannot hide.
func (v *VM) guard(name string) {
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
