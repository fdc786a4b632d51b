package interp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/pattern"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/foreign"
	"netrepro/engine/script/show"
)

// Where is the file and line of the Lua code that called into Go on l.
func (v *Interp) Where(l *lua.LState) (file string, line int) { return standing(l, 1) }

// KeyLine is the line on which a call that begins on a line has the key.
func (v *Interp) KeyLine(file string, line int, key string) int {
	if s := v.sources[file]; s != nil {
		return s.KeyLine(line, key)
	}
	return line
}

// At makes an error at a word on a line of a script that was loaded.
func (v *Interp) At(file string, line int, word, msg, hint string) *diag.Error {
	if s := v.sources[file]; s != nil {
		return s.At(line, word, msg, hint)
	}
	return &diag.Error{File: file, Line: line, Msg: msg, Hint: hint}
}

// AtValue is [Interp.At] for a word that is the value of a key.
func (v *Interp) AtValue(file string, line int, key, word, msg, hint string) *diag.Error {
	if s := v.sources[file]; s != nil {
		return s.AtValue(line, key, word, msg, hint)
	}
	return &diag.Error{File: file, Line: line, Msg: msg, Hint: hint}
}

// AtMember is [Interp.At] for a word that is the name of a member.
func (v *Interp) AtMember(file string, line int, word, msg, hint string) *diag.Error {
	if s := v.sources[file]; s != nil {
		return s.AtMember(line, word, msg, hint)
	}
	return &diag.Error{File: file, Line: line, Msg: msg, Hint: hint}
}

// thrown carries a Go error through Lua.
type thrown struct{ err error }

// Throw raises err in Lua; the script may catch it, else [Interp.Call] returns it.
func (v *Interp) Throw(l *lua.LState, err error) {
	var de *diag.Error
	if !errors.As(err, &de) { // nothing is said without its place
		v.RaiseErr(l, "", err)
	}
	u := v.L.NewUserData()
	u.Value, u.Metatable = thrown{err}, v.thrown
	l.Error(u, 0)
}

// Raise raises an error at a word on the line of the call.
func (v *Interp) Raise(l *lua.LState, word, msg, hint string) {
	file, line := v.Where(l)
	v.Throw(l, v.AtMember(file, line, word, msg, hint))
}

// RaiseNear is [Interp.Raise] for a word that is unknown, of those that are known.
func (v *Interp) RaiseNear(l *lua.LState, word, msg string, known []string) {
	v.Raise(l, word, msg, diag.DidYouMean(word, known))
}

// RaiseErr raises an error of Go code, at word on the line of the call unless
// it knows better.
func (v *Interp) RaiseErr(l *lua.LState, word string, err error) {
	var de *diag.Error
	if errors.As(err, &de) {
		v.Throw(l, err)
	}
	file, line := v.Where(l)
	hint := ""
	var helps Remedied
	if errors.As(err, &helps) {
		at, remedy := helps.Remedy()
		hint = remedy
		if at != "" {
			word = at
		}
	}
	e := v.AtMember(file, line, word, err.Error(), hint)
	e.Err = err
	v.Throw(l, e)
}

// Remedied is an error about a value that knows what helps: the word to point at,
// empty for the verb's, and a hint.
type Remedied interface{ Remedy() (word, hint string) }

// stackLine is the first place in a script that a stack trace names.
var stackLine = pattern.New(`(?m)^\s*([^\[\s][^:\n]*):(\d+): in `)

var luaError = pattern.New(`^(.+?):(\d+): (.*)$`)

// explain is [Interp.plainly] with the places that called what failed.
func (v *Interp) explain(l *lua.LState, err error) error {
	err = v.plainly(l, err)
	var de *diag.Error
	if callers := v.callers[l]; errors.As(err, &de) && len(callers) > 0 && de.Callers == nil {
		delete(v.callers, l)
		callers = callers[1:] // where it failed
		if at := fmt.Sprintf("%s:%d", de.File, de.Line); len(callers) > 0 && callers[0] == at {
			callers = callers[1:] // which blames its caller
		}
		de.Callers = callers
	}
	return err
}

// plainly turns what gopher-lua reports of l into an error of ours.
func (v *Interp) plainly(l *lua.LState, err error) error {
	if v.bug != nil {
		return v.bug
	}
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return err
	}
	if u, ok := api.Object.(*lua.LUserData); ok {
		if t, ok := u.Value.(thrown); ok {
			return t.err
		}
	}
	text := api.Object.String()
	if t, ok := api.Object.(*lua.LTable); ok {
		text = "error " + show.Contents(t)
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
	if v.ctx.Err() != nil && (strings.Contains(msg, context.Canceled.Error()) ||
		strings.Contains(msg, context.DeadlineExceeded.Error())) {
		// The interpreter reports that it was stopped, not why, and pcall may have
		// kept the first such report.
		if first := v.halted[l]; first != nil {
			file, line = first.file, first.line
		}
		e := v.At(file, line, "", context.Cause(v.ctx).Error(), "")
		e.Err = context.Cause(v.ctx)
		return e
	}
	msg, word, hint := foreign.Plain(msg)
	return v.At(file, line, word, msg, hint)
}
