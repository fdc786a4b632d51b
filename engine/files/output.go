package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Output is a file that is there only once it is whole, with the mode and the
// owner of the one that was there before. What is no regular file, as a device or
// a pipe, is written in place.
type Output struct {
	io.Writer
	f     *os.File
	path  string
	temp  string      // its name until it is whole, empty if it has none
	named bool        // it is to be given a name
	was   fs.FileInfo // of the file there before, nil if there was none
}

// Secret is the mode of new files that hold what was said in confidence, and
// SecretDir that of folders of them.
const (
	Secret    fs.FileMode = 0o600
	SecretDir fs.FileMode = 0o700
)

// Create begins a file at path. A link is followed, a pipe is waited for until
// somebody reads from it or ctx ends. A new file has the mode, less what the
// process's umask takes.
func Create(ctx context.Context, path string, mode fs.FileMode) (*Output, error) {
	if path == "-" { // of commands that take it as standard output, none comes here with it
		return nil, errors.New("write -: a file is written here: name it, /dev/stdout for standard output")
	}
	o := &Output{path: path}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("write %s: it is a link to what is not there", path)
		}
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, fmt.Errorf("write %s: it is a directory", path)
	case !st.Mode().IsRegular():
		if o.f, err = open(ctx, path, os.O_WRONLY); err != nil {
			return nil, err
		}
		o.Writer = o.f
		return o, nil
	default:
		o.was = st
		if o.path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		// Whoever may not write to it may not replace it.
		f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	o.named = true
	if o.f, o.temp, err = temporary(o.path, mode); err != nil {
		return nil, err
	}
	o.Writer = o.f
	return o, nil
}

// Close puts the file in its place, or, if err says that something went wrong,
// leaves what was there.
func (o *Output) Close(err error) error {
	if err == nil && o.was != nil {
		err = inherit(o.f, o.was)
	}
	if err == nil && o.named && o.temp == "" {
		o.temp, err = name(o.f, o.path, o.was != nil)
	}
	err = errors.Join(err, o.f.Close())
	if err == nil && o.temp != "" && o.temp != o.path {
		err = os.Rename(o.temp, o.path)
	}
	if err != nil && o.temp != "" && o.temp != o.path {
		_ = os.Remove(o.temp) // the first error tells more
	}
	return err
}

// beside is a temporary file with a name, where there are none without.
func beside(path string, mode fs.FileMode) (*os.File, string, error) {
	for i := 0; ; i++ {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s-%d-%d", filepath.Base(path), os.Getpid(), i))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) || i > 100 {
			return f, name, err
		}
	}
}
