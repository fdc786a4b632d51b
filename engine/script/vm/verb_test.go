//go:build linux

package vm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"netrepro/engine/script/args"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
)

// said are the arguments of a verb of each sort.
type said struct {
	name  string
	count int
	label *string
	words []string
	inner struct{ size int }
}

var kInner = args.TableOf("inner", "Inner", "write { size = 1 }",
	vm.NewTable("inner", "", func(i *struct{ size int }) []vm.Argument {
		return []vm.Argument{args.Size.Def(&i.size, "size", "4KB", "its size")}
	}))

// TestVerb calls a verb as scripts do and looks at the struct that it gets.
func TestVerb(t *testing.T) {
	var got said
	verb := vm.Verb(vm.Method{Name: "say", Doc: "says", First: "count"},
		func(a *said) []vm.Argument {
			return []vm.Argument{
				args.String.Param(&a.name, "name", "its name"),
				args.Port.Def(&a.count, "count", "7", "how many"),
				args.String.Maybe(&a.label, "label", "in words"),
				args.Strings.Opt(&a.words, "words", "more"),
				kInner.Opt(&a.inner, "inner", "what is in it"),
			}
		},
		func(_ *vm.Call, a *said) error {
			got = *a
			return nil
		})
	language := vm.Assemble(vm.Room{Globals: []*vm.Method{verb}})
	for _, tt := range []struct{ script, want, err string }{
		{`say "a"`, "a 7 <nil> [] 0", ""},
		{`say("a", { count = 3, label = "x" })`, "a 3 x [] 0", ""},
		{`say("a", 4)`, "a 4 <nil> [] 0", ""},
		{`say("a", { 5 })`, "a 5 <nil> [] 0", ""},
		{`say("a", { words = { "b", "c" } })`, "a 7 <nil> [b c] 0", ""},
		{`say("a", { inner = {} })`, "a 7 <nil> [] 4096", ""},
		{`say("a", { inner = { size = 2 } })`, "a 7 <nil> [] 2", ""},
		{`say()`, "", "name is missing"},
		{`say("a", { cuont = 3 })`, "", `unknown key "cuont"`},
		{`say("a", 5, { 3 })`, "", "count is given twice"},
		{`say("a", { count = 0 })`, "", "is not a whole number from 1 to 65535"},
		{`say("a", {}, 1)`, "", "there is an argument after its options"},
	} {
		got = said{}
		v := vm.New(context.Background(), vm.Config{Language: language})
		src, err := diag.Parse("x.lua", tt.script)
		if err == nil {
			err = v.Run(src)
		}
		v.Close()
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %q", tt.script, err, tt.err)
			}
			continue
		}
		label := "<nil>"
		if got.label != nil {
			label = *got.label
		}
		is := fmt.Sprintf("%s %d %s %v %d", got.name, got.count, label, got.words, got.inner.size)
		if err != nil || is != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.script, is, err, tt.want)
		}
	}
}
