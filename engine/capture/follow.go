package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// poll is how often a file that grows is looked at.
const poll = 50 * time.Millisecond

// growing reads a file that is still written: at its end it waits for more,
// until ctx ends.
type growing struct {
	ctx context.Context
	f   *os.File
}

// Read implements io.Reader.
func (g growing) Read(b []byte) (int, error) {
	for {
		n, err := g.f.Read(b)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := g.shrunk(); err != nil {
			return 0, err
		}
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-time.After(poll):
		}
	}
}

// shrunk reports a file that was cut or written anew behind the reader's back.
func (g growing) shrunk() error {
	at, err := g.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil //nolint:nilerr // a pipe has no place
	}
	st, err := g.f.Stat()
	if err != nil {
		return fmt.Errorf("follow capture: %w", err)
	}
	if st.Mode().IsRegular() && st.Size() < at {
		return fmt.Errorf("follow capture: the file became shorter, %d bytes where %d were read: follow it anew", st.Size(), at)
	}
	return nil
}

// Follow opens a capture file that is still written. Next waits for the next
// packet and returns io.EOF, or [pcap.ErrCut], when ctx has ended.
func Follow(ctx context.Context, path string) (*Source, error) {
	if path == "-" {
		return Open(ctx, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	s, err := New(growing{ctx, f})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, f.Close()))
	}
	s.close = f
	return s, nil
}
