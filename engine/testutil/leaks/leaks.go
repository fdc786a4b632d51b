//go:build linux

// Package leaks helps tests that make labs: it skips them where labs cannot
// be made, and fails them if they leave anything behind.
//
// Invariant: with NETREPRO_REQUIRE set nothing is skipped; a lost privilege
// fails.
package leaks

import (
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
)

// Lab skips tb where network namespaces cannot be made, naming what is
// missing, and afterwards checks that no descriptor, goroutine or child
// process is left.
func Lab(tb testing.TB) {
	tb.Helper()
	ns, err := netns.New("probe")
	if err != nil {
		if os.Getenv("NETREPRO_REQUIRE") != "" {
			tb.Fatalf("needs CAP_SYS_ADMIN to make network namespaces: %v", err)
		}
		tb.Skipf("needs CAP_SYS_ADMIN to make network namespaces: %v", err)
	}
	if err := ns.Close(); err != nil {
		tb.Fatal(err)
	}
	before := descriptors(tb)
	ignore := goleak.IgnoreCurrent()
	tb.Cleanup(func() {
		if tb.Failed() {
			return
		}
		if err := goleak.Find(ignore); err != nil {
			tb.Error(err)
		}
		// Descriptors close as their last user lets go, which may be a
		// poller about to notice.
		var left []string
		for range 100 {
			if left = missing(before, descriptors(tb)); len(left) == 0 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if len(left) > 0 {
			tb.Errorf("descriptors left open: %s", strings.Join(left, ", "))
		}
		var st unix.WaitStatus
		if pid, err := unix.Wait4(-1, &st, unix.WNOHANG, nil); err == nil && pid > 0 {
			tb.Errorf("child process %d was left to be waited for", pid)
		}
	})
}

// descriptors counts the open descriptors by what they are, the runtime's own
// poller left out.
func descriptors(tb testing.TB) map[string]int {
	tb.Helper()
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]int{}
	for _, n := range names {
		target, err := os.Readlink("/proc/self/fd/" + n)
		if err != nil || strings.Contains(target, "eventpoll") || strings.Contains(target, "eventfd") ||
			strings.HasPrefix(target, "/proc/") ||
			strings.HasPrefix(target, "pipe:") {
			continue
		}
		kind, _, _ := strings.Cut(target, "[")
		out[kind]++
	}
	return out
}

func missing(before, after map[string]int) []string {
	var out []string
	for k, n := range after {
		// One namespace handle, the starting one, is kept for good.
		allowed := before[k]
		if k == "net:" && allowed == 0 {
			allowed = 1
		}
		if n > allowed {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}
