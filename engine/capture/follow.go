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
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-time.After(poll):
		}
	}
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
