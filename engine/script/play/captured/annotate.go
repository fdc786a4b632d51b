//go:build linux

// Package captured has the capture of a case say what its trace says.
//
// It does not know what was run.
//
// Invariant: a capture is replaced as a whole, or stays as it was.
package captured

import (
	"context"

	"netrepro/engine/capture"
	"netrepro/engine/trace"
)

// maxAnnotated is how many packets a trace has at most that its capture is written
// again for: whoever waits for the result does not wait longer than a second or so.
const maxAnnotated = 1 << 17

// Small reports whether the capture of t is written again once more is known.
func Small(t *trace.Trace) bool { return len(t.Packets()) <= maxAnnotated }

// Annotate writes what the kernels said, and what came to light after a packet was recorded, into
// the capture of t, at path: the file then says what the trace does.
func Annotate(t *trace.Trace, path string) error {
	said := map[int][]string{}
	for _, rec := range t.Findings() {
		if c := capture.Comments(&rec.Input); len(c) > 0 {
			said[rec.N] = c
		}
	}
	if len(said) == 0 {
		return nil
	}
	return capture.Annotate(context.Background(), path, func(n int) []string { return said[n] })
}
