//go:build linux

package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCreate writes over what may be there.
func TestCreate(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(t *testing.T, dir string)
		file string      // that holds the text then
		mode fs.FileMode // it has
		err  bool
	}{
		{"new", func(*testing.T, string) {}, "out", Secret, false},
		{"there", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "out"), "old", 0o640) }, "out", 0o640,
			false},
		{"there for all", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "out"), "old", 0o666) }, "out",
			0o666, false},
		{"link", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "real"), "old", 0o644)
			_ = os.Symlink("real", filepath.Join(dir, "out"))
		}, "real", 0o644, false},
		{"link to nothing", func(_ *testing.T, dir string) { _ = os.Symlink("nothing", filepath.Join(dir, "out")) }, "",
			0, true},
		{"directory", func(_ *testing.T, dir string) { _ = os.Mkdir(filepath.Join(dir, "out"), 0o700) }, "", 0, true},
		{"no directory", func(_ *testing.T, dir string) { _ = os.Remove(dir) }, "", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.make(t, dir)
			out := filepath.Join(dir, "out")
			before, _ := os.Lstat(out)
			o, err := Create(t.Context(), out, Secret)
			if tt.err {
				if err == nil {
					t.Fatal("it was created")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(o, "new"); err != nil {
				t.Fatal(err)
			}
			if old, err := os.ReadFile(out); before != nil && (string(old) != "old" || err != nil) {
				t.Errorf("before it is whole it holds %q, %v", old, err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries { // as a kill would leave it
				if e.Name() != "out" && e.Name() != "real" {
					t.Errorf("%s is there before the end", e.Name())
				}
			}
			if err := o.Close(nil); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, tt.file))
			st, serr := os.Stat(filepath.Join(dir, tt.file))
			if err != nil || serr != nil || string(b) != "new" || st.Mode().Perm() != tt.mode {
				t.Errorf("it holds %q with %v, %v, %v", b, st.Mode(), err, serr)
			}
			if now, err := os.Lstat(out); before != nil && (err != nil || now.Mode().Type() != before.Mode().Type()) {
				t.Errorf("it was %s and is %s, %v", before.Mode(), now.Mode(), err)
			}
			if o, err = Create(t.Context(), out, Secret); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(o, "half")
			if err := o.Close(io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v", err)
			}
			if b, err := os.ReadFile(out); err != nil || string(b) != "new" {
				t.Errorf("after a failure it holds %q, %v", b, err)
			}
		})
	}
}

// TestUmask takes from a new file what the umask does.
func TestUmask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	defer unix.Umask(unix.Umask(0o277))
	o, err := Create(t.Context(), path, Secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(nil); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o400 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

// TestInPlace writes to what is no regular file and must stay.
func TestInPlace(t *testing.T) {
	dir := t.TempDir()
	null := filepath.Join(dir, "null")
	if err := unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		null = os.DevNull // not root's
	}
	pipe := filepath.Join(dir, "pipe")
	fifo(t, pipe)
	read := make(chan string, 1)
	go func() {
		b, _ := os.ReadFile(pipe)
		read <- string(b)
	}()
	for _, path := range []string{null, pipe} {
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Create(t.Context(), path, Secret)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(o, "text")
		if err := o.Close(nil); err != nil {
			t.Fatal(err)
		}
		if now, err := os.Lstat(path); err != nil || !os.SameFile(before, now) || now.Mode() != before.Mode() {
			t.Errorf("%s was %v and is %v, %v", path, before.Mode(), now.Mode(), err)
		}
	}
	if got := <-read; got != "text" {
		t.Errorf("through the pipe came %q", got)
	}
}

// TestPipes waits for the other end of a pipe until the context ends, and reads
// what comes.
func TestPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	fifo(t, path)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	ends := make(chan error, 3)
	go func() { _, err := Open(ctx, path); ends <- err }()
	other := path + "2"
	fifo(t, other)
	go func() { _, err := Create(ctx, other, Secret); ends <- err }()
	quiet := path + "3"
	fifo(t, quiet)
	w, err := os.OpenFile(quiet, os.O_RDWR, 0) // a writer that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	go func() { _, err := Read(ctx, quiet, 10); ends <- err }()
	cancel(stop)
	for range 3 {
		if err := <-ends; !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
	}
	go func() { _ = os.WriteFile(path, []byte("0123456789"), 0) }()
	if b, err := Read(t.Context(), path, 10); err != nil || string(b) != "0123456789" {
		t.Errorf("got %q, %v", b, err)
	}
}

// TestRead bounds what is read.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "0123456789", 0o600)
	for most, want := range map[int64]error{10: nil, 9: errLarge} {
		if _, err := Read(t.Context(), path, most); !errors.Is(err, want) {
			t.Errorf("of %d bytes: %v", most, err)
		}
	}
	if _, err := Read(t.Context(), "/dev/zero", 1<<20); !errors.Is(err, errLarge) {
		t.Errorf("endless: %v", err)
	}
	if _, err := ReadRegular("/dev/zero", 1<<20); err == nil {
		t.Error("a device was read as a file")
	}
}
