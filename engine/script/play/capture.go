//go:build linux

package play

import (
	"errors"

	"netrepro/engine/script/play/captured"
)

// finishCapture ends the capture, and has it say what the trace does.
func (r *run) finishCapture(check bool) error {
	err := r.Lab.Finish()
	if r.capture == "" || !captured.Small(r.Lab.Trace) {
		return err
	}
	r.Tracked()
	err = errors.Join(err, captured.Annotate(r.Lab.Trace, r.capture))
	if err == nil && check {
		err = captured.Check(r.Lab.Trace, r.capture)
	}
	return err
}
