//go:build linux

package task

import (
	"fmt"

	"netrepro/engine/sanitize"
)

// Again is the command that runs the case again, as a shell takes it.
func (t *Task) Again() string {
	words := []string{"netrepro", "run", t.File.Name}
	if len(t.File.Scenarios) > 1 {
		words = append(words, t.Case.ID())
	} else if t.Case.Variant.Name != "" {
		words = append(words, "--variant", t.Case.Variant.Name)
	}
	if t.Proof() {
		words = append(words, "--prove")
	}
	if t.Shaken > 0 {
		words = append(words, "--shake=1", "--seed", fmt.Sprint(t.Shaken))
	}
	return sanitize.Command(words...)
}
