//go:build linux

// Package replayed shows what came of the replay of a capture.
package replayed

import (
	"fmt"
	"io"

	"netrepro/engine/reproduction/similar"
	"netrepro/engine/runner/replay"
	"netrepro/engine/script/session"
)

// Show writes how the run and the capture differ. others is how many connections of the
// capture were not imported.
func Show(w io.Writer, out *replay.Outcome, others int) {
	r := out.Compared
	for i, f := range r.Flows {
		fmt.Fprintf(w, "connection %d (flow %d)  %3.0f %% of %d events\n", i+1, f.N, 100*f.Score, f.Lines)
		for _, d := range f.Differs {
			fmt.Fprintf(w, "    %s\n", d)
		}
	}
	if others > 0 {
		fmt.Fprintf(w, "%d connections more are not imported: --flow names one\n", others)
	}
	for _, f := range out.Failed {
		fmt.Fprintf(w, "not as expected: %s\n", f)
	}
	word := "similar"
	switch {
	case r.Score >= similar.Enough:
	case out.Verdict == session.Inconclusive:
		word = "not similar, but the host was too busy for a verdict"
	default:
		word = "not similar"
	}
	fmt.Fprintf(w, "%s: %.0f %%, the run %s\n", word, 100*r.Score, out.Verdict)
}
