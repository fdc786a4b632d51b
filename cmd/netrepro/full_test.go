//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/testutil/leaks"
)

const passes = `scenario "s" { topology = path { host "a", wire {}, host "b" }, run = function() end }`

// TestFullDevice writes what commands say to a device that takes nothing.
func TestFullDevice(t *testing.T) {
	leaks.Lab(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "s.lua")
	if err := os.WriteFile(file, []byte(passes), 0o600); err != nil {
		t.Fatal(err)
	}
	const text = "../../testdata/capture/close-notify-after-fin.tcpdump.txt"
	for _, args := range [][]string{
		{"run", "-o", filepath.Join(dir, "out"), file}, {"list", file}, {"list", "--json", file},
		{"list", "--markdown", file}, {"check", file},
		{"trace", text}, {"trace", "--json", text}, {"version"}, {"--help"}, {"trace", "--help"},
		{"trace", text, "-w", "/dev/full"},
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		code := run(t.Context(), env{args: args, out: full, err: &errs})
		if said := errs.String(); code != exitScript || strings.Count(said, "no space left on device") != 1 {
			t.Errorf("%v: exit code %d, %q", args, code, said)
		}
		if err := full.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk runs cases whose capture does not fit on the disk: it is said of
// each, however it ends.
func TestFullDisk(t *testing.T) {
	leaks.Lab(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs a small disk: %v", err)
	}
	defer func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(t.TempDir(), "s.lua")
	for want, verdict := range map[string]string{"1": "failed", "1000000": "error"} {
		text := `scenario "s" { topology = path { host "a", wire {}, host "b" }, run = function(net)
  local got = net.a:fetch { from = net.b:serve { port = 80, body = ("x"):rep(1000000) } }
  expect(got.bytes):equals(` + want + `)
end }`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := run(t.Context(),
			env{args: []string{"run", "-j", "1", "--retries", "20", "-o", filepath.Join(dir, "out"), file}, out: &out,
				err: &errs})
		said := out.String()
		if code == exitExpected || !strings.Contains(said, verdict+" ") ||
			strings.Count(said, "no space left on device: it is cut short") != 1 {
			t.Errorf("exit code %d: %s%s", code, said, &errs)
		}
		// What is whole of it can be read.
		out.Reset()
		code = run(t.Context(),
			env{args: []string{"trace", "--json", filepath.Join(dir, "out/s/trace.pcapng")}, out: &out, err: &errs})
		if code != exitExpected || out.Len() == 0 {
			t.Errorf("the capture: exit code %d, %d bytes: %s", code, out.Len(), &errs)
		}
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
	}
}
