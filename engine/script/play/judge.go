//go:build linux

package play

import (
	"errors"
	"fmt"
	"slices"
	"time"

	judged "netrepro/engine/expect"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/stall"
	"netrepro/engine/match"
	"netrepro/engine/script/bind/expect"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/session"
	"netrepro/engine/trace"
)

// judge turns how the script ended into a verdict.
func (r *run) judge(err error) session.Result {
	if bug := r.VM.Bug(); bug != nil {
		return session.Result{Verdict: session.Errored, Why: bug.Error()}
	}
	if err != nil && !errors.Is(err, session.ErrStopped) {
		if total, _ := r.Lab.Stalls.During(r.Started); r.overdue() && inTime(time.Since(r.Started), total, r.c.Timeout) {
			return session.Result{Verdict: session.Inconclusive, Why: fmt.Sprintf(
				"its time of %s was up, of which the host stalled for %s", r.c.Timeout, total.Round(time.Millisecond))}
		}
		if why := r.Starved(); why != "" {
			return session.Result{Verdict: session.Inconclusive, Why: fmt.Sprintf("%s: %v", why, err)}
		}
		return errored(err)
	}
	for _, f := range r.Faults.Armed() {
		if err := f.Err(); err != nil {
			return session.Result{Verdict: session.Errored, Why: r.cannot(f, err)}
		}
	}
	if err == nil && !r.overdue() {
		if file, line, unsaid := expect.Unsaid(r.Run); unsaid {
			e := r.VM.At(file, line, "expect", "what is expected is not said here", `follow it by a verb: expect(x):equals(1)`)
			if e.Col == 0 {
				e = r.VM.At(file, line, "must", e.Msg, e.Hint)
			}
			return errored(e)
		}
		r.unused()
	}
	if expect.Judged(r.Run) && r.Lab.Trace.Truncated() {
		return session.Result{Verdict: session.Inconclusive,
			Why: "more packets than a trace keeps: judge a shorter exchange, or use a direct wire for volume"}
	}
	if len(r.Failures()) == 0 {
		return session.Result{Verdict: session.Passed}
	}
	if why := r.Starved(); why != "" {
		return session.Result{Verdict: session.Inconclusive, Why: why}
	}
	if why, paused := r.excused(); paused {
		return session.Result{Verdict: session.Passed} // how long things take is not what is tried
	} else if why != "" {
		return session.Result{Verdict: session.Inconclusive, Why: why}
	}
	return session.Result{Verdict: session.Failed}
}

// cannot says what a fault could not do, at its place in the script.
func (r *run) cannot(f fault.Handle, err error) string {
	var de *diag.Error
	if errors.As(err, &de) {
		return de.Render()
	}
	return r.VM.At(r.c.File, f.Line(), "", fmt.Sprintf("%s: %v", f, err),
		"match only packets that it can be done to").Render()
}

// unused fails the case for every fault that had to fire and did not.
func (r *run) unused() {
	if r.Faults.Harmless {
		return
	}
	idle := func(f fault.Handle) bool { n, err := f.Idle(); return n || err != nil }
	if slices.ContainsFunc(r.Faults.Armed(), idle) {
		_ = r.Lab.Relay.WaitIdle(r.VM.Context(), session.Quiet) // it may be about to
	}
	for _, f := range r.Faults.Armed() {
		idle, err := f.Idle()
		text := fmt.Sprintf("%s never fired", f)
		if err != nil {
			text = fmt.Sprintf("%s: %v", f, err)
		} else if !idle {
			continue
		}
		where := fmt.Sprintf("%s:%d", r.c.File, f.Line())
		r.Fail(session.Failure{Since: r.Started})
		e := session.Event{Kind: session.EventFault, Text: text, Where: where,
			Label: "say optional = true if that is meant"}
		if why, hint := r.missed(f); why != "" {
			e.Text, e.Label = text+": "+why, hint
		} else if near := r.near(f); len(near.Packets) > 0 {
			e.Text, e.Packets, e.Frames = text+"; these packets nearly were what it is for", near.Packets, near.Frames
		}
		r.Event(e)
	}
}

// missed says why a fault never fired that packets were for: they had passed before it was
// made, or there were too few; empty if there were none.
func (r *run) missed(f fault.Handle) (why, hint string) {
	of, ok := f.(interface{ Spec() fault.Spec })
	if !ok {
		return "", ""
	}
	s := of.Spec()
	ask, before, after := match.Recorded(r.Lab.Trace), 0, 0
	for i, p := range r.Lab.Trace.Packets() {
		if p.Dir == trace.Out && p.Point.Wire == s.Where && s.Match.Matches(ask(p)) {
			if i < s.Past {
				before++
			} else {
				after++
			}
		}
	}
	switch {
	case after > 0 && s.Gate.After == nil && s.Gate.Before == nil && s.Gate.Chance == nil && s.Gate.Nth > 1:
		return fmt.Sprintf("%d packets matched, and it is for number %d of a connection", after, s.Gate.Nth),
			"lower nth, or say optional = true if that is meant"
	case after == 0 && before > 0:
		return fmt.Sprintf("%d packets that it is for had passed before line %d made it", before, s.Line),
			"move it before what sends them, or say optional = true if that is meant"
	}
	return "", ""
}

// near are the packets on its wire that a fault was nearly for.
func (r *run) near(f fault.Handle) judged.Outcome {
	of, ok := f.(interface{ Spec() fault.Spec })
	if !ok {
		return judged.Outcome{}
	}
	s := of.Spec()
	return judged.Near(r.Lab.Trace.All().Where("", func(p *trace.Packet) bool {
		return p.Dir == trace.Out && p.Point.Wire == s.Where
	}), s.Match)
}

// starves is of how much of a case's time, one part in so many, the host may stall
// it in many short stalls before that is as good as one long.
const starves = 4

// excused says why the failures prove nothing: the host was stalled while a
// time bound ran, or for so long that TCP itself may have acted on it. It is
// empty if they stand. paused says that all are time bounds that a pause of the
// run's own made late.
func (r *run) excused() (why string, paused bool) {
	paused = true
	for _, f := range r.Failures() {
		total, longest := r.Lab.Stalls.During(f.Since)
		pause := f.Timed && r.Shaker.Since(f.Since)
		starved := total > time.Since(f.Since)/starves
		if longest < stall.Matters && !starved && (!f.Timed || total == 0) && !pause {
			return "", false
		}
		paused = paused && pause
	}
	total, longest := r.Lab.Stalls.During(r.Started)
	return fmt.Sprintf("the host stalled for %s while this ran, %s in all", longest.Round(time.Millisecond),
		total.Round(time.Millisecond)), paused
}
