//go:build linux

package play

import (
	"context"
	"errors"

	"netrepro/engine/capture"
)

// finishCapture ends the capture, and has it say what the trace does.
func (r *run) finishCapture(check bool) error {
	err := errors.Join(r.Lab.Finish(), r.annotate())
	if err == nil && check {
		err = r.check()
	}
	return err
}

// maxAnnotated is how many packets a trace has at most that its capture is written
// again for: whoever waits for the result does not wait longer than a second or so.
const maxAnnotated = 1 << 17

// annotate writes what the kernels said into the capture: the file then says what
// the trace did.
func (r *run) annotate() error {
	if r.witness == nil || r.capture == "" || len(r.Lab.Trace.Packets()) > maxAnnotated {
		return nil
	}
	rs := r.Lab.Trace.Findings()
	said := map[int][]string{}
	for _, rec := range rs {
		if c := capture.Comments(&rec.Input); len(c) > 0 {
			said[rec.N] = c
		}
	}
	if len(said) == 0 {
		return nil
	}
	return capture.Annotate(context.Background(), r.capture, func(n int) []string { return said[n] })
}
