//go:build linux

package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"netrepro/engine/runner/artifact"
	"netrepro/engine/runner/guest/origin"
	"netrepro/engine/runner/guest/protocol"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
	"netrepro/engine/virtual/channel"
	"netrepro/engine/virtual/qemu"
)

// listener takes what one machine says.
type listener struct {
	*host
	tasks   []*task.Task
	started time.Time
	up      time.Time // zero until it is
	first   float64   // its uptime then
	last    float64   // and when it was last said
	ended   []bool    // by task
	current int       // the task that has begun and not ended, or none
	over    bool
	vm      *qemu.Machine
	gone    bool   // it has ended
	memory  []byte // that it speaks through
	origin  origin.Origin
	final   protocol.Message
}

const none = -1

// poll is how often it is looked whether a machine has said something.
const poll = 20 * time.Millisecond

// upWithKVM is how long a machine with KVM may take to come up, which is a second elsewhere: there
// are machines where KVM can be opened and asked, and what runs in it hangs.
const upWithKVM = time.Minute

// errKVM says that it took longer.
var errKVM = errors.New("the virtual machine did not come up with KVM")

// listen passes on what the machine says until it ends, or says nothing for too long.
func (l *listener) listen(vm *qemu.Machine, r *channel.Reader) error {
	quiet := time.NewTimer(l.machine.Patience)
	var slow <-chan time.Time // nil without KVM
	if l.machine.Real && !l.slow && qemu.KVM() == nil {
		slow = time.After(min(upWithKVM, l.machine.Patience/2))
	}
	defer quiet.Stop()
	look := time.NewTicker(poll)
	defer look.Stop()
	for {
		said, err := l.take(r)
		if err != nil || l.over || l.stopped {
			return err
		}
		if said { // it may have more to say, and wait for an answer
			quiet.Reset(l.machine.Patience)
			continue
		}
		select {
		case <-vm.Done():
			return nil
		case <-look.C:
		case <-slow:
			if l.up.IsZero() {
				return errKVM
			}
		case <-quiet.C:
			return fmt.Errorf("the virtual machine said nothing for %s, and was ended: the case may wait for very long, "+
				"or the kernel hangs", l.machine.Patience)
		}
	}
}

// drain takes what a machine that has ended had still said. Nobody can look into it any more.
func (l *listener) drain(r *channel.Reader) error {
	l.gone = true
	for {
		if said, err := l.take(r); err != nil || !said || l.stopped {
			return err
		}
	}
}

// take takes one record, if there is one.
func (l *listener) take(r *channel.Reader) (said bool, err error) {
	rec, ok, err := r.Next()
	if err != nil || !ok {
		return false, err
	}
	if rec.Kind == protocol.SaysWrote {
		if look := l.o.Look; look != nil && look.Wrote != nil {
			look.Wrote(rec.Body)
		}
		return true, nil
	}
	head, data, _ := bytes.Cut(rec.Body, []byte("\n"))
	var m protocol.Message
	if err := json.Unmarshal(head, &m); err != nil {
		return false, fmt.Errorf("%w: %w", channel.ErrDamaged, err)
	}
	if m.Uptime > 0 {
		l.last = m.Uptime
	}
	return true, l.heard(rec.Kind, m, data)
}

// heard passes one message on.
func (l *listener) heard(kind byte, m protocol.Message, data []byte) error {
	switch kind {
	case protocol.SaysUp:
		l.up, l.first = time.Now(), m.Uptime
		if m.Machine != nil {
			l.origin.Machine = *m.Machine
		}
		return nil
	case protocol.SaysLook:
		if m.Event != nil && l.o.Look != nil && !l.gone {
			return l.look(*m.Event)
		}
		return nil
	case protocol.SaysText:
		if l.o.Say != nil {
			l.o.Say(m.Text)
		}
		return nil
	case protocol.SaysOver:
		l.over, l.final = true, m
		return nil
	}
	if m.Task < 0 || m.Task >= len(l.tasks) || l.ended[m.Task] || (kind == protocol.SaysBegin) != (l.current == none) ||
		kind != protocol.SaysBegin && m.Task != l.current {
		return fmt.Errorf("%w: a message of task %d while %d runs", channel.ErrDamaged, m.Task, l.current)
	}
	t := l.tasks[m.Task]
	switch {
	case kind == protocol.SaysBegin:
		if _, err := artifact.Empty(l.o.Out, t); err != nil {
			return err
		}
		if err := artifact.Put(l.o.Out, t, origin.File, l.origin.Text()); err != nil {
			return err
		}
		l.current = m.Task
		l.sink.Begin(t)
	case kind == protocol.SaysEvent && m.Event != nil:
		l.sink.Event(t, *m.Event)
		if l.o.Live != nil {
			l.o.Live(t, 1, *m.Event)
		}
	case kind == protocol.SaysFile && filepath.IsLocal(m.Text):
		return artifact.Put(l.o.Out, t, m.Text, data)
	case kind == protocol.SaysEnd && m.Result != nil:
		l.ended[m.Task], l.current = true, none
		if t.Case.Compares() {
			l.results[t] = *m.Result
		}
		l.sink.End(t, *m.Result)
		l.stopped = l.o.Stop != nil && l.o.Stop()
	default:
		return fmt.Errorf("%w: a message of kind %q", channel.ErrDamaged, kind)
	}
	return nil
}

// look has somebody look into the case. In virtual time the machine stands still while they
// think and type.
func (l *listener) look(e session.Event) error {
	if e.Asks() && !l.machine.Real {
		l.vm.Pause()
		defer l.vm.Resume()
	}
	return l.o.Look.Talk(e, func(c session.Command) error {
		text, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("write command: %w", err)
		}
		return channel.PutCommand(l.memory, text)
	})
}

// count adds what this machine cost.
func (l *listener) count() {
	if l.up.IsZero() {
		l.spent.Boot += time.Since(l.started)
		return
	}
	l.spent.Boot += l.up.Sub(l.started)
	l.spent.Cases += time.Since(l.up)
	l.spent.Inside += time.Duration((l.last - l.first) * float64(time.Second))
}

// finish is what a machine said when it was done.
func (l *listener) finish() error {
	if l.final.Text != "" {
		return fmt.Errorf("run in the virtual machine: %s", l.final.Text)
	}
	for i, ended := range l.ended {
		if !ended {
			return fmt.Errorf("the virtual machine did not run %s", l.tasks[i].Name())
		}
	}
	return nil
}

// fail ends the task that a machine died in, and returns those that did not begin.
func (l *listener) fail(why error) (left []*task.Task, err error) {
	if l.up.IsZero() {
		return nil, fmt.Errorf("%w: %w", ErrMachine, why)
	}
	for i, t := range l.tasks {
		switch {
		case i == l.current:
			l.sink.End(t, session.Result{Verdict: session.Errored, Why: why.Error()})
		case !l.ended[i]:
			left = append(left, t)
		}
	}
	if l.current == none && len(left) > 0 { // it died between two
		l.sink.Begin(left[0])
		l.sink.End(left[0], session.Result{Verdict: session.Errored, Why: why.Error()})
		left = left[1:]
	}
	return left, nil
}
