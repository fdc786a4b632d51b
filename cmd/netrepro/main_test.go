//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"netrepro/engine/capture"
	"netrepro/engine/tcp"
	"netrepro/engine/testutil/leaks"
	"netrepro/engine/testutil/tshark"
	"netrepro/engine/virtual/image"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

func TestMain(m *testing.M) {
	if len(os.Args) >= 2 && strings.HasPrefix(os.Args[1], "netrepro-") || os.Args[0] == image.Modprobe ||
		os.Getpid() == 1 || os.Getenv(asProgram) != "" {
		main() // a part of a run by this test binary
		return
	}
	testscript.Main(m, map[string]func(){"netrepro": main, "netrepro-filtered": filtered})
}

// unsteady is what differs from run to run in what netrepro prints.
var unsteady = regexp.MustCompile(`\+?-?\d+\.\d+s|\+\d+\.\d{4,6}| +\d+ packets|:\d+ms|for [\d.]+m?s while`)

func TestScripts(t *testing.T) {
	leaks.Lab(t)
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		cache = nil // the step that wants Go is left out
	}
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("NETREPRO_REQUIRE", os.Getenv("NETREPRO_REQUIRE"))
			dir, err := filepath.Abs("../../testdata/capture")
			if err != nil {
				return err
			}
			e.Setenv("CAPTURES", dir)
			if dir, err = filepath.Abs("../../testdata/verbs"); err != nil {
				return err
			}
			e.Setenv("VERBS", dir)
			e.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch {
			case cond == "root":
				return os.Geteuid() == 0, nil
			case cond == "gre" && os.Geteuid() == 0:
				return hasGRE()
			}
			return false, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"steady": steady, "exits": exits, "asnobody": asNobody, "suite": wholeSuite, "waitfile": waitFile,
			"tsharkall": tsharkAll, "resets": resets, "acted": acted,
			"gone": gone, "diagnosed": diagnosedRight,
		},
	})
}

// again is what is said of runs that the host has spoilt and that were made again, and
// of its stalls.
var again = regexp.MustCompile(`  \(run \d+ times\)|, \d+ inconclusive runs repeated|  \(host stalled for up to [^)]*\)`)

// ordered is what is said after many cases: of each again, or in an order that is another
// each time.
var ordered = regexp.MustCompile(`(?ms)^\n(not as expected|slowest)\n.*^where the time of all cases went\n[^\n]*\n`)

// steady FILE writes the last standard output to FILE with times and counts
// replaced.
func steady(ts *testscript.TestScript, _ bool, args []string) {
	text := ordered.ReplaceAllString(ts.ReadFile("stdout"), "")
	text = unsteady.ReplaceAllString(again.ReplaceAllString(text, ""), "…")
	text = regexp.MustCompile(`(passed|reproduced|clean|failed|error|inconclusive|skipped) +…`).ReplaceAllString(text,
		"$1 …")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// exits CODE COMMAND… runs a command that must end with that code, or one of "0|1".
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if err != nil {
		code = 1
		if ee := (*exec.ExitError)(nil); asExit(err, &ee) {
			code = ee.ExitCode()
		}
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(code)) {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// tsharkAll DIR opens every capture below a directory with tshark, which must
// find nothing wrong with the file and set the same flags on every packet.
func tsharkAll(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	var sum tshark.Result
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(p string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".pcapng" {
			return err
		}
		n++
		r, err := tshark.Compare(p)
		if err == nil && r.Complaint != "" {
			err = fmt.Errorf("tshark -r %s: %s", p, r.Complaint)
		}
		sum.Add(r)
		return err
	}))
	ts.Logf("%d captures, %s", n, sum)
	wrong := sum.Unexplained(tshark.Version())
	for _, d := range wrong {
		ts.Logf("%s", d)
	}
	if len(wrong) > 0 {
		ts.Fatalf("the flags are not tshark's")
	}
	if n == 0 {
		ts.Fatalf("no capture below %s", args[0])
	}
}

// resets DIR FILE writes the verdicts on the resets in every capture below a
// directory to a file, each once.
func resets(ts *testscript.TestScript, _ bool, args []string) {
	var lines []string
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(p string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".pcapng" {
			return err
		}
		s, err := capture.Open(context.Background(), p)
		if err != nil {
			return err
		}
		defer s.Close()
		a := tcp.New(tcp.Options{})
		var in tcp.Input
		var r tcp.Record
		for {
			err := s.Next(&in)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			a.Describe(s.Points())
			if a.Add(&in, &r); r.Reset != nil {
				lines = append(lines, fmt.Sprintf("%s  %s", filepath.Base(filepath.Dir(p)), r.Reset))
			}
		}
	}))
	slices.Sort(lines)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(slices.Compact(lines), "\n")+"\n"), 0o644))
}

// waitFile FILE waits until a file is there.
func waitFile(ts *testscript.TestScript, _ bool, args []string) {
	for range 1000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s never came to be", args[0])
}

// gone MARK fails if a process, a zombie too, has the mark in its arguments or its
// environment, or is a child of this one.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	ts.Check(err)
	for _, dir := range dirs {
		for _, f := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(filepath.Join(dir, f)) // it may end meanwhile
			if err == nil && bytes.Contains(b, []byte(args[0])) {
				ts.Fatalf("process %s is left: %q", filepath.Base(dir), b)
			}
		}
	}
	if n, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WNOWAIT, nil); err == nil && n > 0 {
		ts.Fatalf("process %d is left unburied", n)
	}
}

func asExit(err error, ee **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError) //nolint:errorlint // ts.Exec returns it bare
	*ee = e
	return ok
}

// wholeSuite is suite COMMAND…: it runs a command that must succeed and prints many lines, of
// which a failure shows those of what failed alone.
func wholeSuite(ts *testscript.TestScript, _ bool, args []string) {
	runSuite(ts, "0", exec.Command(args[0], args[1:]...))
}

// asNobody CODE COMMAND… is suite as an ordinary user; it must end with that
// code.
func asNobody(ts *testscript.TestScript, _ bool, args []string) {
	const nobody = 65534
	c := exec.Command(args[1], args[2:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	dir := ts.MkAbs(".")
	for _, p := range []string{filepath.Dir(c.Path), dir} { // both are below directories that are ours alone
		for ; strings.HasPrefix(p, os.TempDir()+"/"); p = filepath.Dir(p) {
			ts.Check(os.Chmod(p, 0o755))
		}
	}
	ts.Check(os.Chmod(dir, 0o777))
	runSuite(ts, args[0], c)
}

// runSuite runs c, which must end with the code want and say nothing on standard
// error.
func runSuite(ts *testscript.TestScript, want string, c *exec.Cmd) {
	c.Dir = ts.MkAbs(".")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var rest []string // all but what passed and what was skipped
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "✓") && !strings.HasPrefix(line, "-") {
			rest = append(rest, line)
		}
	}
	// Another test's run may hold the machine's settings.
	said := regexp.MustCompile(`(?m)^netrepro: a case .*waits for .*\n`).ReplaceAllString(errs.String(), "")
	ts.Logf("%s%s", strings.Join(rest, ""), said)
	if got := strconv.Itoa(c.ProcessState.ExitCode()); got != want || said != "" {
		ts.Fatalf("%s exited with %s, want %s and nothing on standard error: %v", strings.Join(c.Args, " "), got, want,
			err)
	}
}
