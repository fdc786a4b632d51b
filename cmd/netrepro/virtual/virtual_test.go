//go:build linux

package virtual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/runner"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/task"
	"netrepro/engine/testutil/elffile"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		v    Flags
		o    runner.Options
		want string
	}{
		{Flags{exact: true, time: "virtual"}, runner.Options{}, ""},
		{Flags{exact: true, time: "real"}, runner.Options{}, "--exact is about virtual time"},
		{Flags{exact: true, time: "virtual"}, runner.Options{Keep: true}, "leave out --vm"},
		{Flags{bisect: true, kernels: []string{"5", "6"}, time: "virtual"}, runner.Options{}, "name three or more"},
		{Flags{kernels: []string{"6.1"}, time: "soon"}, runner.Options{}, "--time is virtual or real"},
	} {
		tt.v.memory, tt.v.patience = 512, 1
		err := tt.v.Check(&tt.o, func(string) bool { return false })
		if tt.want == "" && (err != nil || !tt.v.On) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt.v, err)
		}
	}
}

// TestMachine has the history compare virtual machines with each other.
func TestMachine(t *testing.T) {
	here := fingerprint.Machine{Kernel: "host", Program: "netrepro", Processors: 64}
	if m := (&Flags{}).Machine(t.Context(), here); fingerprint.Differs(m, here) != "" {
		t.Errorf("without a virtual machine: %+v", m)
	}
	root := t.TempDir()
	kernel := string(elffile.Make(nil, elffile.Section{Name: ".text", Data: []byte("Linux version 6.1.0-test (x)\x00")}))
	for name, text := range map[string]string{"boot/vmlinuz-6.1.0-test": kernel, "lib/modules/6.1.0-test/modules.dep": ""} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-x86_64"), []byte("#!/bin/sh\necho QEMU 9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	v := Flags{On: true, kernels: []string{root}, time: "virtual", memory: 512}
	m := v.Machine(t.Context(), here)
	if m.Kernel != "6.1.0-test" || m.Processors != 1 || m.Program != "netrepro" || m.Settings["virtual machine"] != "QEMU 9" {
		t.Errorf("%+v", m)
	}
}

// TestBisect finds every place where something changes, and runs no more than it must.
func TestBisect(t *testing.T) {
	for _, tt := range []struct {
		shows string // what each kernel shows
		ran   string
	}{
		{"aaaaaaaab", "0 8 4 6 7"},
		{"abbbbbbbb", "0 8 4 2 1"},
		{"aaaaaaaaa", "0 8"},
		{"aab", "0 2 1"},
		{"aabbbbcc", "0 7 3 1 2 5 6"},
	} {
		var ran []string
		seen := map[int]bool{}
		err := bisect(len(tt.shows), func(i int) error {
			if seen[i] {
				t.Errorf("%s: %d runs again", tt.shows, i)
			}
			seen[i] = true
			ran = append(ran, fmt.Sprint(i))
			return nil
		}, func(i, j int) bool { return tt.shows[i] != tt.shows[j] })
		if got := strings.Join(ran, " "); err != nil || got != tt.ran {
			t.Errorf("%s: ran %s, want %s, %v", tt.shows, got, tt.ran, err)
		}
	}
}

// TestMoved has tasks compare those that were moved with them.
func TestMoved(t *testing.T) {
	of := &task.Task{Dir: "out/a"}
	got, err := moved([]*task.Task{of, {Dir: "out/b", Of: []*task.Task{of}}}, "out", "out/6.1")
	if err != nil || got[0].Dir != "out/6.1/a" || got[1].Of[0] != got[0] || of.Dir != "out/a" {
		t.Errorf("%+v, %v", got, err)
	}
}
