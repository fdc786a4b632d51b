//go:build linux

package casepage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/report/compare"
	"netrepro/engine/report/page"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// shown is a case that has ended, whose packets can stand beside those of another variant.
type shown struct {
	task  *task.Task
	entry int // its place in the list
}

// keep remembers a case for what is compared when all have ended.
func (p *Pages) keep(t *task.Task, r session.Result) {
	if r.Packets == 0 || r.Verdict != session.Passed && r.Verdict != session.Failed || t.Proof() || t.Of != nil ||
		t.Rounds > 1 {
		return
	}
	if p.ended == nil {
		p.ended = map[string][]shown{}
	}
	key := t.File.Name + "\n" + t.Case.Name
	for _, p := range t.Case.Cell {
		key += "\n" + p.Value.String()
	}
	if len(p.ended[key]) == 0 {
		p.keys = append(p.keys, key)
	}
	p.ended[key] = append(p.ended[key], shown{t, len(p.list.Cases) - 1})
}

// besides writes, for each scenario whose failure was shown, pages that have its packets beside
// those of each cure.
func (p *Pages) besides(ctx context.Context) (errs []error) {
	for _, key := range p.keys {
		cases := p.ended[key]
		bug := slices.IndexFunc(cases, func(s shown) bool { return s.task.Case.Reproduces() })
		if bug < 0 {
			continue
		}
		for _, s := range cases {
			if s.task.Case.Reproduces() {
				continue
			}
			if err := p.beside(ctx, cases[bug], s); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, fmt.Errorf("page of %s beside %s: %w", cases[bug].task.Name(), s.task.Name(), err))
			}
		}
	}
	return errs
}

// beside writes the page of two cases.
func (p *Pages) beside(ctx context.Context, bug, cure shown) error {
	a, b := bug.task.Capture(), cure.task.Capture()
	c, err := compare.Files(ctx, a, b, io.Discard)
	if err != nil {
		return err
	}
	d, err := c.Page(ctx, a, b)
	if err != nil {
		return err
	}
	d.Title = bug.task.Name() + " beside " + cure.task.Name()
	entry := &p.list.Cases[cure.entry]
	name := strings.TrimSuffix(entry.Page, ".html") + "-beside-the-bug.html"
	if err := page.Save(ctx, filepath.Join(p.Dir, filepath.FromSlash(name)), d); err != nil {
		return err
	}
	entry.Beside = name
	return nil
}
