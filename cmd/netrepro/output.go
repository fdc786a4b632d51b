package main

import (
	"fmt"
	"io"
)

// output remembers that something could not be written, which most of what
// writes does not look at.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer. After an error nothing more is written.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		o.err = fmt.Errorf("write output: %w", err)
	}
	return n, o.err
}
