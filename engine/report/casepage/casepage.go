//go:build linux

// Package casepage writes a page for every case of a run, and one that lists them.
//
// How a page looks is package page's. It decides nothing: verdicts come from those that run
// cases. Invariant: whatever becomes of a page, what the run reports stays the same.
package casepage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"netrepro/engine/files"
	"netrepro/engine/report"
	"netrepro/engine/report/page"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Pages writes a page for every case that ends, and passes on what happens to Sink.
type Pages struct {
	task.Sink
	Dir string // that pages are put in
	Out string // that the artifacts of cases are in

	events map[*task.Task][]session.Event
	list   page.Suite
	errs   []error
	ended  map[string][]shown // by scenario, its file and the cell of its matrix
	keys   []string           // in the order in which they came
}

// Event implements [task.Sink].
func (p *Pages) Event(t *task.Task, e session.Event) {
	if p.events == nil {
		p.events = map[*task.Task][]session.Event{}
	}
	p.events[t] = append(p.events[t], e)
	p.Sink.Event(t, e)
}

// End implements [task.Sink].
func (p *Pages) End(t *task.Task, r session.Result) {
	p.Sink.End(t, r)
	entry := page.Entry{Case: t.Name(), Scenario: t.Case.Name, File: t.File.Name, About: t.Case.About,
		Tags: t.Case.Tags, Verdict: string(r.Verdict), Word: report.Word(t, r), Why: r.Why,
		Took: page.Seconds(r.Took), Packets: r.Packets}
	if err := p.write(t, r, &entry); err != nil {
		p.errs = append(p.errs, fmt.Errorf("page of %s: %w", t.Name(), err))
	}
	p.list.Cases = append(p.list.Cases, entry)
	p.keep(t, r)
	delete(p.events, t)
}

// write writes the page of a case, and where it is into its entry.
func (p *Pages) write(t *task.Task, r session.Result, entry *page.Entry) error {
	rel, err := filepath.Rel(p.Out, t.Dir)
	if err != nil {
		return err
	}
	d, err := p.document(t, r)
	if err != nil {
		return err
	}
	path := filepath.Join(p.Dir, rel+".html")
	if err := os.MkdirAll(filepath.Dir(path), files.SecretDir); err != nil {
		return err
	}
	entry.Page = filepath.ToSlash(rel) + ".html"
	return page.Save(context.Background(), path, d)
}

// document is the page of a case that has ended.
func (p *Pages) document(t *task.Task, r session.Result) (*page.Document, error) {
	d := page.New(page.KindCase, t.Name())
	d.About, d.Verdict, d.Word, d.Why, d.Took = t.Case.About, string(r.Verdict), report.Word(t, r), r.Why,
		page.Seconds(r.Took)
	d.Again = []string{t.Again()}
	d.Environment = environment(r)
	d.Lab = lab(t.Case.Plan)
	d.Script = &page.Script{Name: t.File.Name, Text: t.File.Text, Line: t.Case.Line}
	var zero time.Duration // of the packets, on the clock of the events
	if c, remarks, err := page.Read(context.Background(), t.Capture()); err == nil {
		d.Captures, d.Remarks = []page.Capture{c}, remarks
		for _, e := range p.events[t] {
			if e.Kind == session.EventUp && e.Began > 0 {
				zero = time.Duration(c.Began() - e.Began)
			}
		}
	} else if r.Packets > 0 || !errors.Is(err, os.ErrNotExist) {
		d.Remarks = append(d.Remarks, err.Error())
	}
	for _, e := range p.events[t] {
		if x, shown := shownEvent(t, e, zero); shown {
			d.Events = append(d.Events, x)
		}
	}
	return d, nil
}

// shownEvent is an event as a page has it.
func shownEvent(t *task.Task, e session.Event, zero time.Duration) (x page.Event, shown bool) {
	switch e.Kind {
	case session.EventStep, session.EventExpect, session.EventFault, session.EventTask, session.EventLog:
	default:
		return x, false
	}
	x = page.Event{Kind: string(e.Kind), At: page.Seconds(e.At - zero), Text: e.Text, Label: e.Label, Where: e.Where,
		Pass: e.Pass, Ladder: e.Packets, Frames: e.Frames}
	if line, ours := strings.CutPrefix(e.Where, t.File.Name+":"); ours {
		if _, err := fmt.Sscanf(line, "%d", &x.Line); err != nil {
			x.Line = 0
		}
	}
	return x, true
}

// Close writes the page that lists all cases, and returns what went wrong with any page.
func (p *Pages) Close(ctx context.Context) error {
	if err := os.MkdirAll(p.Dir, files.SecretDir); err != nil {
		return errors.Join(append(p.errs, err)...)
	}
	p.errs = append(p.errs, p.besides(ctx)...)
	err := p.list.Save(ctx, p.Dir)
	return errors.Join(append(p.errs, err)...)
}
