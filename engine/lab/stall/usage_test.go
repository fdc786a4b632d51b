package stall

import (
	"os"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// TestUsed adds up the threads of a process, and those of what came of it.
func TestUsed(t *testing.T) {
	proc := fstest.MapFS{
		"7/task/7/schedstat": file("1000000000 20000000 3\n"),
		"7/task/8/schedstat": file("2000000000 30000000 3\n"),
		"7/task/7/children":  file(""),
		// Children that have ended ran for 25 and 5 hundredths of a second.
		"7/stat":              file("7 (a) b) S 1 7 7 0 -1 4194560 100 200 0 0 1000 2000 25 5 20 0 1 0"),
		"7/task/8/children":   file("9 11 "),
		"9/task/9/schedstat":  file("1000000 4000000000 1\n"),
		"9/task/9/children":   file("10 "),
		"10/task/10/children": file(""),
		// 11 has ended, and 10 is of a kernel that does not count.
	}
	for _, tt := range []struct {
		name      string
		got, want Usage
	}{
		{"a process", Used(proc, 7), Usage{3 * time.Second, 50 * time.Millisecond}},
		{"with what came of it", UsedBelow(proc, 7), Usage{3301 * time.Millisecond, 4050 * time.Millisecond}},
		{"one that has ended", UsedBelow(proc, 11), Usage{}},
		{"one that is not counted", Used(proc, 10), Usage{}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestUsedHere reads what this process had.
func TestUsedHere(t *testing.T) {
	if u := Used(os.DirFS("/proc"), os.Getpid()); u.Ran <= 0 {
		t.Skip("this kernel does not count what threads ran (schedstat)")
	}
}

// TestWants looks at the states of what came of a process.
func TestWants(t *testing.T) {
	proc := fstest.MapFS{
		"7/task/7/stat":     file("7 (sh) S 1 7 7 0 -1"),
		"7/task/7/children": file("8 9 "),
		"8/task/8/stat":     file("8 (a) R (b) S 7 7 7 0 -1"),
		"9/task/9/stat":     file("9 (x) ) R 7 7 7 0 -1"),
		"10/task/10/stat":   file("10 (x"),
	}
	for pid, want := range map[int]bool{7: true, 8: false, 9: true, 10: false, 11: false} {
		if got := Wants(proc, pid); got != want {
			t.Errorf("process %d: %t", pid, got)
		}
	}
}

// TestUnserved looks at processes that wait for a processor all the time.
func TestUnserved(t *testing.T) {
	proc := fstest.MapFS{
		"1/task/1/schedstat": file("1000000000 0 3\n"), // all the rest came of it
		"1/task/1/children":  file("7 "),
		"7/task/7/stat":      file("7 (sh) S 1 7 7 0 -1"),
		"7/task/7/children":  file("8 9 "),
		"8/task/8/stat":      file("8 (a) S 7 7 7 0 -1"),
		"9/task/9/stat":      file("9 (x) R 7 7 7 0 -1"),
		"9/task/9/schedstat": file("5000000 0 3\n"),
	}
	for _, tt := range []struct {
		name     string
		pid, top int
		want     bool
	}{
		{"what came of it waits", 7, 1, true},
		{"it sleeps", 8, 1, false},
		{"it waits itself", 9, 1, true},
		{"it has ended", 10, 1, false},
		{"a kernel that does not count", 9, 8, false},
	} {
		if got := Unserved(proc, tt.pid, tt.top); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	// One that runs has processors.
	var stopped atomic.Bool
	defer stopped.Store(true)
	for range 4 {
		go func() {
			for {
				if stopped.Load() {
					return
				}
			}
		}()
	}
	if me := os.Getpid(); Unserved(os.DirFS("/proc"), me, me) && Used(os.DirFS("/proc"), me).Waited == 0 {
		t.Error("what runs is said to wait")
	}
}

func TestStarved(t *testing.T) {
	for _, tt := range []struct {
		name string
		u    Usage
		want bool
	}{
		{"it slept", Usage{time.Second, 0}, false},
		{"others had the processors", Usage{time.Second, 3 * time.Second}, true},
		{"it ran most of the time", Usage{6 * time.Second, 3 * time.Second}, false},
	} {
		if got := tt.u.Starved(10 * time.Second); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
