//go:build linux

package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
	"netrepro/engine/testutil/leaks"
)

// busy is a scenario that has namespaces, wires, rules, servers and a program
// at work for a while.
const busy = `
scenario "busy" {
  topology = path { host "client", wire { delay = "1ms" }, router "edge", wire {}, host "server" },
  run = function(net)
    net.edge:clamp_mss { "path", optional = true }
    net.server:redirect { tcp = 81, to = 80, optional = true }
    local file = net.server:serve { port = 80, body = ("x"):rep(100000) }
    net.server:start { "sh", "-c", "sleep 3600 & echo ready; wait", ready = { line = "ready" } }
    for i = 1, 40 do net.client:fetch { from = file } end
  end,
}
`

// marker is in the environment of every process of the test, and so of none
// other.
const marker = "NETREPRO_KILL_TEST"

func TestMain(m *testing.M) {
	if code, played := Play(os.Args, os.Stdin, os.Stdout, os.Stderr); played {
		os.Exit(code)
	}
	switch text := busy; {
	case os.Getenv(marker) != "":
		if os.Getenv(machineMarker) != "" {
			text = onTheMachine
		}
		if err := runOne(text, os.Getenv(marker)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

type discard struct{ verdict session.Verdict }

func (*discard) Begin(*task.Task)                     {}
func (*discard) Event(*task.Task, session.Event)      {}
func (d *discard) End(_ *task.Task, r session.Result) { d.verdict = r.Verdict }

// runOne is the parent process of the test.
func runOne(text, out string) error {
	ctx := context.Background()
	files, err := discover.Load(ctx, []discover.Source{{Name: "busy.lua", Text: text}}, script.Options{})
	if err != nil {
		return err
	}
	o := Options{Parallel: 1, Selection: task.Selection{Repeat: 1, Out: out}}
	var d discard
	tasks, err := task.List(files, o.Selection)
	if err != nil {
		return err
	}
	if err := Run(ctx, tasks, o, &d); err != nil {
		return err
	}
	fmt.Println(d.verdict)
	return nil
}

// snapshot is what a run must leave as it was.
type snapshot struct {
	links, tables []string
	namespaces    int // the kernel holds, -1 if it does not say
}

func look(t *testing.T) snapshot {
	t.Helper()
	var w snapshot
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		w.links = append(w.links, l.Attrs().Name)
	}
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil && !errors.Is(err, syscall.EPERM) {
		t.Fatal(err)
	}
	for _, x := range tables {
		w.tables = append(w.tables, x.Name)
	}
	w.namespaces = kernelNamespaces()
	return w
}

// kernelNamespaces counts the network namespaces the kernel has, with or
// without processes in them.
func kernelNamespaces() int {
	// What is cached per CPU counts as in use until it is given back.
	_ = os.WriteFile("/sys/kernel/slab/net_namespace/shrink", []byte("1"), 0)
	b, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		return -1
	}
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.Fields(l); len(f) > 1 && f[0] == "net_namespace" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return -1
}

// children lists the processes whose parent is pid.
func children(pid int) []int {
	var out []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, s := range stats {
		b, err := os.ReadFile(s)
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(pid) {
			if n, err := strconv.Atoi(filepath.Base(filepath.Dir(s))); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// left lists the processes of runs of this test: those of this binary that are
// parts of one, and what runs with its marker.
func left() []string {
	var out []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		line, err := os.ReadFile(filepath.Join(d, "cmdline"))
		if err == nil && strings.HasPrefix(string(line), os.Args[0]+"\x00netrepro-") {
			out = append(out, d)
		}
		env, err := os.ReadFile(filepath.Join(d, "environ"))
		if err == nil && bytes.Contains(env, []byte("TMPDIR="+os.TempDir()+"/TestKill")) {
			out = append(out, d)
		}
	}
	return out
}

// eventually waits for a condition that the kernel brings about by itself.
func eventually(ok func() bool) bool {
	for range 1000 {
		if ok() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// victims are the parts of a run that are killed: which processes, of those that
// the parent of the number pid has started.
var victims = []struct {
	name string
	find func(pid int) []int
}{
	{"parent", func(pid int) []int { return []int{pid} }},
	{"worker", children},
	{"init", func(pid int) []int { return grandchildren(pid, 1) }},
	{"program", func(pid int) []int { return grandchildren(pid, 2) }},
	{"group", func(pid int) []int { return []int{-pid} }},
	{"all", func(pid int) []int {
		return append([]int{pid}, append(children(pid), grandchildren(pid, 1)...)...)
	}},
}

// grandchildren lists the processes that are so many generations below the
// children of pid.
func grandchildren(pid, below int) []int {
	out := children(pid)
	for range below {
		var next []int
		for _, p := range out {
			next = append(next, children(p)...)
		}
		out = next
	}
	return out
}

// TestKill ends runs with SIGKILL, one part of them or several, at random moments:
// nothing of theirs may be left.
func TestKill(t *testing.T) {
	leaks.Lab(t)
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	before := look(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	killed := map[string]int{}
	for i := range rounds {
		after := time.Duration(r.IntN(250)) * time.Millisecond
		killed[killOne(t, i, after)]++
	}
	t.Logf("ended: %v", killed)
	for _, v := range victims {
		if killed[v.name] == 0 && !testing.Short() {
			t.Errorf("no kill of the %s came while it ran", v.name)
		}
	}
	if !eventually(func() bool { return len(left()) == 0 }) {
		t.Errorf("processes left: %v", left())
	}
	now := look(t)
	if !slices.Equal(now.links, before.links) || !slices.Equal(now.tables, before.tables) {
		t.Errorf("left in the starting namespace: links %v, were %v; tables %v, were %v",
			now.links, before.links, now.tables, before.tables)
	}
	// Slabs are counted in batches, so a few of slack; 300 namespaces and
	// more were made.
	if before.namespaces >= 0 && !eventually(func() bool { return kernelNamespaces() <= before.namespaces+16 }) {
		t.Errorf("the kernel has %d network namespaces, had %d", kernelNamespaces(), before.namespaces)
	}
}

// killOne starts a run and kills a part of it after a while; it says what was
// killed.
func killOne(t *testing.T, i int, after time.Duration) string {
	t.Helper()
	v := victims[i%len(victims)]
	c := exec.Command("/proc/self/exe")
	c.Args[0] = os.Args[0]
	c.Env = []string{marker + "=" + filepath.Join(t.TempDir(), strconv.Itoa(i)), "PATH=" + os.Getenv("PATH")}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if v.name != "parent" && v.name != "group" && !eventually(func() bool {
		return len(v.find(c.Process.Pid)) > 0 || len(children(c.Process.Pid)) == 0 && ended(c.Process.Pid)
	}) {
		_ = c.Process.Kill()
		_ = c.Wait()
		t.Fatalf("no %s came to be", v.name)
	}
	time.Sleep(after) // the random moment
	killed := 0
	for _, pid := range v.find(c.Process.Pid) {
		hit := syscall.Kill(pid, syscall.SIGKILL) == nil && !ended(c.Process.Pid)
		if hit || v.name == "parent" || v.name == "group" {
			killed++
		}
	}
	err := c.Wait()
	var ee *exec.ExitError
	signaled := errors.As(err, &ee) && ee.Sys().(syscall.WaitStatus).Signaled()
	ofParent := v.name == "parent" || v.name == "group" || v.name == "all"
	if ofParent && signaled || !ofParent && killed > 0 {
		return v.name
	}
	return "nothing: it was over, or not begun"
}

// ended reports whether a process is a zombie.
func ended(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(b, []byte(") Z "))
}

// TestWorkerKilled checks that a run whose worker is killed says so and leaves
// a readable capture.
func TestWorkerKilled(t *testing.T) {
	leaks.Lab(t)
	dir := t.TempDir()
	c := exec.Command("/proc/self/exe")
	c.Args[0] = os.Args[0]
	c.Env = []string{marker + "=" + dir}
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(dir, "busy", "trace.pcapng")
	if !eventually(func() bool { st, err := os.Stat(capture); return err == nil && st.Size() > 4096 }) {
		t.Fatal("no capture came to be")
	}
	for _, pid := range children(c.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != string(session.Errored) {
		t.Errorf("verdict %q, want %q", got, session.Errored)
	}
	if tshark, err := exec.LookPath("tshark"); err == nil {
		b, err := exec.Command(tshark, "-r", capture).CombinedOutput()
		if err != nil || bytes.Contains(b, []byte("cut short")) {
			t.Errorf("tshark: %v\n%s", err, b[max(0, len(b)-400):])
		}
	}
}
