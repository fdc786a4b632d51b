//go:build linux

package netns_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
	"netrepro/engine/testutil/leaks"
)

func inode(t *testing.T) string {
	t.Helper()
	s, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDo(t *testing.T) {
	leaks.Lab(t)
	home := inode(t)
	ns, err := netns.New("a")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	var inside string
	if err := ns.Do(func() error {
		inside = inode(t)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if inside == home {
		t.Error("Do ran its function in the starting namespace")
	}
	want := errors.New("mine")
	if err := ns.Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Do returned %v, want the function's own error", err)
	}
	for range 64 { // threads are reused: none may have stayed inside
		done := make(chan string)
		go func() { done <- inode(t) }()
		if got := <-done; got != home {
			t.Fatalf("a thread is in %s, want %s", got, home)
		}
	}
}

func TestClosed(t *testing.T) {
	leaks.Lab(t)
	ns, err := netns.New("gone")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := ns.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := ns.Do(func() error { return nil }); err == nil {
		t.Error("Do entered a closed namespace")
	}
}

func TestCookieIsNeverGivenAgain(t *testing.T) {
	leaks.Lab(t)
	seen := map[uint64]bool{}
	for range 20 {
		ns, err := netns.New("a")
		if err != nil {
			t.Fatal(err)
		}
		c, err := ns.Cookie()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ns.Cookie(); c == 0 || again != c || err != nil {
			t.Errorf("cookie %d, then %d: %v", c, again, err)
		}
		if seen[c] {
			t.Errorf("cookie %d was another's", c)
		}
		seen[c] = true
		if err := ns.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLimited says which limits an error of the kernel's may be about.
func TestLimited(t *testing.T) {
	err := netns.Limited(fmt.Errorf("clone: %w", unix.ENOSPC))
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "user.max_net_namespaces = ") {
		t.Errorf("got %v", err)
	}
	if err := netns.Limited(unix.EPERM); err != error(unix.EPERM) { //nolint:errorlint // the same one
		t.Errorf("got %v", err)
	}
}
