//go:build linux

package machine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestLockFile waits for a lock that somebody holds: with a word, until the
// context ends, or for so long.
func TestLockFile(t *testing.T) {
	before := silent
	silent = 100 * time.Millisecond
	defer func() { silent = before }()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	var said []string
	say := func(s string) { said = append(said, s) }
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	if got, err := lockFile(ctx, path, false, 600*time.Millisecond, say); got != nil || err != nil {
		t.Errorf("after its time: %v, %v", got, err)
	}
	say = func(s string) {
		said = append(said, s)
		cancel(stop)
	}
	if got, err := lockFile(ctx, path, true, 0, say); got != nil || !errors.Is(err, stop) {
		t.Errorf("after the end: %v, %v", got, err)
	}
	if len(said) != 2 || !strings.Contains(said[0], path) || !strings.Contains(said[1], "other runs") {
		t.Errorf("it said %q", said)
	}
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	a, err := lockFile(t.Context(), path, false, 0, say)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := lockFile(t.Context(), path, false, 0, say)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if len(said) != 2 {
		t.Errorf("it waited for what can be shared: %q", said)
	}
	if got, err := lockFile(t.Context(), filepath.Join(path, "nothing"), true, 0, say); got != nil {
		t.Errorf("what is not there was locked: %v, %v", got, err)
	}
}

// TestGate lets in who waits to be alone, although others follow each other without
// a pause.
func TestGate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// enter is what share does with one file.
	enter := func(ctx context.Context, alone bool) *os.File {
		gate, err := passGate(ctx, path, alone, nil)
		if err != nil {
			return nil
		}
		f, err := lockFile(ctx, path, alone, 0, nil)
		_ = gate.Close()
		if err != nil {
			return nil
		}
		return f
	}
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	first := enter(ctx, false)
	others.Go(func() {
		for f := first; f != nil; {
			if ctx.Err() != nil {
				_ = f.Close()
				return
			}
			next := make(chan *os.File, 1)
			go func() { next <- enter(ctx, false) }()
			select { // the next comes before this one goes, unless it is kept out
			case g := <-next:
				_ = f.Close()
				f = g
			case <-time.After(30 * time.Millisecond):
				_ = f.Close()
				f = <-next
			}
		}
	})
	alone := enter(t.Context(), true)
	if alone == nil {
		t.Error("it was not let in")
	} else {
		_ = alone.Close()
	}
	cancel()
	others.Wait()
}

// TestWhileShared reads nothing while somebody has the settings changed.
func TestWhileShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	missing := filepath.Join(path, "none")
	for _, c := range []struct {
		how   int
		paths []string
		want  bool
	}{
		{unix.LOCK_SH, []string{missing, path}, true},
		{unix.LOCK_EX, []string{missing, path}, false},
		{unix.LOCK_EX, []string{missing}, true},
		{unix.LOCK_UN, []string{path}, true},
	} {
		if err := unix.Flock(int(f.Fd()), c.how); err != nil {
			t.Fatal(err)
		}
		called := false
		got := whileShared(t.Context(), 60*time.Millisecond, c.paths, func() { called = true })
		if got != c.want || called != c.want {
			t.Errorf("lock %d, %q: %v, called %v", c.how, c.paths, got, called)
		}
	}
}
