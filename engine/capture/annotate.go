package capture

import (
	"context"
	"errors"
	"io"

	"netrepro/engine/tcp"
)

// Annotate adds comments to the frames of the capture file at path; of gives
// those of a frame by its number, from 1. The file is replaced once the new one
// is whole; where that fails it stays as it was.
func Annotate(ctx context.Context, path string, of func(n int) []string) (err error) {
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w, err := NewWriter(ctx, path, s)
	if err != nil {
		return err
	}
	var in tcp.Input
	for n := 1; ; n++ {
		if err = s.Next(&in); err != nil {
			break
		}
		if err = w.Write(of(n)); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return w.Close(err)
}
