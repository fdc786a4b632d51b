package interp

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/diag"
)

// Task is a Lua function that runs beside the rest.
type Task struct {
	What       string // it is, in messages
	File       string // where it was started
	Line       int
	Background bool // it need not end
	// Where it stands, or stood when it was cut short: the verb, empty if it was
	// in none, and its place.
	Verb   string
	AtFile string
	AtLine int
}

// Spawn runs fn as a task of its own; done, if not nil, is called without the
// lock when it has ended. The caller holds the lock. After [Interp.Finish] no task
// starts any more.
func (v *Interp) Spawn(t Task, fn *lua.LFunction, done func(error), args ...lua.LValue) {
	if v.over {
		return
	}
	th, cancel := v.L.NewThread()
	v.of[th] = &t
	if !t.Background {
		v.live++
	}
	v.wakes()
	v.tasks.Go(func() {
		defer v.sleeps()
		if v.Late != nil {
			v.Late(fmt.Sprintf("%s:%d before this %s begins", t.File, t.Line, t.What))
		}
		v.mu.Lock()
		err := v.call(th, fn, args...)
		if cancel != nil {
			cancel()
		}
		if err != nil && v.fail != nil {
			v.fail(err)
		}
		v.ended(th, err)
		v.mu.Unlock()
		if done != nil {
			done(err)
		}
	})
}

// ended notes that the task on th has, and whether it was cut short.
func (v *Interp) ended(th *lua.LState, err error) {
	t := v.of[th]
	delete(v.of, th)
	if t.Background {
		return
	}
	v.live--
	if err != nil && v.ctx.Err() != nil {
		var de *diag.Error
		if errors.As(err, &de) && de.Line > 0 && (de.File != t.AtFile || de.Line != t.AtLine) {
			t.Verb, t.AtFile, t.AtLine = "", de.File, de.Line
		}
		v.left = append(v.left, t)
	}
	v.change.Broadcast()
}

// Join waits until every task that must end has, or has been cut short by the
// end of the context. The caller holds no lock.
func (v *Interp) Join() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.join()
}

func (v *Interp) join() {
	for v.live > 0 {
		v.change.Wait()
	}
}

// Finish waits like [Interp.Join] if it is to, and from then on no task goes on or
// starts. It returns what did not end.
func (v *Interp) Finish(wait bool) []*Task {
	v.mu.Lock()
	defer v.mu.Unlock()
	if wait {
		v.join()
	}
	v.over = true
	return v.left
}
