//go:build linux

package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// output is what a program wrote.
type output struct {
	text    []byte
	dropped int // bytes beyond what is kept
	pipe    syscall.RawConn
	empty   bool // the pipe was, when it was last read, and all before that is in text
	ended   bool
}

// settled reports whether all that was written so far is in text.
func (o *output) settled() bool {
	if o.ended {
		return true
	}
	waiting := -1
	err := o.pipe.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return o.empty && (err != nil || waiting == 0)
}

// source reads an output's pipe and notes when it is empty.
type source struct {
	p *Process
	o *output
}

// Read implements io.Reader.
func (s source) Read(b []byte) (n int, err error) {
	closed := s.o.pipe.Read(func(fd uintptr) bool {
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		for n, err = unix.Read(int(fd), b); errors.Is(err, unix.EINTR); n, err = unix.Read(int(fd), b) {
		}
		s.o.empty = errors.Is(err, unix.EAGAIN)
		s.p.change.Broadcast()
		return !s.o.empty
	})
	switch {
	case closed != nil:
		return 0, closed
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// read keeps what the program writes, and calls f with its lines.
func (p *Process) read(from *os.File, o *output, f func(string, bool), isErr bool) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		o.ended = true
		p.change.Broadcast()
		_ = from.Close()
	}()
	r := bufio.NewReaderSize(source{p, o}, 32<<10)
	var line []byte
	const maxLine = 8 << 10
	for {
		part, err := r.ReadSlice('\n')
		p.mu.Lock()
		room := max(min(len(part), maxOutput-len(o.text)), 0)
		o.text = append(o.text, part[:room]...)
		o.dropped += len(part) - room
		kept := room > 0
		p.change.Broadcast()
		p.mu.Unlock()
		if line = append(line, part[:min(len(part), maxLine-len(line))]...); !errors.Is(err, bufio.ErrBufferFull) {
			if f != nil && kept && len(line) > 0 {
				f(strings.TrimRight(string(line), "\r\n"), isErr)
			}
			line = line[:0]
			if err != nil {
				return
			}
		}
	}
}

// Output is what it has written to its standard output so far, Errors to the
// other; at most 1 MB each.
func (p *Process) Output() string { return p.written(&p.out) }

// Errors is what it has written to its standard error so far.
func (p *Process) Errors() string { return p.written(&p.err) }

// Dropped is how many bytes of its outputs were not kept.
func (p *Process) Dropped() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.dropped + p.err.dropped
}

func (p *Process) written(o *output) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(o.text)
}

// Drained waits until both outputs have ended, or ctx has: what the program
// forked may hold them.
func (p *Process) Drained(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		p.readers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// WaitLine waits until it has written text to one of its outputs.
func (p *Process) WaitLine(ctx context.Context, text string) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.change.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if strings.Contains(string(p.out.text), text) || strings.Contains(string(p.err.text), text) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-p.exited:
			if !p.out.settled() || !p.err.settled() { // what it wrote last is on its way
				break
			}
			return fmt.Errorf("it has ended: %s", p.exit)
		default:
		}
		p.change.Wait()
	}
}
