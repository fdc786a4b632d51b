// Package vm puts a language on the interpreter: objects made of tables of methods,
// whose arguments are checked and read into structs.
//
// It knows nothing of networks. What scripts can say is a [Language] that package
// script assembles; bindings, checks, suggestions and documentation all come from it.
package vm

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/interp"
	"netrepro/engine/script/show"
)

// VM is an interpreter with a language.
type VM struct {
	*interp.Interp
	// Data is the owner's; verbs reach their world through it.
	Data any
	// Running is false while files load and true inside run.
	Running bool

	language *Language
	classes  map[*Class]*lua.LTable
	methods  map[bound]*lua.LFunction
}

// What the interpreter has, by the names that verbs use.
type (
	// Task is one line of execution, for messages.
	Task = interp.Task
	// Inline is a function of the script's that is called where packets pass.
	Inline = interp.Inline
	// Loader finds the text of a module.
	Loader = interp.Loader
)

// Config of a VM.
type Config struct {
	Language *Language
	Load     Loader
	Modules  []string // names of modules that come along, for messages
	Print    func(where, text string)
	Seed     uint64
}

// New makes an interpreter that speaks a language. ctx ends whatever it runs.
func New(ctx context.Context, c Config) *VM {
	v := &VM{Interp: interp.New(ctx, interp.Config{Load: c.Load, Modules: c.Modules, Print: c.Print,
		Seed: c.Seed}), language: c.Language,
		classes: map[*Class]*lua.LTable{}, methods: map[bound]*lua.LFunction{}}
	g := v.L.G.Global
	for name, methods := range c.Language.Tables {
		t := v.L.NewTable()
		for _, m := range methods {
			t.RawSetString(m.Name, v.function(m, nil))
		}
		g.RawSetString(name, t)
	}
	for _, m := range c.Language.Globals {
		g.RawSetString(m.Name, v.function(m, nil))
	}
	v.Seal()
	return v
}

// Language is what its scripts can say.
func (v *VM) Language() *Language { return v.language }

// Show writes a Lua value as a script would.
func Show(x lua.LValue) string { return show.Value(x) }
