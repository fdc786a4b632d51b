//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/stall"
	"netrepro/engine/testutil/leaks"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitArg {
		if err := Init(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// patient bounds what ends by itself.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// namespace is one for programs to run in.
func namespace(t *testing.T) *netns.NS {
	t.Helper()
	leaks.Lab(t)
	ns, err := netns.New("node")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ns.Close(); err != nil {
			t.Error(err)
		}
	})
	return ns
}

// start starts a shell command, in a directory of its own unless s has one.
func start(t *testing.T, s Spec, command string) *Process {
	t.Helper()
	if s.Dir == "" {
		s.Dir = filepath.Join(t.TempDir(), "dir")
	}
	s.Args = []string{"sh", "-c", command}
	p, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// finished is how a program ended, with all that it wrote.
func finished(t *testing.T, p *Process) (e Exit, out, errs string) {
	t.Helper()
	ctx := patient(t)
	e, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p.Drained(ctx)
	return e, p.Output(), p.Errors()
}

// TestAround checks what a program finds around it.
func TestAround(t *testing.T) {
	ns := namespace(t)
	over := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(over, []byte("the lab's\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := ""
	if err := ns.Do(func() (err error) {
		link,
			err = os.Readlink("/proc/thread-self/ns/net")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, command string
		spec          Spec
		want          string // $DIR is the program's directory
	}{
		{"its directory", "pwd", Spec{}, "$DIR"},
		{"a file, with its path in it", "cat conf/x", Spec{Files: map[string]string{"conf/x": "root $DIR;"}},
			"root $DIR;"},
		{"an argument with its path", "echo $DIR/x", Spec{}, "$DIR/x"},
		{"an environment with its path", `echo "$WHERE"`, Spec{Env: []string{"WHERE=$DIR/y"}}, "$DIR/y"},
		{"what it reads", "cat", Spec{Input: "typed"}, "typed"},
		{"nothing to read", "cat", Spec{}, ""},
		{"home and temporary files", `echo "$HOME $TMPDIR $LANG $TERM"`, Spec{}, "$DIR $DIR C.UTF-8 dumb"},
		{"nothing of the engine's environment", `echo "${NETREPRO_TEST_SECRET-unset}"`, Spec{}, "unset"},
		{"no authority that it was not given", `echo "${SSL_CERT_FILE-unset}"`, Spec{}, "unset"},
		{"an authority", `echo "$SSL_CERT_FILE"; cat "$CURL_CA_BUNDLE"`,
			Spec{Files: Trust([]byte("PEM"), []byte("DER"))},
			"$DIR/ca.pem\nPEM"},
		{"the node's network", "readlink /proc/self/ns/net", Spec{}, link},
		{"an init of its own", `test "$(readlink /proc/1/exe)" && echo "$PPID"`, Spec{Trusted: true}, "1"},
		{"a file in place of another", "cat /etc/hosts", Spec{Over: map[string]string{"/etc/hosts": over}},
			"the lab's"},
		{"a file that is not there", "cat /etc/netrepro-none",
			Spec{Over: map[string]string{"/etc/netrepro-none": over}}, "the lab's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("NETREPRO_TEST_SECRET", "secret")
			tt.spec.NS, tt.spec.Dir = ns, filepath.Join(t.TempDir(), "dir")
			e, out, errs := finished(t, start(t, tt.spec, tt.command))
			want := strings.ReplaceAll(tt.want, "$DIR", tt.spec.Dir)
			if strings.TrimSpace(out) != want || e != (Exit{Took: e.Took}) {
				t.Errorf("got %q, %s, want %q; errors: %s", out, e, want, errs)
			}
		})
	}
	for _, path := range []string{"/etc/hosts", "/etc/netrepro-none"} {
		if b, _ := os.ReadFile(path); strings.Contains(string(b), "the lab's") {
			t.Errorf("%s of the machine was changed", path)
		}
	}
}

// TestConfined checks what a program may change: little, unless it is trusted.
func TestConfined(t *testing.T) {
	ns := namespace(t)
	write := func(path string) string { return "{ echo 1 > " + path + "; } 2>/dev/null && echo yes || echo no" }
	caps := "sed -n 's/^CapEff:[^0-9a-f]*//p; s/^NoNewPrivs:[^0-9]*//p' /proc/self/status | tr '\\n' ' '"
	const network = "0000000000003c00 1" // bits 10 to 13: capabilities(7)
	mount := "mount -t tmpfs none /mnt 2>/dev/null && echo yes || echo no"
	for _, tt := range []struct {
		name, command  string
		want, trusting string // what it says, and what a trusted one does; empty: not asked
	}{
		{"files of the machine", write("/etc/netrepro-none"), "no", ""},
		{"its directory", write("$DIR/x"), "yes", "yes"},
		{"settings of the machine", write("/proc/sys/kernel/panic_on_oops"), "no", ""},
		{"settings of its network", write("/proc/sys/net/ipv4/ip_forward"), "yes", "yes"},
		{"shared memory", write("/dev/shm/netrepro-none"), "yes", ""},
		{"a mount", mount, "no", "yes"},
		{"capabilities", caps, network, ""},
		{"disks", "find /dev -type b | wc -l", "0", ""},
		{"sockets of services", "find /run -type s 2>/dev/null | wc -l", "0", ""},
		// Of a process without memory of its own the file is there and empty.
		{"its init", "head -c 1 /proc/1/maps 2>/dev/null | grep -q . && echo yes || echo no", "no", ""},
	} {
		for _, trusted := range []bool{false, true} {
			want := tt.want
			if trusted {
				want = tt.trusting
			}
			if want == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s, trusted %v", tt.name, trusted), func(t *testing.T) {
				_, out, errs := finished(t, start(t, Spec{NS: ns, Trusted: trusted}, tt.command))
				if strings.TrimSpace(out) != want {
					t.Errorf("got %q, want %q; errors: %s", out, want, errs)
				}
			})
		}
	}
	if _, err := os.Stat("/etc/netrepro-none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was left on the machine: %v", err)
	}
}

// TestFailures checks what is said of what cannot be started.
func TestFailures(t *testing.T) {
	ns := namespace(t)
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	orphan := file("orphan", "#!/no/such/interpreter -x\n", 0o755)
	garbage := file("garbage", "\x00\x01\x02", 0o755)
	for _, tt := range []struct {
		name string
		spec Spec
		is   error
		says string
	}{
		{"nothing", Spec{}, nil, "none is named"},
		{"no such program", Spec{Args: []string{"no-such-program"}}, fs.ErrNotExist, `find program "no-such-program"`},
		{"no such path", Spec{Args: []string{"/no/such"}}, fs.ErrNotExist, "find program /no/such"},
		{"a script without its interpreter", Spec{Args: []string{orphan}}, ErrLoader, "/no/such/interpreter"},
		{"no program at all", Spec{Args: []string{garbage}}, syscall.ENOEXEC, "start garbage"},
		{"a zero byte in an argument", Spec{Args: []string{"sh", "a\x00b"}}, ErrZero, `"a\x00b"`},
		{"a zero byte in the environment", Spec{Args: []string{"sh"}, Env: []string{"A=\x00"}}, ErrZero, "start sh"},
		{"a file outside its directory", Spec{Args: []string{"sh"}, Files: map[string]string{"../x": ""}}, nil,
			"not within the program's directory"},
		{"a file in place of another that is missing",
			Spec{Args: []string{"sh"}, Over: map[string]string{"/etc/hosts": "/no/such/file"}}, nil,
			"put a file over /etc/hosts"},
	} {
		tt.spec.NS, tt.spec.Dir = ns, filepath.Join(dir, "dir")
		p, err := Start(tt.spec)
		if err == nil {
			_ = p.Close()
			t.Errorf("%s: it started", tt.name)
			continue
		}
		if tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// TestExit checks what is said of how a program ended.
func TestExit(t *testing.T) {
	ns := namespace(t)
	for _, tt := range []struct {
		command string
		want    Exit
		says    string
	}{
		{"true", Exit{}, "exit code 0"},
		{"exit 42", Exit{Code: 42}, "exit code 42"},
		{"kill -9 $$", Exit{Code: -1, Signal: "SIGKILL"}, "ended by SIGKILL"},
		{"kill -TERM $$", Exit{Code: -1, Signal: "SIGTERM"}, "ended by SIGTERM"},
	} {
		p := start(t, Spec{NS: ns}, tt.command)
		e, _, _ := finished(t, p)
		now, ended := p.Exited()
		tt.want.Took = e.Took
		if e != tt.want || e.String() != tt.says || now != e || !ended {
			t.Errorf("%s: got %+v, %s", tt.command, e, e)
		}
	}
}

// TestGroup checks that all that a program started ends with it, whatever it does.
func TestGroup(t *testing.T) {
	ns := namespace(t)
	ready := func(p *Process) error { return p.WaitLine(patient(t), "ready") }
	ended := func(p *Process) error { _, err := p.Wait(patient(t)); return err }
	for _, tt := range []struct {
		name, command string
		until         func(*Process) error
	}{
		{"one that ignores signals", "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done", ready},
		{"one that has forked away", "(setsid sleep 1000 &) ; echo ready; sleep 1000", ready},
		{"one that has ended", "setsid sleep 1000 & exit 0", ended},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, Spec{NS: ns}, tt.command)
			if err := tt.until(p); err != nil {
				t.Fatal(err)
			}
			// The end of its outputs is the end of whoever holds them.
			if err := errors.Join(p.Close(), p.Close()); err != nil {
				t.Fatal(err)
			}
			p.Drained(patient(t))
			if _, ended := p.Exited(); !ended {
				t.Error("it goes on")
			}
		})
	}
}

// TestAsk asks a program to end before it is ended.
func TestAsk(t *testing.T) {
	ns := namespace(t)
	for _, tt := range []struct {
		name, command string
		grace         time.Duration
		asked         bool
		want          string
	}{
		{"one that ends when asked", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done", time.Minute, true,
			"exit code 3"},
		{"one that does not", "trap '' TERM; echo ready; while :; do sleep 1; done", time.Millisecond, false,
			"ended by SIGKILL"},
	} {
		p := start(t, Spec{NS: ns}, tt.command)
		if err := p.WaitLine(patient(t), "ready"); err != nil {
			t.Fatal(err)
		}
		asked, err := p.Ask(t.Context(), tt.grace)
		if err := errors.Join(err, p.Close()); err != nil {
			t.Fatal(err)
		}
		if e, ended := p.Exited(); !ended || asked != tt.asked || e.String() != tt.want {
			t.Errorf("%s: got %s, asked %v", tt.name, e, asked)
		}
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%s: a signal to what has ended: %v", tt.name, err)
		}
	}
}

// TestUsage counts what a program's children wait for: more of them want a processor than the
// machine has.
func TestUsage(t *testing.T) {
	var spin strings.Builder
	for range 2*runtime.NumCPU() + 1 {
		spin.WriteString("while :; do :; done & ")
	}
	p := start(t, Spec{NS: namespace(t)}, spin.String()+"wait")
	if p.Usage().Ran == 0 && stall.Used(os.DirFS("/proc"), os.Getpid()).Ran == 0 {
		t.Skip("this kernel does not count what threads ran (schedstat)")
	}
	ctx := patient(t)
	for u := p.Usage(); u.Waited < 50*time.Millisecond || u.Ran < 10*time.Millisecond; u = p.Usage() {
		if ctx.Err() != nil {
			t.Fatalf("it ran %s and waited %s", u.Ran, u.Waited)
		}
	}
	if !p.Wants() {
		t.Error("it wants no processor")
	}
	for sleeps := start(t, Spec{NS: namespace(t)}, "sleep 1000"); sleeps.Wants(); {
		if ctx.Err() != nil {
			t.Fatal("what sleeps wants a processor")
		}
	}
}
