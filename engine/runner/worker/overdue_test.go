//go:build linux

package worker

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"netrepro/engine/lab/stall"
	"netrepro/engine/script/session"
)

func TestOverdue(t *testing.T) {
	for _, tt := range []struct {
		name string
		up   bool
		late seen
		want session.Verdict
		says string
	}{
		{"a case that does not end is at fault", true, seen{had: stall.Usage{Ran: time.Second}}, session.Errored,
			"within its timeout, 5s"},
		{"one that others left no processor says nothing", true,
			seen{had: stall.Usage{Ran: time.Second, Waited: 2 * time.Second}},
			session.Inconclusive, "others had (2s at least)"},
		{"nor does one whose program waits for one still", true, seen{had: stall.Usage{Ran: time.Second}, wants: true},
			session.Inconclusive, "waited for a processor"},
		{"one that spins is at fault", true, seen{had: stall.Usage{Ran: 4 * time.Second}, wants: true}, session.Errored,
			"and was killed"},
		{"one that uses its processor up is at fault", true,
			seen{had: stall.Usage{Ran: 4 * time.Second, Waited: 2 * time.Second}},
			session.Errored, "and was killed"},
		{"one that the kernel held says nothing", true, seen{had: stall.Usage{Ran: time.Second}, stuck: "rtnl_lock"},
			session.Inconclusive, "at least 1s, in rtnl_lock"},
		{"a lab that does not come up is the machine's matter", false, seen{}, session.Inconclusive,
			"did not come up within 30s"},
	} {
		got, why := overdue("a.lua", tt.up, 5*time.Second, tt.late, "last words")
		if got != tt.want || !strings.Contains(why, tt.says) || !strings.HasSuffix(why, "last words") {
			t.Errorf("%s: %s, %q", tt.name, got, why)
		}
	}
}

// TestUncleaned judges a case whose lab was not taken down in time.
func TestUncleaned(t *testing.T) {
	for _, tt := range []struct {
		name    string
		had     session.Verdict
		stuck   string
		want    session.Verdict
		machine bool
	}{
		{"nobody knows why", session.Passed, "", session.Errored, true},
		{"the kernel held it", session.Passed, "synchronize_rcu", session.Inconclusive, false},
		{"a failure stays one", session.Failed, "synchronize_rcu", session.Failed, false},
	} {
		got := uncleaned(session.Result{Verdict: tt.had}, tt.stuck)
		if got.Verdict != tt.want || got.Machine != tt.machine || !strings.Contains(got.Why, tt.stuck) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// TestAsleep finds the threads that the kernel holds, of a process and of what it started.
func TestAsleep(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	status := func(state, switches string) *fstest.MapFile {
		return file("Name:\tnetrepro\nState:\t" + state + "\nvoluntary_ctxt_switches:\t" + switches + "\n")
	}
	proc := func(switches string) fstest.MapFS {
		return fstest.MapFS{
			"7/task/7/status":     status("S (sleeping)", "12"),
			"7/task/7/children":   file("9 "),
			"7/task/8/status":     status("D (disk sleep)", switches),
			"7/task/8/wchan":      file("rtnl_dumpit"),
			"9/task/9/status":     status("D (disk sleep)", "3"),
			"9/task/9/wchan":      file("0"),
			"9/task/10/status":    status("R (running)", "4"),
			"9/task/10/schedstat": file("1000 " + switches + " 7\n"),
			"9/task/11/status":    status("R (running)", "4"),
			"5/task/5/status":     status("D (disk sleep)", "1"),
		}
	}
	before := asleep(proc("100"), 7)
	if len(before) != 3 {
		t.Fatalf("before: %v", before)
	}
	const unnamed = "a function that it does not name"
	if got := stuck(before, asleep(proc("100"), 7)); got != unnamed+", rtnl_dumpit, "+unserved {
		t.Errorf("both wait still: %q", got)
	}
	if got := stuck(before, asleep(proc("101"), 7)); got != unnamed {
		t.Errorf("one has run in between: %q", got)
	}
	if got := stuck(nil, before); got != "" {
		t.Errorf("nobody looked before: %q", got)
	}
}
