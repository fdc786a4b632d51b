//go:build linux

package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/normal"
	"netrepro/engine/script/world"
	"netrepro/scenarios"
)

const goldenExt = ".golden"

// readGolden reads the golden trace of a name beside a scenario file, or in the
// shipped library.
func readGolden(file, name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(file), name+goldenExt))
	if dir, ok := strings.CutPrefix(path.Dir(filepath.ToSlash(file)), shippedRoot); ok && errors.Is(err, fs.ErrNotExist) {
		return scenarios.Files.ReadFile(path.Join(dir, name+goldenExt))
	}
	return b, err
}

// Goldens is a sink that gathers golden traces to be written and passes
// everything on.
type Goldens struct {
	Sink
	texts map[string]string // by path
	from  map[string]string // the case that wrote it
	errs  []error
	held  map[*Task][]world.Event // until it is known how the case ends
}

// Event implements [Sink].
func (g *Goldens) Event(t *Task, e world.Event) {
	if e.Kind != world.EventGolden {
		g.Sink.Event(t, e)
		return
	}
	if g.held == nil {
		g.held = map[*Task][]world.Event{}
	}
	g.held[t] = append(g.held[t], e)
}

// End implements [Sink]: what a case that failed saw is not golden.
func (g *Goldens) End(t *Task, r world.Result) {
	g.Sink.End(t, r)
	if r.Verdict == world.Passed {
		for _, e := range g.held[t] {
			g.take(t, e)
		}
	}
	delete(g.held, t)
}

func (g *Goldens) take(t *Task, e world.Event) {
	p := filepath.Join(filepath.Dir(t.File.Name), e.Label+goldenExt)
	if g.texts == nil {
		g.texts, g.from = map[string]string{}, map[string]string{}
	}
	if old, ok := g.texts[p]; ok && old != e.Text {
		g.errs = append(g.errs, fmt.Errorf("write golden trace: %s and %s would write different traces into %s: %s", g.from[p], t.Name(), p,
			strings.Join(normal.Diff(strings.Split(old, "\n"), strings.Split(e.Text, "\n")), "; ")))
		return
	}
	g.texts[p], g.from[p] = e.Text, t.Name()
}

// Write writes the golden traces and returns the files that changed. Nothing is
// written if two cases disagree.
func (g *Goldens) Write() ([]string, error) {
	if len(g.errs) > 0 {
		return nil, errors.Join(g.errs...)
	}
	var changed []string
	for p, text := range g.texts {
		if old, err := os.ReadFile(p); err == nil && string(old) == text {
			continue
		}
		tmp := p + ".new"
		if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
			return changed, fmt.Errorf("write golden trace: %w: run the scenario from a file beside which it can be written", err)
		}
		if err := os.Rename(tmp, p); err != nil {
			return changed, fmt.Errorf("write golden trace: %w", err)
		}
		changed = append(changed, p)
	}
	slices.Sort(changed)
	return changed, nil
}

// Determinism is a sink that compares the normal forms of the rounds of each
// case and passes everything on.
type Determinism struct {
	Sink
	forms map[*Task][]string
	cases map[string]*rounds
	order []string
}

// rounds are the runs of one case.
type rounds struct {
	first     []string
	firstName string
	same      int
	differ    []string // in words
	left      int      // rounds that prove nothing
}

// Event implements [Sink].
func (d *Determinism) Event(t *Task, e world.Event) {
	if e.Kind != world.EventForm {
		d.Sink.Event(t, e)
		return
	}
	if d.forms == nil {
		d.forms = map[*Task][]string{}
	}
	d.forms[t] = strings.Split(e.Text, "\n")
}

// End implements [Sink].
func (d *Determinism) End(t *Task, r world.Result) {
	d.Sink.End(t, r)
	id := t.Case.ID()
	if d.cases == nil {
		d.cases = map[string]*rounds{}
	}
	c := d.cases[id]
	if c == nil {
		c = &rounds{}
		d.cases[id] = c
		d.order = append(d.order, id)
	}
	form := d.forms[t]
	delete(d.forms, t)
	switch {
	case form == nil || r.Verdict == world.Inconclusive || r.Verdict == world.Skipped || r.Verdict == world.Errored:
		c.left++
	case c.first == nil:
		c.first, c.firstName, c.same = form, t.Name(), 1
	default:
		diff := normal.Diff(c.first, form)
		if len(diff) == 0 {
			c.same++
			return
		}
		c.differ = append(c.differ, fmt.Sprintf("%s differs from %s:\n      %s", t.Name(), c.firstName, strings.Join(diff, "\n      ")))
	}
}

// Report says of each case how many rounds meant the same, and whether all did.
func (d *Determinism) Report() (lines []string, ok bool) {
	ok = true
	for _, id := range d.order {
		c := d.cases[id]
		s := fmt.Sprintf("%-44s %d rounds mean the same", id, c.same)
		if c.left > 0 {
			s += fmt.Sprintf(", %d prove nothing", c.left)
		}
		if c.same+len(c.differ) < 2 {
			ok = false
			s += ": too few to compare"
		}
		lines = append(lines, s)
		for _, x := range c.differ {
			ok = false
			lines = append(lines, "  ✗ "+x)
		}
	}
	return lines, ok
}
