package emit_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit"
	"netrepro/engine/reproduction/read"
)

var update = flag.Bool("update", false, "write the scenarios that the captures become")

const captures = "../../../testdata/capture/"

// imported is a capture and the scenario that it becomes.
func imported(t *testing.T, path string, o read.Options) (*reproduction.Incident, string) {
	t.Helper()
	inc, err := read.File(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return inc, emit.Scenario(inc, emit.Options{Peer: -1})
}

// TestFounding holds the scenarios of the two incidents to the files in testdata.
func TestFounding(t *testing.T) {
	for _, name := range []string{"close-notify-after-fin", "rst-without-fin-seen"} {
		_, got := imported(t, captures+name+".tcpdump.txt", read.Options{Flow: -1})
		file := filepath.Join("testdata", name+".lua")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s becomes another scenario: look at the difference, and run with -update\n%s", name, got)
		}
		if _, again := imported(t, captures+name+".tcpdump.txt", read.Options{Flow: -1}); again != got {
			t.Errorf("%s becomes another scenario each time", name)
		}
	}
}

// secret is a capture with payload, names and addresses that nothing may tell.
const secret = `09:00:00.000000 IP 192.0.2.77.51000 > 203.0.113.9.8080: Flags [S], seq 100, win 64240, options [mss 1460,nop,wscale 7], length 0
09:00:00.010000 IP 203.0.113.9.8080 > 192.0.2.77.51000: Flags [S.], seq 900, ack 101, win 65160, length 0
09:00:00.010100 IP 192.0.2.77.51000 > 203.0.113.9.8080: Flags [.], ack 1, win 502, length 0
09:00:00.020000 IP 192.0.2.77.51000 > 203.0.113.9.8080: Flags [P.], seq 1:21, ack 1, win 502, length 20
	0x0000:  4500 003c 0001 4000 4006 0000 c000 024d  E..<..@.@......M
	0x0010:  cb00 7109 c738 1f90 0000 0065 0000 0385  ..q..8.....e....
	0x0020:  5018 01f6 0000 0000 4f50 454e 2d53 4553  P.......OPEN-SES
	0x0030:  414d 4520 6875 6e74 6572 320a            AME.hunter2.
09:00:00.030000 IP 203.0.113.9.8080 > 192.0.2.77.51000: Flags [P.], seq 1:101, ack 21, win 509, length 100
09:00:00.030100 IP 192.0.2.77.51000 > 203.0.113.9.8080: Flags [.], ack 101, win 501, length 0
`

func capture(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// address finds what looks like one. Those of the lab are not written either.
var address = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+|[0-9a-f]+::?[0-9a-f:]+:`)

// TestNothingTold looks for addresses, names and payload of captures in scenarios.
func TestNothingTold(t *testing.T) {
	paths := []string{capture(t, secret)}
	for _, pattern := range []string{"*.txt", "odd/*"} {
		found, err := filepath.Glob(captures + pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	seen := 0
	for _, path := range paths {
		inc, err := read.File(t.Context(), path, read.Options{Flow: -1})
		if err != nil {
			continue // it is no capture of TCP
		}
		seen++
		for _, peer := range []int{-1, reproduction.Client, reproduction.Server} {
			text := emit.Scenario(inc, emit.Options{Peer: peer})
			if a := address.FindString(text); a != "" {
				t.Errorf("%s: the scenario has the address %s", path, a)
			}
			for _, name := range append(inc.Names, "SESAME", "hunter2", filepath.Base(path)) {
				if name != "" && strings.Contains(text, name) {
					t.Errorf("%s: the scenario tells %q", path, name)
				}
			}
		}
	}
	if seen < 3 {
		t.Errorf("%d captures were read", seen)
	}
}

// TestKept has the payload in the scenario where that is asked for.
func TestKept(t *testing.T) {
	inc, text := imported(t, capture(t, secret), read.Options{Flow: -1, Payload: true})
	if !inc.Kept || !strings.Contains(text, "SESAME hunter2") && !strings.Contains(text, "OPEN-SESAME") {
		t.Skip("the text reader hands out no payload")
	}
	if a := address.FindString(text); a != "" {
		t.Errorf("the scenario has the address %s", a)
	}
}

// TestAwaitsTheEnd has a side that writes to a kernel which no longer knows the connection:
// written earlier, the bytes would have been read.
func TestAwaitsTheEnd(t *testing.T) {
	const talk = `09:00:00.000000 IP 192.0.2.77.51000 > 203.0.113.9.80: Flags [S], seq 100, win 64240, length 0
09:00:00.000100 IP 203.0.113.9.80 > 192.0.2.77.51000: Flags [S.], seq 900, ack 101, win 65160, length 0
09:00:00.000200 IP 192.0.2.77.51000 > 203.0.113.9.80: Flags [.], ack 1, win 64240, length 0
09:00:00.000300 IP 192.0.2.77.51000 > 203.0.113.9.80: Flags [P.], seq 1:7, ack 1, win 64240, length 6
09:00:00.000400 IP 203.0.113.9.80 > 192.0.2.77.51000: Flags [.], ack 7, win 65160, length 0
09:00:00.001300 IP 192.0.2.77.51000 > 203.0.113.9.80: Flags [P.], seq 7:12, ack 1, win 64240, length 5
09:00:00.001400 IP 203.0.113.9.80 > 192.0.2.77.51000: Flags [R], seq 901, win 0, length 0
`
	file := filepath.Join(t.TempDir(), "talk.txt")
	if err := os.WriteFile(file, []byte(talk), 0o600); err != nil {
		t.Fatal(err)
	}
	_, got := imported(t, file, read.Options{Flow: -1})
	at := -1
	for _, line := range []string{"local gone = false", "conn:vanish()", "gone = true", "conn:write(filler(6))",
		`while not gone do sleep "5ms" end`, "conn:write(filler(5))"} {
		i := strings.Index(got, line)
		if i <= at {
			t.Fatalf("%q is not there, or too early, in\n%s", line, got)
		}
		at = i
	}
}
