//go:build linux

package stream

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Writer writes the record of a run as it happens. Its calls come one at a time.
type Writer struct {
	w     io.Writer
	began time.Time
	err   error
	begun map[*task.Task]bool
	hash  map[string]string
	// Word is what people are told of a verdict, Differs what is not as it was when a
	// case last passed; either may be nil.
	Word    func(*task.Task, session.Result) string
	Differs func(*task.Task, session.Result) string
}

// NewWriter begins a record on w.
func NewWriter(w io.Writer, s Started) *Writer {
	out := &Writer{w: w, began: time.Now(), begun: map[*task.Task]bool{}, hash: map[string]string{}}
	s.Version = Version
	if s.Cases == nil {
		s.Cases = []string{}
	}
	out.write(Event{Event: Start, Started: &s})
	return out
}

// Err is the first error of writing; nothing is written after one.
func (w *Writer) Err() error { return w.err }

func (w *Writer) write(e Event) {
	if w.err != nil {
		return
	}
	e.At = seconds(time.Since(w.began))
	line, err := json.Marshal(e)
	if err == nil {
		_, err = w.w.Write(append(line, '\n'))
	}
	if err != nil {
		w.err = fmt.Errorf("write record: %w", err)
	}
}

// seconds with microseconds.
func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

// Begin writes that a case begins.
func (w *Writer) Begin(t *task.Task) {
	if w.begun[t] {
		return
	}
	w.begun[t] = true
	w.write(Event{Event: Begin, Case: t.Name(), Began: &Began{Scenario: t.Case.Name, Variant: t.Case.Variant.Name,
		File: t.File.Name, Line: t.Case.Line, Tags: t.Case.Tags, Source: w.source(t),
		Again: t.Again()}})
}

// source is a hash of a task's file, made once.
func (w *Writer) source(t *task.Task) string {
	h := w.hash[t.File.Name]
	if h == "" {
		h = Source(t.File.Text)
		w.hash[t.File.Name] = h
	}
	return h
}

// Source is a hash of a scenario file.
func Source(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

// Live writes what happens in a case, in a run of it that may not count.
func (w *Writer) Live(t *task.Task, try int, e session.Event) {
	switch e.Kind {
	case session.EventUp, session.EventStep, session.EventLog, session.EventExpect, session.EventFault,
		session.EventTask:
	default:
		return // of the machinery
	}
	said := &Said{Kind: string(e.Kind), Try: try, Into: seconds(e.At), Text: e.Text, Label: e.Label, Where: e.Where,
		Callers: e.Callers, Packets: e.Packets, Frames: e.Frames}
	if e.Kind == session.EventExpect || e.Kind == session.EventFault || e.Kind == session.EventTask {
		said.Pass = &e.Pass
	}
	if e.Began > 0 {
		said.Began = time.Unix(0, e.Began).UTC().Format(time.RFC3339Nano)
	}
	w.write(Event{Event: Say, Case: t.Name(), Said: said})
}

// End writes how a case ended.
func (w *Writer) End(t *task.Task, r session.Result) {
	w.Begin(t)
	end := &Ended{Verdict: string(r.Verdict), Word: string(r.Verdict), Why: r.Why, Seconds: seconds(r.Took),
		Packets: r.Packets, Machine: r.Machine, Tries: max(r.Tries, 1), Lost: r.Lost, Stalled: seconds(r.Stalled),
		Folder: t.Dir}
	if r.Packets > 0 {
		end.Trace = t.Capture()
	}
	if r.SetUp > 0 {
		end.Phases = &Phases{SetUp: seconds(r.SetUp), Waits: seconds(r.Waited), Analysis: seconds(r.Analysed)}
	}
	if w.Word != nil {
		end.Word = w.Word(t, r)
	}
	if w.Differs != nil {
		end.Differs = w.Differs(t, r)
	}
	w.write(Event{Event: End, Case: t.Name(), Ended: end})
	delete(w.begun, t)
}

// Finish ends the record.
func (w *Writer) Finish(interrupted bool, notRun []string) {
	w.write(Event{Event: Finish, Finished: &Finished{Seconds: seconds(time.Since(w.began)), Interrupted: interrupted,
		NotRun: notRun}})
}
