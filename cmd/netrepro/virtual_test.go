//go:build linux

package main

import (
	"bytes"
	"context"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netrepro/cmd/netrepro/virtual"
	"netrepro/engine/runner/guest/origin"
	"netrepro/engine/virtual/qemu"
)

// asProgram is in the environment of a process of this test that is the program.
const asProgram = "NETREPRO_AS_PROGRAM"

// Tests of virtual machines take minutes, so that they run where they are asked for:
// NETREPRO_VM=1 has them, NETREPRO_VM=long has them do more, for an hour.
var (
	machinesAsked = os.Getenv("NETREPRO_VM")
	long          = machinesAsked == "long"
)

// needsMachines skips a test where virtual machines cannot be had.
func needsMachines(t *testing.T) {
	t.Helper()
	if machinesAsked == "" {
		t.Skip("virtual machines are not asked for: NETREPRO_VM=1")
	}
	if _, _, err := qemu.Find(t.Context()); err != nil {
		t.Skip(err)
	}
	s, err := virtual.Store()
	if err != nil {
		t.Skip(err)
	}
	if _, err := s.Find(""); err != nil {
		t.Skip(err)
	}
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Section(".interp") != nil {
		t.Skip("this test was built with libraries: CGO_ENABLED=0 builds one that can be process 1")
	}
}

// inMachine runs this program with arguments, below a folder of its own, and returns what
// it printed and its exit code.
func inMachine(t *testing.T, dir string, args ...string) (said string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, env{args: append(args, "--out", filepath.Join(dir, "out")), out: &out, err: &errs})
	return out.String() + errs.String(), code
}

// traces are the captures below a directory.
func traces(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, rerr := filepath.Rel(dir, p)
		if err == nil && rerr == nil {
			out[rel] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVirtualAlike starts two machines, whose captures must be the same to the byte.
func TestVirtualAlike(t *testing.T) {
	needsMachines(t)
	cases := []string{"run", "--vm", "one-lost-segment", "crossing-fin", "redirect-port-clash"}
	if long {
		cases = []string{"run", "--vm"}
	}
	dirs := []string{t.TempDir(), t.TempDir()}
	for _, d := range dirs {
		said, code := inMachine(t, d, cases...)
		if code != exitExpected && !long || !strings.Contains(said, " as expected") {
			t.Fatalf("exit code %d: %s", code, said)
		}
	}
	one, two := traces(t, filepath.Join(dirs[0], "out")), traces(t, filepath.Join(dirs[1], "out"))
	if len(one) < 6 || len(one) != len(two) {
		t.Errorf("%d and %d captures", len(one), len(two))
	}
	for name, b := range one {
		if filepath.Dir(name) == "." {
			continue // the record of the run has the times of the machine that started others
		}
		if two[name] != b {
			t.Errorf("%s: %d bytes, and others, %d, in another machine", name, len(b), len(two[name]))
		}
	}
}

// TestVirtualExact runs a case alone and among others, from another folder and in another
// round, each in a machine of its own: its capture must be the same to the byte, and what
// is beside it says why.
func TestVirtualExact(t *testing.T) {
	needsMachines(t)
	dirs := []string{t.TempDir(), t.TempDir()}
	for i, cases := range [][]string{{"redirect-port-clash/bug"}, {"redirect-port-clash", "--variant", "bug",
		"crossing-fin", "--repeat", "2"}} {
		t.Chdir(t.TempDir())
		said, code := inMachine(t, dirs[i], append([]string{"run", "--exact"}, cases...)...)
		if code != exitExpected {
			t.Fatalf("exit code %d: %s", code, said)
		}
	}
	one, two := traces(t, filepath.Join(dirs[0], "out")), traces(t, filepath.Join(dirs[1], "out"))
	for _, file := range []string{"trace.pcapng", origin.File} {
		alone := one[filepath.Join("redirect-port-clash", "bug", file)]
		for _, round := range []string{"bug#1", "bug#2"} {
			if among := two[filepath.Join("redirect-port-clash", round, file)]; alone == "" || alone != among {
				t.Errorf("%s: %d bytes alone, and others, %d, as %s", file, len(alone), len(among), round)
			}
		}
	}
}

const programs = `scenario "carried" { needs = { "curl" }, topology = path { host "a", wire {}, host "b" },
  run = function(net)
    net.b:serve { port = 80, size = 1000 }
    local e = net.a:run { "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://" .. net.b.addr .. "/" }
    expect(e.output):equals "200"
  end }
scenario "missing" { needs = { "program:no-such-program" }, topology = path { host "a", wire {}, host "b" },
  run = function() end }
`

// TestVirtualPrograms has a program of this machine run in another, and a case skipped whose
// program is not here.
func TestVirtualPrograms(t *testing.T) {
	needsMachines(t)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "programs.lua")
	if err := os.WriteFile(file, []byte(programs), 0o644); err != nil {
		t.Fatal(err)
	}
	said, code := inMachine(t, dir, "run", "--vm", file)
	if code != exitExpected || !strings.Contains(said, "✓ carried") || !strings.Contains(said, "- missing") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// TestVirtualShell looks into a case in a machine, where programs of this machine run on nodes
// and no time goes by while nobody has typed.
func TestVirtualShell(t *testing.T) {
	needsMachines(t)
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
	typed := "nodes\nx = net.client.addr\nx\nexec client ip addr show eth0\nexec client\nexec client ls /nowhere\ncontinue\n"
	c := exec.CommandContext(t.Context(), os.Args[0], "shell", "--vm", "one-lost-segment", "--out", t.TempDir())
	c.Env, c.Stdin = append(os.Environ(), asProgram+"=1"), strings.NewReader(typed)
	said, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"stopped: before", "client server", `"10.0.1.1"`, "inet 10.0.1.1/24",
		"has no terminal for a shell", "exit status 2", "✓ one-lost-segment"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("%q is not in what it said", want)
		}
	}
	if t.Failed() {
		t.Errorf("%s", said)
	}
}

// TestVirtualReplay replays in a machine what a run in another captured.
func TestVirtualReplay(t *testing.T) {
	needsMachines(t)
	dir := t.TempDir()
	if said, code := inMachine(t, dir, "run", "--vm", "one-lost-segment"); code != exitExpected {
		t.Fatalf("exit code %d: %s", code, said)
	}
	trace := filepath.Join(dir, "out", "one-lost-segment", "trace.pcapng")
	said, code := inMachine(t, t.TempDir(), "replay", "--vm", trace)
	if code != exitExpected || !strings.Contains(said, "in a virtual machine") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

const twoCases = `scenario "first" { topology = path { host "a", wire {}, host "b" }, run = function() end }
scenario "second" { topology = path { host "a", wire {}, host "b" }, run = function() end }
`

// TestVirtualBroken has a machine break in the first of two cases: that is said of it, and
// the other runs in another machine.
func TestVirtualBroken(t *testing.T) {
	needsMachines(t)
	for _, tt := range []struct {
		how, says string
		code      int
		long      bool
	}{
		{"panic", "the kernel of the virtual machine panicked: ", exitScript, false},
		{"memory", "the kernel of the virtual machine panicked: ", exitScript, true},
		{"flood", "2 as expected", exitExpected, true},
		{"hang", "said nothing for ", exitScript, true},
	} {
		if tt.long && !long {
			continue
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "two.lua")
		if err := os.WriteFile(file, []byte(twoCases), 0o644); err != nil {
			t.Fatal(err)
		}
		said, code := inMachine(t, dir, "run", "--vm", "--vm-break", tt.how, "--vm-patience", "2m", file)
		if code != tt.code || !strings.Contains(said, tt.says) || !strings.Contains(said, "✓ second") {
			t.Errorf("%s: exit code %d: %s", tt.how, code, said)
		}
		if left := machines(t, os.Getpid()); left != 0 {
			t.Errorf("%s: %d machines are left", tt.how, left)
		}
	}
}

// machines counts the machines that still run and are children of a process.
func machines(t *testing.T, pid int) (n int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		line, _ := os.ReadFile(d + "/cmdline") // it may have ended
		stat, _ := os.ReadFile(d + "/stat")
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		f := strings.Fields(string(rest))
		if bytes.Contains(line, []byte("memory-backend-file,id=shared")) && len(f) > 1 && f[1] == strconv.Itoa(pid) {
			n++
		}
	}
	return n
}

// TestVirtualKilled ends runs at different moments with SIGKILL: no machine, and no file,
// may be left.
func TestVirtualKilled(t *testing.T) {
	needsMachines(t)
	moments := 3
	if long {
		moments = 50
	}
	temporary := t.TempDir()
	for i := range moments {
		c := exec.Command(os.Args[0], "run", "--vm", "--out", t.TempDir(), "one-lost-segment")
		c.Env = append(os.Environ(), "TMPDIR="+temporary, asProgram+"=1")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 300 * time.Millisecond) // so that it is ended at another moment
		if err := c.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // killed
		deadline := time.Now().Add(time.Minute)
		for machines(t, 1)+machines(t, c.Process.Pid) > 0 {
			if time.Now().After(deadline) {
				t.Fatal("a machine is left")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if left := traces(t, temporary); len(left) > 0 {
		t.Errorf("files are left: %v", len(left))
	}
}

// TestVirtualMissing names what is missing.
func TestVirtualMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	said, code := inMachine(t, t.TempDir(), "run", "--vm", "one-lost-segment")
	if code != exitCannot || !strings.Contains(said, "install the package "+qemu.Package) {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// TestVirtualMatrix runs a case on two kernels that differ in it.
func TestVirtualMatrix(t *testing.T) {
	needsMachines(t)
	s, err := virtual.Store()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"6.1", "6.12"} {
		if _, err := s.Find(k); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	said, code := inMachine(t, dir, "run", "--kernel", "6.12", "--kernel", "6.1", "--matrix", page, "redirect-port-clash")
	if code != exitExpected || !strings.Contains(said, "since 6.12") ||
		!strings.Contains(said, "redirect-port-clash/bug") {
		t.Errorf("exit code %d: %s", code, said)
	}
	b, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(b), "| [redirect-port-clash](nat/redirect_port_clash.lua) | 3 | 3 |") {
		t.Errorf("the page is %q, %v", b, err)
	}
	for name := range traces(t, filepath.Join(dir, "out")) {
		if !strings.HasPrefix(name, "6.1.") && !strings.HasPrefix(name, "6.12.") {
			t.Errorf("%s is in no folder of a kernel", name)
		}
	}
}
