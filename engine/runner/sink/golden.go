//go:build linux

package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
	"netrepro/engine/trace/golden"
)

// Goldens is a sink that gathers golden traces to be written and passes
// everything on.
type Goldens struct {
	task.Sink
	texts map[string]string // by path
	from  map[string]string // the case that wrote it
	errs  []error
	held  map[*task.Task][]session.Event // until it is known how the case ends
}

// Event implements [task.Sink].
func (g *Goldens) Event(t *task.Task, e session.Event) {
	if e.Kind != session.EventGolden {
		g.Sink.Event(t, e)
		return
	}
	if g.held == nil {
		g.held = map[*task.Task][]session.Event{}
	}
	g.held[t] = append(g.held[t], e)
}

// End implements [task.Sink]: what a case that failed saw is not golden.
func (g *Goldens) End(t *task.Task, r session.Result) {
	g.Sink.End(t, r)
	if r.Verdict == session.Passed {
		for _, e := range g.held[t] {
			g.take(t, e)
		}
	}
	delete(g.held, t)
}

func (g *Goldens) take(t *task.Task, e session.Event) {
	p := filepath.Join(filepath.Dir(t.File.Name), e.Label+discover.GoldenExt)
	if g.texts == nil {
		g.texts, g.from = map[string]string{}, map[string]string{}
	}
	if old, ok := g.texts[p]; ok && old != e.Text {
		diff := golden.Diff(strings.Split(old, "\n"), strings.Split(e.Text, "\n"))
		g.errs = append(g.errs, fmt.Errorf("write golden trace: %s and %s would write different traces into %s: %s",
			g.from[p], t.Name(), p, strings.Join(diff, "; ")))
		return
	}
	g.texts[p], g.from[p] = e.Text, t.Name()
}

// Write writes the golden traces and returns the files that changed. Nothing is
// written if two cases disagree.
func (g *Goldens) Write(ctx context.Context) ([]string, error) {
	if len(g.errs) > 0 {
		return nil, errors.Join(g.errs...)
	}
	var changed []string
	for p, text := range g.texts {
		if old, err := files.ReadRegular(p, discover.MaxSource); err == nil && string(old) == text {
			continue
		}
		f, err := files.Create(ctx, p, 0o666)
		if err == nil {
			_, err = io.WriteString(f, text)
			err = f.Close(err)
		}
		if err != nil {
			return changed, fmt.Errorf("write golden trace: %w: "+
				"run the scenario from a file beside which it can be written", err)
		}
		changed = append(changed, p)
	}
	slices.Sort(changed)
	return changed, nil
}
