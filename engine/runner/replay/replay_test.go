//go:build linux

package replay_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit"
	"netrepro/engine/reproduction/read"
	"netrepro/engine/reproduction/similar"
	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/replay"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
	"netrepro/engine/testutil/leaks"
)

var update = flag.Bool("update", false, "make the round trip with every case of the library, and write its table")

func TestMain(m *testing.M) {
	if code, played := runner.Play(os.Args, os.Stdin, os.Stdout, os.Stderr); played {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// again imports the capture at path and replays it.
func again(t *testing.T, path string, peer int) *replay.Outcome {
	t.Helper()
	inc, err := read.File(t.Context(), path, read.Options{Flow: -1})
	if err != nil {
		t.Fatal(err)
	}
	o := runner.Options{Parallel: 1, Retries: 2}
	o.Repeat, o.Seed = 1, 1
	out, err := replay.Run(t.Context(), inc, emit.Scenario(inc, emit.Options{Peer: peer}), peer, o, runner.Run)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFounding replays the two incidents that the program began with.
func TestFounding(t *testing.T) {
	leaks.Lab(t)
	for _, name := range []string{"close-notify-after-fin", "rst-without-fin-seen"} {
		out := again(t, "../../../testdata/capture/"+name+".tcpdump.txt", -1)
		if out.Verdict == session.Inconclusive {
			continue
		}
		if out.Verdict != session.Passed || out.Compared.Score < similar.Enough {
			t.Errorf("%s: %s, %s %q\n%+v", name, out.Verdict, out.Why, out.Failed, out.Compared)
		}
	}
}

// sample is what goes round where the table is not written: each shows another mechanism.
var sample = []string{"one-lost-segment", "no-listener/listening", "linger2-fin-wait2/bug-fin-acknowledged",
	"harmless-reset/bug", "half-open/bug-new-listener"}

// limits are the cases whose cause the packets do not show, or that cannot be imported.
var limits = []struct{ cases, why string }{
	{`^ecmp-siblings/`, "no TCP in it"},
	{`^(out-of-memory|too-many-orphans)/bug`, "the kernel was short of memory: on the wire that is a close with SO_LINGER 0"},
	{`^(invalid-escapes-|service-reset-to-pod/)`,
		"a packet of another host, behind a NAT that is not imported; what is injected passes no fault of its wire"},
	{`^timewait-port-reuse/bug|^tw-recycle-table/`, "another host's clock and numbers decide, on the same address"},
	{`^stray-to-listener/(bug-synack|filtered)`, "no connection: packets that no kernel sent, and a rule that drops in silence"},
}

func limit(name string) string {
	for _, l := range limits {
		if regexp.MustCompile(l.cases).MatchString(name) {
			return l.why
		}
	}
	return ""
}

// traces takes the captures of cases.
type traces struct{ done []*task.Task }

func (*traces) Begin(*task.Task)                {}
func (*traces) Event(*task.Task, session.Event) {}
func (s *traces) End(c *task.Task, r session.Result) {
	if r.Verdict == session.Passed {
		s.done = append(s.done, c)
	}
}

// TestRoundTrip runs cases of the library, imports their traces, runs these, and expects the
// same golden form. With -update it goes round with all of them, which takes minutes, and
// writes down what came of it.
func TestRoundTrip(t *testing.T) {
	leaks.Lab(t)
	sources, err := discover.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	files, err := discover.Load(t.Context(), sources, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	all, err := task.List(files, task.Selection{Repeat: 1, Out: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(c *task.Task) bool { return !*update && !slices.Contains(sample, c.Name()) })
	got := &traces{}
	o := runner.Options{Parallel: 1, Retries: 2}
	o.Repeat, o.Seed, o.Out = 1, 1, all[0].Dir[:strings.Index(all[0].Dir, "/"+strings.Split(all[0].Name(), "/")[0])]
	if err := runner.Run(t.Context(), all, o, got); err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, got.done)
		return
	}
	if len(got.done) == 0 {
		t.Skip("no case passed: the host is too busy, or may not")
	}
	for _, c := range got.done {
		out := again(t, c.Capture(), -1)
		if out.Verdict == session.Inconclusive {
			continue
		}
		for _, f := range out.Compared.Flows {
			if f.Score < similar.Enough {
				t.Errorf("%s: %s %q, %.0f %% of connection %d: %v", c.Name(), out.Verdict, out.Failed, 100*f.Score, f.N,
					f.Differs)
			}
		}
	}
}

// write writes the table of the round trip.
func write(t *testing.T, cases []*task.Task) {
	slices.SortFunc(cases, func(a, b *task.Task) int { return strings.Compare(a.Name(), b.Name()) })
	var rows strings.Builder
	same, shown, total := 0, 0, 0
	for _, c := range cases {
		total++
		why, score, whole := limit(c.Name()), "–", false
		inc, err := read.File(t.Context(), c.Capture(), read.Options{Flow: -1})
		if err == nil {
			score, whole, why = round(t, c, inc, why)
		}
		word := "no"
		switch {
		case whole:
			word, why = "yes", ""
			same, shown = same+1, shown+1
		case limit(c.Name()) == "":
			shown++
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", c.Name(), score, word, why)
	}
	text := fmt.Sprintf(header, total, shown, same, 100*same/max(shown, 1)) + rows.String()
	if err := os.WriteFile("../../reproduction/ROUNDTRIP.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// round replays a case, once more if it is not the same: how TCP repairs depends on a busy
// host's microseconds.
func round(t *testing.T, c *task.Task, inc *reproduction.Incident, why string) (score string, whole bool, said string) {
	for range 2 {
		out := again(t, c.Capture(), -1)
		score, said, whole = fmt.Sprintf("%.0f %%", 100*out.Compared.Score), why, len(out.Compared.Flows) > 0
		for _, f := range out.Compared.Flows {
			whole = whole && f.Same
			if why == "" && !f.Same && said == "" {
				said = strings.ReplaceAll(f.Differs[0].String(), "|", "/")
			}
		}
		if whole || why != "" {
			break
		}
	}
	return score, whole, said
}

const header = `# The round trip

Each case of the shipped library is run; its trace is imported; what that gives is run; and the golden forms of both are
compared, connection by connection. The forms have no payload, for an imported scenario says filler. What a busy host
sends again though nothing was lost is left out. A case that is not the same is tried once more.

Of %d cases the packets of %d show the cause. %d of these mean the same after the round trip: %d %%.

Written by ` + "`go test ./engine/runner/replay -run RoundTrip -update`" + `, which takes some ten minutes.

| case | similar | same | what is not, and why |
|---|---|---|---|
`

// TestPeer plays each side of an incident against the live kernel of the other.
func TestPeer(t *testing.T) {
	leaks.Lab(t)
	for _, side := range []int{reproduction.Client, reproduction.Server} {
		out := again(t, "../../../testdata/capture/close-notify-after-fin.tcpdump.txt", side)
		if out.Verdict == session.Inconclusive || out.Verdict == session.Skipped {
			t.Logf("side %d: %s, %s", side, out.Verdict, out.Why)
			continue
		}
		if out.Verdict != session.Passed || out.Compared.Score < similar.Enough {
			t.Errorf("side %d: %s, %s %q\n%+v", side, out.Verdict, out.Why, out.Failed, out.Compared)
		}
	}
}

// TestPeerSteps plays a client that acknowledged thirty segments at once, for its server's
// initial window was that large. A Linux server sends ten, and waits for an acknowledgement.
func TestPeerSteps(t *testing.T) {
	leaks.Lab(t)
	var text strings.Builder
	line := func(at int, from, to, rest string) {
		fmt.Fprintf(&text, "11:05:42.%06d IP %s > %s: Flags %s\n", at, from, to, rest)
	}
	c, s := "192.0.2.1.40000", "198.51.100.1.80"
	line(0, c, s, "[S], seq 100, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0")
	line(1000, s, c, "[S.], seq 500, ack 101, win 65160, options [mss 1460,sackOK,TS val 9 ecr 1,nop,wscale 7], length 0")
	line(1100, c, s, "[.], ack 1, win 502, length 0")
	line(1200, c, s, "[P.], seq 1:101, ack 1, win 502, length 100")
	for i := range 30 {
		line(2300+10*i, s, c, fmt.Sprintf("[.], seq %d:%d, ack 101, win 509, length 1448", 1+1448*i, 1+1448*(i+1)))
	}
	line(3000, c, s, "[.], ack 43441, win 502, length 0")
	line(3100, c, s, "[F.], seq 101, ack 43441, win 502, length 0")
	line(3200, s, c, "[F.], seq 43441, ack 102, win 509, length 0")
	line(3300, c, s, "[.], ack 43442, win 502, length 0")
	path := filepath.Join(t.TempDir(), "steps.txt")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out := again(t, path, reproduction.Client)
	if out.Verdict == session.Inconclusive || out.Verdict == session.Skipped {
		t.Skip(out.Why)
	}
	if out.Verdict != session.Passed || out.Compared.Score < similar.Enough {
		t.Errorf("%s, %s %q\n%+v", out.Verdict, out.Why, out.Failed, out.Compared)
	}
}
