package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Open opens a file to be read. A named pipe is waited for until somebody writes
// to it, or ctx ends.
func Open(ctx context.Context, path string) (*os.File, error) {
	return open(ctx, path, os.O_RDONLY)
}

// open opens what is at path. Of a named pipe the kernel does not return before
// the other end is there, and no signal changes that.
func open(ctx context.Context, path string, flag int) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil || st.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(path, flag, 0)
	}
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(path, flag, 0)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.f, o.err
	case <-ctx.Done():
	}
	// With both ends open here, the call returns.
	if other, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
		if o := <-done; o.err == nil {
			_ = o.f.Close()
		}
		_ = other.Close()
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: context.Cause(ctx)}
}

// errLarge says that a file is larger than what was asked for ever is.
var errLarge = errors.New("the file is too large")

// Read reads a file of at most so many bytes, a pipe too, until ctx ends.
func Read(ctx context.Context, path string, most int64) ([]byte, error) {
	f, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case ctx.Err() != nil:
		return nil, &fs.PathError{Op: "read", Path: path, Err: context.Cause(ctx)}
	case err != nil:
		return nil, err
	case int64(len(b)) > most:
		return nil, fmt.Errorf("read %s: %w: more than %d MB", path, errLarge, most>>20)
	}
	return b, nil
}

// ReadRegular reads a file of at most so many bytes that is neither a pipe nor a
// device: one that nobody named, such as what stands beside another.
func ReadRegular(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: it is not a regular file: %s", path, st.Mode().Type())
	}
	return Read(context.Background(), path, most)
}
