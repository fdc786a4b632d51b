//go:build linux

package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/report"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/task"
	"netrepro/engine/sanitize"
	"netrepro/engine/script/session"
)

// logFile has what happened in a case that did not end as expected, beside its trace.
const logFile = "log.txt"

// mostOfLog bounds what is kept of a case until it has ended, in bytes.
const mostOfLog = 1 << 20

// remember keeps what happens in a case.
func (r *Recorder) remember(t *task.Task, try int, e session.Event) {
	b := r.logs[t]
	if b == nil {
		b = &strings.Builder{}
		r.logs[t] = b
	}
	if b.Len() > mostOfLog {
		return
	}
	mark := ""
	switch e.Kind {
	case session.EventExpect, session.EventFault, session.EventTask:
		if mark = "failed "; e.Pass {
			mark = "as expected "
		}
	case session.EventStep, session.EventLog, session.EventUp:
	default:
		return
	}
	text := sanitize.Lines(e.Text)
	if e.Kind == session.EventUp {
		text = "the lab is up"
	}
	if e.Where != "" {
		text = e.Where + ": " + text
	}
	at := "" // of what a script or a program says it is not known
	if e.At > 0 {
		at = fmt.Sprintf("%.6f", e.At.Seconds())
	}
	fmt.Fprintf(b, "%d %9s %s%s\n", try, at, mark, strings.ReplaceAll(text, "\n", "\n    "))
	for _, p := range e.Packets {
		fmt.Fprintf(b, "    %s\n", sanitize.Text(p))
	}
	if len(e.Callers) > 0 {
		fmt.Fprintf(b, "    called from %s\n", sanitize.Text(strings.Join(e.Callers, ", from ")))
	}
	if b.Len() > mostOfLog {
		b.WriteString("what came then is not kept\n")
	}
}

// writeLog writes what happened in a case that did not end as expected, and where that was,
// and removes what an earlier run left of another.
func (r *Recorder) writeLog(t *task.Task, res session.Result) {
	b := r.logs[t]
	delete(r.logs, t)
	if t.Dir == "" {
		return
	}
	path := filepath.Join(t.Dir, logFile)
	if b == nil || !res.Bad() && !res.Flaky() && res.Verdict != session.Inconclusive {
		_ = os.Remove(path) // it may not be there
		return
	}
	text := fmt.Sprintf("%s: %s\n%s\n%s\n\ntry, seconds since the case began, what happened\n%s", t.Name(),
		report.Word(t, res), sanitize.Lines(res.Why), machineText(r.o.Machine), b)
	err := os.WriteFile(path, []byte(text), files.Secret)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && r.logErr == nil {
		r.logErr = fmt.Errorf("write what happened in %s: %w", t.Name(), err)
	}
}

// machineText is the machine in a few words.
func machineText(m fingerprint.Machine) string {
	who := "an ordinary user"
	if m.Root {
		who = "root"
	}
	return fmt.Sprintf("on Linux %s (%s), %d processors, as %s, netrepro %s", m.Kernel, m.Arch, m.Processors, who, m.Program)
}
