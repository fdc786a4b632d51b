package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"netrepro/engine/files"
)

// poll is how often a file that grows is looked at.
const poll = 50 * time.Millisecond

// growing reads a file that is still written: at its end it waits for more,
// until stop is closed.
type growing struct {
	path string
	f    *os.File
	stop <-chan struct{}
	at   int64
	head []byte // its first bytes
}

// headBytes is how much of the beginning of a file is remembered: a capture
// that is written anew has its first packet at another time.
const headBytes = 4096

// Read implements io.Reader.
func (g *growing) Read(b []byte) (int, error) {
	for {
		n, err := g.f.Read(b)
		if n > 0 {
			if err := g.rewritten(); err != nil {
				return 0, err
			}
			if room := headBytes - len(g.head); g.at == int64(len(g.head)) && room > 0 {
				g.head = append(g.head, b[:min(n, room)]...)
			}
			g.at += int64(n)
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err := g.gone(); err != nil {
			return 0, err
		}
		select {
		case <-g.stop:
			return 0, io.EOF
		case <-time.After(poll):
		}
	}
}

// rewritten reports a file whose beginning is not what it was.
func (g *growing) rewritten() error {
	now := make([]byte, len(g.head))
	if n, err := g.f.ReadAt(now, 0); err != nil && n == 0 {
		return nil //nolint:nilerr // a pipe has no beginning
	}
	if !bytes.Equal(now, g.head) {
		return fmt.Errorf("follow capture: %s was written anew: start again", g.path)
	}
	return nil
}

// gone reports a file that was cut, moved or replaced behind the reader's back.
func (g *growing) gone() error {
	st, err := g.f.Stat()
	if err != nil {
		return fmt.Errorf("follow capture: %w", err)
	}
	if !st.Mode().IsRegular() {
		return nil
	}
	if st.Size() < g.at {
		return fmt.Errorf("follow capture: the file became shorter, %d bytes where %d were read: start again",
			st.Size(), g.at)
	}
	now, err := os.Stat(g.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("follow capture: %s is no longer there: it was moved or removed", g.path)
	case err != nil:
		return fmt.Errorf("follow capture: %w", err)
	case !os.SameFile(now, st):
		return fmt.Errorf("follow capture: another file took the place of %s: start again", g.path)
	}
	return g.rewritten()
}

// Follow opens a capture file that is still written. Next waits for the next
// packet and returns io.EOF, or [pcap.ErrCut], when ctx has ended.
func Follow(ctx context.Context, path string) (*Source, error) {
	if path == "-" {
		return Open(ctx, path)
	}
	f, err := files.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	r := newAhead(ctx)
	r.atEnd = io.EOF
	go r.run(&growing{path: path, f: f, stop: r.stop})
	s, err := New(r)
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, f.Close()))
	}
	s.close, s.ahead = f, r
	return s, nil
}
