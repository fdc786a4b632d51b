package emit

import (
	"slices"

	"netrepro/engine/reproduction/emit/phrase"
)

// expectations writes what the run must show: what the capture means.
func (w *writer) expectations() {
	w.line("step \"verdict\"")
	bug := phrase.Shown(w.inc)
	if len(w.causes) == 0 {
		for _, l := range bug {
			w.line("%s", l)
		}
		return
	}
	w.line("if fails then")
	for _, l := range bug {
		w.line("  %s", l)
	}
	w.line("else")
	for _, l := range phrase.Mended(w.inc, slices.Contains(w.causes, loss) || slices.Contains(w.causes, hole)) {
		w.line("  %s", l)
	}
	w.line("end")
}
