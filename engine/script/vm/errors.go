package vm

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/diag"
)

// where is the file and line of the Lua code that called into Go.
func (v *VM) where(l *lua.LState) (string, int) { return standing(l, 1) }

// Where is the file and line of the Lua code that called into Go on l.
func (v *VM) Where(l *lua.LState) (file string, line int) { return v.where(l) }

func (v *VM) keyLine(file string, line int, key string) int {
	if s := v.sources[file]; s != nil {
		return s.KeyLine(line, key)
	}
	return line
}

// At makes an error at a word on a line of a script that was loaded.
func (v *VM) At(file string, line int, word, msg, hint string) *diag.Error {
	return v.at(file, line, word, msg, hint)
}

func (v *VM) at(file string, line int, word, msg, hint string) *diag.Error {
	if s := v.sources[file]; s != nil {
		return s.At(line, word, msg, hint)
	}
	return &diag.Error{File: file, Line: line, Msg: msg, Hint: hint}
}

// thrown carries a Go error through Lua.
var thrown = &Class{Name: "error", String: func(self any) string { return self.(error).Error() }}

// Throw raises err in Lua; the script may catch it, else [VM.Call] returns it.
func (v *VM) Throw(l *lua.LState, err error) { l.Error(v.New(thrown, err), 0) }

func (v *VM) raise(l *lua.LState, word, msg, hint string) {
	file, line := v.where(l)
	v.Throw(l, v.at(file, line, word, msg, hint))
}

func (v *VM) raiseNear(l *lua.LState, word, msg string, known []string) {
	v.raise(l, word, msg, diag.DidYouMean(word, known))
}

// raiseErr raises an error of Go code, at word on the line of the call unless
// it knows better.
func (v *VM) raiseErr(l *lua.LState, word string, err error) {
	var de *diag.Error
	if errors.As(err, &de) {
		v.Throw(l, err)
	}
	file, line := v.where(l)
	hint := ""
	var bv *BadValue
	if errors.As(err, &bv) {
		hint = bv.Hint
		if bv.Word != "" {
			word = bv.Word
		}
	}
	e := v.at(file, line, word, err.Error(), hint)
	e.Err = err
	v.Throw(l, e)
}

// stackLine is the first place in a script that a stack trace names.
var stackLine = regexp.MustCompile(`(?m)^\s*([^\[\s][^:\n]*):(\d+): in `)

var luaError = regexp.MustCompile(`^(.+?):(\d+): (.*)$`)

// contents writes a table that was thrown, without what is in tables in it.
func contents(t *lua.LTable) string {
	var fields []string
	t.ForEach(func(k, x lua.LValue) {
		if _, named := k.(lua.LString); named {
			fields = append(fields, k.String()+" = "+show(x))
		} else {
			fields = append(fields, show(x))
		}
	})
	if len(fields) == 0 {
		return "{}"
	}
	slices.Sort(fields)
	return "{ " + strings.Join(fields, ", ") + " }"
}

// explain turns what gopher-lua reports of l into an error of ours.
func (v *VM) explain(l *lua.LState, err error) error {
	if v.bug != nil {
		return v.bug
	}
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return err
	}
	if o := objectOf(api.Object); o != nil && o.Class == thrown {
		return o.Value.(error)
	}
	text := api.Object.String()
	if t, ok := api.Object.(*lua.LTable); ok {
		text = "error " + contents(t)
	}
	file, line, msg := "", 0, text
	if u, ok := api.Object.(*lua.LNilType); ok {
		text = "error " + u.String()
	}
	if luaError.FindStringSubmatch(text) == nil {
		// It names no place: the interpreter knows where it was raised.
		if m := stackLine.FindStringSubmatch(api.StackTrace); m != nil {
			text = m[1] + ":" + m[2] + ": " + text
		}
	}
	if m := luaError.FindStringSubmatch(text); m != nil {
		file, msg = m[1], m[3]
		line, _ = strconv.Atoi(m[2])
	}
	if v.ctx.Err() != nil && (strings.Contains(msg, context.Canceled.Error()) || strings.Contains(msg, context.DeadlineExceeded.Error())) {
		// The interpreter reports that it was stopped, not why, and pcall may have
		// kept the first such report.
		if first := v.halted[l]; first != nil {
			file, line = first.file, first.line
		}
		e := v.at(file, line, "", context.Cause(v.ctx).Error(), "")
		e.Err = context.Cause(v.ctx)
		return e
	}
	msg, word, hint := plain(msg)
	return v.at(file, line, word, msg, hint)
}

var nilIndex = regexp.MustCompile(`^attempt to index a non-table object\((\w+)\)(?: with key '(.*)')?$`)

// plain puts the interpreter's messages into words with a remedy.
func plain(msg string) (text, word, hint string) {
	if m := nilIndex.FindStringSubmatch(msg); m != nil {
		hint := ""
		if m[1] == "nil" {
			hint = "a verb that fails returns nil and the error's name: look at its second value"
		}
		text = "this is a " + m[1] + " and has no members"
		if m[1] == "nil" {
			text = "this is nil and has no members"
		}
		return text, m[2], hint
	}
	if strings.HasPrefix(msg, "attempt to call a non-function object") {
		return "this is not a function and cannot be called", "", "look for a name that is not what it seems, or a missing verb"
	}
	return msg, "", ""
}
