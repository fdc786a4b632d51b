package main

import (
	"fmt"
	"io"

	"netrepro/engine/sanitize"
)

// output is where a command writes: what is not fit to be shown does not pass,
// and that something could not be written is remembered, which most of what
// writes does not look at.
type output struct {
	to    io.Writer // at last
	plain *sanitize.Writer
	err   error
}

func newOutput(w io.Writer) *output { return &output{to: w, plain: sanitize.NewWriter(w)} }

// Write implements io.Writer. After an error nothing more is written.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.plain.Write(p)
	o.note(err)
	return n, o.err
}

// end writes what was held back.
func (o *output) end() {
	if o.err == nil {
		o.note(o.plain.Flush())
	}
}

func (o *output) note(err error) {
	if err != nil {
		o.err = fmt.Errorf("write output: %w", err)
	}
}

// allow lets escape sequences of ours pass.
func (e env) allow(sequences []string) {
	if o, ok := e.out.(*output); ok {
		o.plain.Allow(sequences...)
	}
}

// bytes is where a command writes what is no text. An error is remembered as of any other
// output.
func (e env) bytes() io.Writer {
	if o, ok := e.out.(*output); ok {
		return unseen{o}
	}
	return e.out
}

// unseen is an output for what is not shown to people.
type unseen struct{ o *output }

// Write implements io.Writer.
func (u unseen) Write(p []byte) (int, error) {
	if u.o.err != nil {
		return 0, u.o.err
	}
	n, err := u.o.to.Write(p)
	u.o.note(err)
	return n, u.o.err
}
