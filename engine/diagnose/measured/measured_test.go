package measured_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/measured"
	"netrepro/engine/diagnose/reading"
)

// line is one of tcpdump: at ms milliseconds, from the client or the server.
func line(ms int, from, rest string) string {
	c, s := "192.0.2.10.40100", "198.51.100.20.8080"
	if from == "server" {
		c, s = s, c
	}
	return fmt.Sprintf("10:00:%02d.%06d IP %s > %s: Flags %s", ms/1000, ms%1000*1000, c, s, rest)
}

var opened = []string{line(0, "client", "[S], seq 1000, win 64240, options [mss 1460,nop,wscale 7], length 0"),
	line(20, "server", "[S.], seq 5000, ack 1001, win 65160, options [mss 1400,nop,wscale 7], length 0"),
	line(20, "client", "[.], ack 1, win 502, length 0")}

func TestOf(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		got   func(m *measured.Facts) any
		want  string
	}{
		{"think times", []string{line(30, "client", "[P.], seq 1:101, ack 1, win 502, length 100"),
			line(90, "server", "[P.], seq 1:51, ack 101, win 502, length 50"), line(590, "client", "[P.], seq 101:111, ack 51, win 502, length 10"),
			line(600, "server", "[P.], seq 51:52, ack 111, win 502, length 1")},
			func(m *measured.Facts) any { return m.Think }, "[{1 500ms 500ms} {2 60ms 60ms}]"},
		{"a burst before the first acknowledgement", []string{line(30, "server", "[.], seq 1:1401, ack 1, win 502, length 1400"),
			line(30, "server", "[.], seq 1401:2801, ack 1, win 502, length 1400"), line(50, "client", "[.], ack 2801, win 502, length 0"),
			line(51, "server", "[.], seq 2801:4201, ack 1, win 502, length 1400")},
			func(m *measured.Facts) any { return m.Initial }, "[{0 0} {2 2800}]"},
		{"above the MSS", []string{line(30, "server", "[.], seq 1:2921, ack 1, win 502, length 2920"),
			line(50, "client", "[.], ack 2921, win 502, length 0"), line(51, "server", "[.], seq 2921:3921, ack 1, win 502, length 1000"),
			line(71, "client", "[.], ack 3921, win 502, length 0")},
			func(m *measured.Facts) any { return []any{m.AboveMSS, m.Arrived} }, "[[0 1] [0 1040]]"},
		{"lost before", []string{line(30, "server", "[.], seq 1:1401, ack 1, win 502, length 1400"),
			line(31, "server", "[.], seq 2801:4201, ack 1, win 502, length 1400"), line(31, "client", "[.], ack 1401, win 502, length 0"),
			line(71, "server", "[.], seq 1401:2801, ack 1, win 502, length 1400"), line(72, "client", "[.], ack 4201, win 502, length 0")},
			func(m *measured.Facts) any { return m.Losses }, "[{0 0 0} {1 0 0}]"},
		{"overtaken", []string{line(30, "server", "[.], seq 1:1401, ack 1, win 502, length 1400"),
			line(31, "server", "[.], seq 2801:4201, ack 1, win 502, length 1400"), line(32, "server", "[.], seq 1401:2801, ack 1, win 502, length 1400"),
			line(33, "client", "[.], ack 4201, win 502, length 0")},
			func(m *measured.Facts) any { return m.Losses }, "[{0 0 0} {0 0 0}]"},
		{"sent again though it passed here", []string{line(30, "client", "[P.], seq 1:101, ack 1, win 502, length 100"),
			line(260, "client", "[P.], seq 1:101, ack 1, win 502, length 100"), line(280, "server", "[.], ack 101, win 502, length 0")},
			func(m *measured.Facts) any { return m.Losses }, "[{0 1 0} {0 0 0}]"},
		{"missed", []string{line(30, "server", "[.], seq 1:1401, ack 1, win 502, length 1400"),
			line(31, "server", "[.], seq 2801:4201, ack 1, win 502, length 1400"), line(31, "client", "[.], ack 4201, win 502, length 0")},
			func(m *measured.Facts) any { return m.Losses }, "[{0 0 0} {0 0 1}]"},
		{"a router's MTU", []string{line(30, "client", "[.], seq 1:1401, ack 1, win 502, length 1400"),
			"10:00:00.031000 IP 203.0.113.1 > 192.0.2.10: ICMP 198.51.100.20 unreachable - need to frag (mtu 1300), length 36"},
			func(m *measured.Facts) any { return m.NextHop }, "1300"},
		{"nothing", nil, func(m *measured.Facts) any { return *m },
			"{[{0 0s 0s} {0 0s 0s}] [] [0 0] 0 [0 0] [{0 0} {0 0}] [{0 0 0} {0 0 0}]}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lines.txt")
			text := strings.Join(append(append([]string{}, opened...), tt.lines...), "\n") + "\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := reading.Files(context.Background(), []string{path}, keylog.New())
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(tt.got(measured.Of(in.Files[0].Flows[0]))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
