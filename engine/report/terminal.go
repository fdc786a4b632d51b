//go:build linux

// Package report shows results to people.
//
// It decides nothing: verdicts come from packages script and runner.
//
// Invariant: what is written depends on the events alone, not on whether a
// terminal is there; colour and the progress line are additions.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"netrepro/engine/runner/task"
	"netrepro/engine/sanitize"
	"netrepro/engine/script/session"
)

// Terminal writes results as they come.
type Terminal struct {
	style Style
	w     io.Writer

	total   int
	done    int
	started time.Time
	running []*task.Task
	log     map[*task.Task][]session.Event
	shown   map[*task.Task]int // the run of a case of which people have seen what happened
	count   map[session.Verdict]int
	reruns  int // runs that were made again because the host stalled
	flaky   int
	machine int // errors of the machine
	ended   []summed
}

// summed is what the summary says of a case.
type summed struct {
	job    *task.Task
	result session.Result
}

// Style says how to write.
type Style struct {
	Color   bool
	Live    bool // the output is a terminal whose last line may be rewritten
	Verbose bool // show what passed too
	Quiet   bool // show only what did not end as expected, and the summary
	UserNS  bool // labs are in user namespaces
}

// NewTerminal makes a sink that writes to w; total is how many cases will run.
func NewTerminal(w io.Writer, total int, s Style) *Terminal {
	return &Terminal{w: w, style: s, total: total, started: time.Now(),
		log: map[*task.Task][]session.Event{}, shown: map[*task.Task]int{}, count: map[session.Verdict]int{}}
}

// Begin implements [task.Sink].
func (t *Terminal) Begin(job *task.Task) {
	t.running = append(t.running, job)
	t.progress()
}

// Event implements [task.Sink].
func (t *Terminal) Event(job *task.Task, e session.Event) {
	t.log[job] = append(t.log[job], e)
	if e.Kind == session.EventKept {
		t.kept(job, e)
	}
}

// kept says how to get into a lab that stays up.
func (t *Terminal) kept(job *task.Task, e session.Event) {
	t.clear()
	t.ending(job, *e.Result)
	fmt.Fprintf(t.w, "    the lab stays up until this is interrupted; its nodes:\n")
	for _, n := range e.Nodes {
		user := ""
		if t.style.UserNS {
			user = fmt.Sprintf(" --preserve-credentials --user=/proc/%d/ns/user", e.Pid)
		}
		fmt.Fprintf(t.w, "      %-12s nsenter%s --net=/proc/%d/fd/%d\n", n.Name, user, e.Pid, n.Fd)
	}
}

// End implements [task.Sink].
func (t *Terminal) End(job *task.Task, r session.Result) {
	t.Over(job)
	t.count[r.Verdict]++
	if r.Flaky() {
		t.count[r.Verdict]--
		t.flaky++
	}
	t.reruns += max(r.Tries-1-r.Lost, 0)
	if r.Verdict == session.Errored && r.Machine {
		t.machine++
	}
	r.Paused = nil // long, and not for the summary
	t.ended = append(t.ended, summed{job, r})
	t.clear()
	if !t.style.Quiet || bad(r) {
		t.ending(job, r)
	}
	delete(t.log, job)
	delete(t.shown, job)
	t.progress()
}

// bad reports whether somebody has to look at a case.
func bad(r session.Result) bool {
	return r.Verdict != session.Passed && r.Verdict != session.Skipped || r.Flaky()
}

// Over notes that a case has ended, of which the result may come later.
func (t *Terminal) Over(job *task.Task) {
	for i, x := range t.running {
		if x == job {
			t.running = append(t.running[:i], t.running[i+1:]...)
			t.done++
			t.progress()
			return
		}
	}
}

// Word is a result as shown.
func Word(job *task.Task, r session.Result) string {
	if r.Flaky() {
		return "flaky"
	}
	return word(job, r.Verdict)
}

// word is the verdict as shown: the variant that is meant to show the failure
// is reproduced, its cures are clean, and a proof is caught where it fails.
func word(job *task.Task, v session.Verdict) string {
	switch {
	case v != session.Passed:
		return string(v)
	case job.Proof():
		return "caught"
	case job.Of != nil:
		return "compared"
	case job.Case.Reproduces():
		return "reproduced"
	case job.Case.Variant.Name != "":
		return "clean"
	}
	return string(v)
}

var marks = map[session.Verdict]struct{ sign, color string }{
	session.Passed:       {"✓", "32"},
	session.Failed:       {"✗", "31"},
	session.Errored:      {"✗", "31"},
	session.Skipped:      {"-", "33"},
	session.Inconclusive: {"?", "33"},
}

// clearLine empties the line that the cursor is on.
const clearLine = "\r\x1b[K"

// Sequences are the escape sequences that a terminal is sent.
var Sequences = []string{clearLine, escape("0"), escape("2"), escape("31"), escape("32"), escape("33")}

func escape(code string) string { return "\x1b[" + code + "m" }

func (t *Terminal) paint(code, s string) string {
	if !t.style.Color {
		return s
	}
	return escape(code) + s + escape("0")
}

func (t *Terminal) headline(job *task.Task, r session.Result) {
	m := marks[r.Verdict]
	aside := ""
	if r.Flaky() {
		m.sign, m.color = "!", "33"
		aside = fmt.Sprintf("  (failed %d of %d runs, then passed)", r.Lost, r.Tries)
	}
	if r.Stalled > 0 && t.style.Verbose {
		aside = fmt.Sprintf("  (host stalled for up to %s)", r.Stalled.Round(time.Millisecond))
	}
	if r.Tries > 1 && !r.Flaky() && (t.style.Verbose || r.Verdict != session.Passed) {
		aside += fmt.Sprintf("  (run %d times)", r.Tries)
	}
	fmt.Fprintf(t.w, "%s %-44s %s %7.2fs  %d packets%s\n", t.paint(m.color, m.sign), sanitize.Text(job.Name()),
		t.paint(m.color, fmt.Sprintf("%-12s", Word(job, r))), r.Took.Seconds(), r.Packets, aside)
}

// ending shows how a case ended and what happened in it. What happened comes first if all
// that did is shown, as it does where it is shown while the case runs.
func (t *Terminal) ending(job *task.Task, r session.Result) {
	if t.style.Verbose {
		t.happened(job)
	}
	t.headline(job, r)
	if r.Verdict == session.Skipped {
		fmt.Fprintf(t.w, "    %s\n", sanitize.Lines(r.Why))
		return
	}
	if !t.style.Verbose && (r.Verdict != session.Passed || r.Flaky()) {
		t.happened(job)
	}
	if r.Verdict != session.Passed || r.Flaky() || t.style.Verbose {
		t.remarks(job, r)
	}
}

// Stream shows what has just happened in a case that still runs, for the run-th time. It
// is for a terminal that shows everything.
func (t *Terminal) Stream(job *task.Task, run int, e session.Event) {
	t.clear()
	t.opens(job, run)
	t.event(e)
	t.progress()
}

// opens says of which case, and of which run of it, all that follows is.
func (t *Terminal) opens(job *task.Task, run int) {
	switch before := t.shown[job]; {
	case before == 0:
		fmt.Fprintf(t.w, "· %s\n", sanitize.Text(job.Name()))
	case before != run:
		fmt.Fprintf(t.w, "    run again, for the last run was not conclusive or failed\n")
	}
	t.shown[job] = run
}

// happened shows what happened in a case, unless that was shown when it did.
func (t *Terminal) happened(job *task.Task) {
	if t.shown[job] > 0 || len(t.log[job]) == 0 {
		return
	}
	if t.style.Verbose {
		t.opens(job, 1)
	}
	for _, e := range t.log[job] {
		t.event(e)
	}
}

// event shows a step, an expectation that did not hold, or whatever else there is if
// everything is shown.
func (t *Terminal) event(e session.Event) {
	text := sanitize.Lines(e.Text)
	e.Text, e.Label, e.Where = oneLine(e.Text), oneLine(e.Label), oneLine(e.Where)
	switch e.Kind {
	case session.EventStep:
		fmt.Fprintf(t.w, "  %s  %s\n", e.Text, t.paint("2", fmt.Sprintf("+%.2fs", e.At.Seconds())))
	case session.EventLog:
		fmt.Fprintf(t.w, "    %s: %s\n", e.Where, strings.ReplaceAll(text, "\n", "\n      "))
	case session.EventExpect, session.EventFault, session.EventTask:
		if !e.Pass || t.style.Verbose {
			t.judgement(e)
		}
	}
}

// remarks say why a case ended as it did, where its packets are and how to run it again.
func (t *Terminal) remarks(job *task.Task, r session.Result) {
	var frames []int
	for _, e := range t.log[job] {
		if (e.Kind == session.EventExpect || e.Kind == session.EventFault || e.Kind == session.EventTask) && !e.Pass {
			frames = append(frames, e.Frames...)
		}
	}
	if r.Why != "" {
		fmt.Fprintf(t.w, "    %s\n", strings.ReplaceAll(sanitize.Lines(r.Why), "\n", "\n    "))
	}
	if r.Verdict == session.Passed && !r.Flaky() || r.Verdict == session.Errored {
		return
	}
	if r.Packets > 0 {
		capture := job.Capture()
		if r.Flaky() {
			capture = job.FailedCapture()
		}
		fmt.Fprintf(t.w, "    trace  %s%s\n", capture, frameList(frames))
	}
	fmt.Fprintf(t.w, "    again  %s --verbose\n", job.Again())
}

// oneLine is what a script or a program wrote, fit to be shown; tabs are.
func oneLine(s string) string { return strings.ReplaceAll(sanitize.Lines(s), "\n", "\ufffd") }

func (t *Terminal) judgement(e session.Event) {
	v := session.Failed
	if e.Pass {
		v = session.Passed
	}
	label := ""
	if e.Label != "" {
		label = " (" + e.Label + ")"
	}
	fmt.Fprintf(t.w, "    %s %s: %s%s\n", t.paint(marks[v].color, marks[v].sign), e.Where, e.Text, label)
	for _, p := range e.Packets {
		fmt.Fprintf(t.w, "        %s\n", sanitize.Text(p))
	}
	if len(e.Callers) > 0 {
		fmt.Fprintf(t.w, "        called from %s\n", sanitize.Text(strings.Join(e.Callers, ", from ")))
	}
}

// maxFrames is how many frame numbers are listed.
const maxFrames = 12

func frameList(frames []int) string {
	if len(frames) == 0 {
		return ""
	}
	var s []string
	for i, f := range frames {
		if i == maxFrames {
			s = append(s, "…")
			break
		}
		s = append(s, fmt.Sprint(f))
	}
	return "  frames " + strings.Join(s, ", ")
}

func (t *Terminal) clear() {
	if t.style.Live {
		fmt.Fprint(t.w, clearLine)
	}
}

func (t *Terminal) progress() {
	if !t.style.Live || len(t.running) == 0 {
		return
	}
	var names []string
	for _, r := range t.running {
		names = append(names, sanitize.Text(r.Name()))
	}
	line := fmt.Sprintf("  %d of %d done, running %s", t.done, t.total, strings.Join(names, " and "))
	if r := []rune(line); len(r) > 78 {
		line = string(r[:77]) + "…"
	}
	t.clear()
	fmt.Fprint(t.w, line)
}

// order is how the summary counts.
var order = []session.Verdict{session.Passed, session.Failed, session.Errored, session.Inconclusive, session.Skipped}

// Close writes the summary.
func (t *Terminal) Close() {
	t.clear()
	t.lists()
	var parts []string
	for _, v := range order {
		if n := t.count[v]; n > 0 || v == session.Passed {
			name := string(v)
			if v == session.Passed {
				name = "as expected"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if n := t.total - len(t.ended); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", n))
	}
	if t.flaky > 0 {
		parts = append(parts, fmt.Sprintf("%d flaky, passed on retry", t.flaky))
	}
	if t.reruns > 0 {
		parts = append(parts, fmt.Sprintf("%d inconclusive runs repeated", t.reruns))
	}
	fmt.Fprintf(t.w, "%s in %.2fs\n", strings.Join(parts, ", "), time.Since(t.started).Seconds())
}

// Machine is how many errors were the machine's.
func (t *Terminal) Machine() int { return t.machine }

// Count is how many cases ended so, those that are flaky not counted.
func (t *Terminal) Count(v session.Verdict) int { return t.count[v] }
