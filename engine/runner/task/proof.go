//go:build linux

package task

import (
	"errors"
	"fmt"
	"path/filepath"

	"netrepro/engine/script"
)

// Proofs lists, for every case that shows a failure, the runs that it must
// not pass: with each cure of its scenario applied, and with every fault doing
// nothing. A scenario that passes them checks nothing.
func Proofs(files []*script.File, sel Selection) ([]*Task, error) {
	var out []*Task
	var errs []error
	for _, f := range files {
		for _, s := range f.Scenarios {
			for _, c := range s.Cases() {
				if !c.Reproduces() || !sel.wants(f, c) {
					continue
				}
				if c.Outcome() == "" {
					errs = append(errs, fmt.Errorf("%s:%d: variant %q does not say its outcome: "+
						"a proof changes all else and must know what to keep", f.Name, s.Line, c.Variant.Name))
					continue
				}
				for _, cure := range cures(c) {
					if c.SameAs(cure) {
						errs = append(errs, fmt.Errorf("%s:%d: variant %q differs from %q in its outcome alone: a proof cannot "+
							"apply it; give it a parameter that the script asks for", f.Name, s.Line, cure, c.Variant.Name))
						continue
					}
					out = append(out, &Task{Case: c, File: f, Cure: cure})
				}
				out = append(out, &Task{Case: c, File: f, Harmless: true})
			}
		}
	}
	for _, t := range out {
		t.Round, t.Rounds, t.Dir = 1, 1, filepath.Join(sel.Out, fileName(t.Name()))
	}
	return out, errors.Join(errs...)
}

// cures are the variants of c's scenario that expect something else.
func cures(c *script.Case) []string {
	var out []string
	for _, v := range c.Variants {
		if o := (&script.Case{Scenario: c.Scenario, Variant: v}); !o.Reproduces() && o.Outcome() != c.Outcome() {
			out = append(out, v.Name)
		}
	}
	return out
}
