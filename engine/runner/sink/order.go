//go:build linux

package sink

import (
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// InOrder is a sink that passes on how cases ended in the order of a list, however many
// run at once. It holds back what happened in those that end early.
type InOrder struct {
	task.Sink
	// Over, if not nil, is called when a case has ended, at once.
	Over func(*task.Task)

	order  []*task.Task
	at     int
	held   map[*task.Task]*held
	stream Live
}

// Live is told what happens in a case when it does, and in which run of it.
type Live func(t *task.Task, run int, e session.Event)

type held struct {
	events []session.Event
	result *session.Result
	run    int             // the run of it that is at work
	now    []session.Event // what happened in that and was not streamed yet
}

// NewInOrder passes on to s in the order of tasks.
func NewInOrder(s task.Sink, tasks []*task.Task) *InOrder {
	return &InOrder{Sink: s, order: tasks, held: map[*task.Task]*held{}}
}

// Event implements [task.Sink]. A lab that waits for people waits for nobody else.
func (o *InOrder) Event(t *task.Task, e session.Event) {
	if o.next() == t || e.Kind == session.EventKept {
		for _, before := range o.of(t).events {
			o.Sink.Event(t, before)
		}
		o.of(t).events = nil
		o.Sink.Event(t, e)
		return
	}
	o.of(t).events = append(o.of(t).events, e)
}

// Streaming returns what passes everything on to first, and to stream what is of the case
// whose turn it is; what is of a later case waits for its turn.
func (o *InOrder) Streaming(first, stream Live) Live {
	o.stream = stream
	return func(t *task.Task, run int, e session.Event) {
		first(t, run, e)
		h := o.of(t)
		if h.run != run {
			h.run, h.now = run, nil
		}
		h.now = append(h.now, e)
		o.flow()
	}
}

// flow streams what is known of the case whose turn it is.
func (o *InOrder) flow() {
	t := o.next()
	if t == nil || o.stream == nil {
		return
	}
	h := o.of(t)
	for _, e := range h.now {
		o.stream(t, h.run, e)
	}
	h.now = nil
}

// End implements [task.Sink].
func (o *InOrder) End(t *task.Task, r session.Result) {
	if o.Over != nil {
		o.Over(t)
	}
	o.of(t).result = &r
	for n := o.next(); n != nil && o.of(n).result != nil; n = o.next() {
		o.flow()
		o.pass(n)
		o.at++
	}
	o.flow()
}

// Flush passes on what ended though something before it never will.
func (o *InOrder) Flush() {
	for ; o.at < len(o.order); o.at++ {
		if h := o.held[o.order[o.at]]; h != nil && h.result != nil {
			o.pass(o.order[o.at])
		}
	}
}

func (o *InOrder) pass(t *task.Task) {
	h := o.of(t)
	for _, e := range h.events {
		o.Sink.Event(t, e)
	}
	o.Sink.End(t, *h.result)
	delete(o.held, t)
}

// next is the task whose turn it is, nil after the last.
func (o *InOrder) next() *task.Task {
	if o.at == len(o.order) {
		return nil
	}
	return o.order[o.at]
}

func (o *InOrder) of(t *task.Task) *held {
	h := o.held[t]
	if h == nil {
		h = &held{}
		o.held[t] = h
	}
	return h
}
