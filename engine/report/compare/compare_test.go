package compare

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"netrepro/engine/report/page"
	"netrepro/engine/testutil/browser"
	"netrepro/engine/view"
)

const head = "12:00:00.000000 IP 192.0.2.1.4000 > 198.51.100.2.80: Flags [S], seq 100, win 1000, options [mss 1460], length 0\n" +
	"12:00:00.010000 IP 198.51.100.2.80 > 192.0.2.1.4000: Flags [S.], seq 500, ack 101, win 1000, options [mss 1460], length 0\n" +
	"12:00:00.020000 IP 192.0.2.1.4000 > 198.51.100.2.80: Flags [.], ack 501, win 1000, length 0\n"

// captured writes what tcpdump printed to a file. Ports and numbers of one of two captures
// are other than those of the other.
func captured(t *testing.T, text string, other bool) string {
	t.Helper()
	if other {
		text = strings.NewReplacer(".4000", ".4711", "12:00", "13:10", "seq 100", "seq 9100", "ack 101", "ack 9101", "seq 101:",
			"seq 9101:", "seq 500", "seq 77500", "ack 501", "ack 77501").Replace(text)
	}
	path := filepath.Join(t.TempDir(), "capture.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompare(t *testing.T) {
	const (
		request = "12:00:00.030000 IP 192.0.2.1.4000 > 198.51.100.2.80: Flags [P.], seq 101:201, ack 501, win 1000, length 100\n"
		again   = "12:00:01.030000 IP 192.0.2.1.4000 > 198.51.100.2.80: Flags [P.], seq 101:201, ack 501, win 1000, length 100\n"
		ack     = "12:00:01.040000 IP 198.51.100.2.80 > 192.0.2.1.4000: Flags [.], ack 201, win 1000, length 0\n"
		reset   = "12:00:01.050000 IP 198.51.100.2.80 > 192.0.2.1.4000: Flags [R.], seq 501, ack 201, win 0, length 0\n"
	)
	for _, tt := range []struct {
		name, a, b string
		want       string
		lines      []string
	}{
		{"the same", head + request, head + request, "no difference in 4 packets", nil},
		{"an acknowledgement is chance", head + request + ack, head + request, "no difference in 5 packets", nil},
		{"sent again", head + request, head + request + again,
			"0 only in the first, 1 only in the second, 0 changed, 4 the same", []string{"+    #5  192.0.2.1 > 198.51.100.2: P. 1:101(100)"}},
		{"a reset", head + request + reset, head + request,
			"1 only in the first, 0 only in the second, 0 changed, 4 the same", []string{"-    #5  198.51.100.2 > 192.0.2.1: R."}},
		{"another MSS", head, strings.Replace(head, "mss 1460", "mss 1300", 1),
			"0 only in the first, 0 only in the second, 1 changed, 2 the same", []string{"~    #1", "there: S  0:0(0) mss 1300"}},
		{"no connection", head, strings.Repeat("12:00:02.000000 IP 192.0.2.1 > 198.51.100.2: ICMP echo request, id 1, seq 1, length 64\n", 2),
			"2 only in the first, 2 only in the second, 0 changed, 1 the same", []string{"no connection\n+"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Files(t.Context(), captured(t, tt.a, false), captured(t, tt.b, true), &bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Summary(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			var out bytes.Buffer
			if err := c.Text(&out, view.Style{}); err != nil {
				t.Fatal(err)
			}
			for _, line := range tt.lines {
				if !strings.Contains(out.String(), line) {
					t.Errorf("%q is not in\n%s", line, &out)
				}
			}
		})
	}
}

// TestAlign has every row in one pair, in its order, whatever the rows are.
func TestAlign(t *testing.T) {
	rows := func(text string) (out []*Row) {
		for i, key := range strings.Split(text, "") {
			out = append(out, &Row{Number: i, key: key})
		}
		return out
	}
	for _, tt := range [][3]string{{"abcd", "abcd", "aabbccdd"}, {"abcd", "acd", "aab-ccdd"}, {"abc", "cab", "-caabbc-"},
		{"aaab", "aab", "aaaaa-bb"}, {"xyxyz", "yxyxz", "x-yyxxyy-xzz"}, {"ab", "cd", "a-b--c-d"}, {"a", "", "a-"}, {"", "a", "-a"}} {
		got := ""
		var a, b []*Row
		if tt[0] != "" {
			a = rows(tt[0])
		}
		if tt[1] != "" {
			b = rows(tt[1])
		}
		for _, p := range align(a, b) {
			for _, r := range []*Row{p.A, p.B} {
				if r == nil {
					got += "-"
				} else {
					got += r.key
				}
			}
		}
		if got != tt[2] {
			t.Errorf("%s and %s: %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

// TestPage has Chromium show a comparison.
func TestPage(t *testing.T) {
	b := browser.Start(t)
	const again = "12:00:01.030000 IP 192.0.2.1.4000 > 198.51.100.2.80: Flags [P.], seq 101:201, ack 501, win 1000, length 100\n"
	first := captured(t, head+strings.Replace(again, "12:00:01", "12:00:00", 1), false)
	second := captured(t, strings.Replace(head, "mss 1460", "mss 1300", 1)+
		strings.Replace(again, "12:00:01", "12:00:00", 1)+again, true)
	if paths := filepath.SplitList(os.Getenv("NETREPRO_DIFF")); len(paths) == 2 {
		first, second = paths[0], paths[1]
	}
	c, err := Files(t.Context(), first, second, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Page(t.Context(), first, second)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := page.Save(t.Context(), path, d); err != nil {
		t.Fatal(err)
	}
	for name, width := range map[string]int64{"diff-wide": 1600, "diff-narrow": 320} {
		p := b.Open(t, path, width, 900, width == 320)
		p.Ready(`document.documentElement.dataset.ready === "true"`)
		p.Screenshot(os.Getenv("NETREPRO_SCREENSHOTS"), name)
		p.Judge()
		for class, want := range map[string]int{"added": c.OnlyB, "gone": c.OnlyA, "changed": c.Changed} {
			if got := p.Text(`document.querySelectorAll(".compared tr.` + class + `").length`); got != strconv.Itoa(want) {
				t.Errorf("%s pairs are %s, want %d", got, class, want)
			}
		}
		p.Click(".compared tr.added button")
		p.Ready(`page.number === 1 && page.ladder.at >= 0`)
		if got := p.Text(`"#" + page.ladder.item(page.ladder.at).row.frames[0] ===
			document.querySelector(".compared tr.added button").textContent`); got != "true" {
			t.Error("a button leads to another packet")
		}
	}
}
