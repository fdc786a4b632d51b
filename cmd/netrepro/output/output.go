// Package output is where a command writes: what is not fit to be shown does not pass, and
// that something could not be written is remembered, which most of what writes does not
// look at.
//
// It knows no command. Invariant: after an error nothing more is written.
package output

import (
	"fmt"
	"io"

	"netrepro/engine/sanitize"
)

// Writer is where a command writes.
type Writer struct {
	to    io.Writer // at last
	plain *sanitize.Writer
	err   error
}

// New writes to w.
func New(w io.Writer) *Writer { return &Writer{to: w, plain: sanitize.NewWriter(w)} }

// To is where o writes at last.
func (o *Writer) To() io.Writer { return o.to }

// Err is the first error of writing, nil if there was none.
func (o *Writer) Err() error { return o.err }

// Write implements io.Writer. After an error nothing more is written.
func (o *Writer) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.plain.Write(p)
	o.note(err)
	return n, o.err
}

// End writes what was held back, and returns the first error there was.
func (o *Writer) End() error {
	if o.err == nil {
		o.note(o.plain.Flush())
	}
	return o.err
}

func (o *Writer) note(err error) {
	if err != nil {
		o.err = fmt.Errorf("write output: %w", err)
	}
}

// Allow lets escape sequences of ours pass.
func (o *Writer) Allow(sequences ...string) { o.plain.Allow(sequences...) }

// Bytes is where to write what is no text. An error is remembered as of any other output.
func (o *Writer) Bytes() io.Writer { return unseen{o} }

// unseen is an output for what is not shown to people.
type unseen struct{ o *Writer }

// Write implements io.Writer.
func (u unseen) Write(p []byte) (int, error) {
	if u.o.err != nil {
		return 0, u.o.err
	}
	n, err := u.o.to.Write(p)
	u.o.note(err)
	return n, u.o.err
}
