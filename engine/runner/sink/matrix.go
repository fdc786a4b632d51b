//go:build linux

package sink

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/pattern"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
	"netrepro/engine/trace/golden"
)

// Matrix gathers how the same cases end on several kernels, and what their traces mean.
type Matrix struct {
	Kernels []string // in the order in which they ran, the oldest first
	Rows    []*Row
	at      map[string]*Row
}

// Row is one case on all kernels.
type Row struct {
	Case, Scenario, File string
	Bug                  bool // it is to show a failure
	Cells                []Cell
}

// Cell is one case on one kernel.
type Cell struct {
	Result session.Result
	Form   []string // what its trace means; nil if that is not known
}

// On is the sink of a run on a further kernel: it passes everything on.
func (m *Matrix) On(kernel string, next task.Sink) task.Sink {
	m.Kernels = append(m.Kernels, kernel)
	return &column{Sink: next, of: m, at: len(m.Kernels) - 1, forms: map[*task.Task][]string{}}
}

// column is the sink of a run on one kernel.
type column struct {
	task.Sink
	of    *Matrix
	at    int
	forms map[*task.Task][]string
}

// Event implements [task.Sink].
func (c *column) Event(t *task.Task, e session.Event) {
	if e.Kind != session.EventForm {
		c.Sink.Event(t, e)
		return
	}
	c.forms[t] = strings.Split(e.Text, "\n")
}

// End implements [task.Sink].
func (c *column) End(t *task.Task, r session.Result) {
	c.Sink.End(t, r)
	row := c.of.row(t)
	for len(row.Cells) < c.at { // it did not run on one before
		row.Cells = append(row.Cells, Cell{Result: session.Result{Verdict: session.Skipped, Why: "it did not run"}})
	}
	row.Cells = append(row.Cells[:c.at], Cell{Result: r, Form: c.forms[t]})
	delete(c.forms, t)
}

func (m *Matrix) row(t *task.Task) *Row {
	id := t.Case.ID()
	if m.at == nil {
		m.at = map[string]*Row{}
	}
	if m.at[id] == nil {
		m.at[id] = &Row{Case: id, Scenario: t.Case.Name, File: t.File.Name, Bug: t.Case.Reproduces()}
		m.Rows = append(m.Rows, m.at[id])
	}
	return m.at[id]
}

// Differ reports whether a case ended otherwise, or its trace means something else, on one
// kernel than on another.
func (m *Matrix) Differ(a, b string) bool {
	i, j := slices.Index(m.Kernels, a), slices.Index(m.Kernels, b)
	for _, r := range m.Rows {
		x, y := r.cell(i), r.cell(j)
		if x.proves() && y.proves() && len(differ(x, y)) > 0 {
			return true
		}
	}
	return false
}

// Sort puts the kernels into an order.
func (m *Matrix) Sort(compare func(a, b string) int) {
	order := make([]int, len(m.Kernels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compare(m.Kernels[i], m.Kernels[j]) })
	names := slices.Clone(m.Kernels)
	for _, r := range m.Rows {
		var cells []Cell
		for _, at := range order {
			cells = append(cells, r.cell(at))
		}
		r.Cells = cells
	}
	for i, at := range order {
		m.Kernels[i] = names[at]
	}
}

// cell is how the case ended on a kernel.
func (r *Row) cell(i int) Cell {
	if i < 0 || i >= len(r.Cells) {
		return Cell{Result: session.Result{Verdict: session.Skipped, Why: "it did not run"}}
	}
	return r.Cells[i]
}

// proves reports whether it says something of the kernel.
func (c Cell) proves() bool {
	return c.Result.Verdict != session.Skipped && c.Result.Verdict != session.Inconclusive
}

// Change is where a case ends otherwise, or its trace means something else, than on the
// kernel before.
type Change struct {
	Row           *Row
	Before, Since string
	Words         []string
}

// Changes are all of them, row by row. A kernel on which a case proved nothing, or was
// skipped, is left out.
func (m *Matrix) Changes() []Change {
	var out []Change
	for _, r := range m.Rows {
		last := -1
		for i, c := range r.Cells {
			if !c.proves() {
				continue
			}
			if last >= 0 {
				if words := differ(r.Cells[last], c); len(words) > 0 {
					out = append(out, Change{Row: r, Before: m.Kernels[last], Since: m.Kernels[i], Words: words})
				}
			}
			last = i
		}
	}
	return out
}

// moved finds what only came at another place: which of two connections is first follows
// from how fast a kernel is.
var moved = pattern.New(`" moved (before|after) "|" moved to the (end|front)`)

// differ says how a case went otherwise than before.
func differ(before, now Cell) []string {
	var words []string
	if before.Result.Verdict != now.Result.Verdict {
		words = append(words, fmt.Sprintf("was %s, now %s", before.Result.Verdict, now.Result.Verdict))
	}
	if before.Form != nil && now.Form != nil && !slices.Equal(before.Form, now.Form) {
		for _, w := range golden.Diff(before.Form, now.Form) {
			if !moved.MatchString(w) {
				words = append(words, w)
			}
		}
	}
	return words
}
