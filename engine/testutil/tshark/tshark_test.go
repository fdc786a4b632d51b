package tshark

import (
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/tcp/wireshark"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u1).\n": "4.0.17",
		"TShark (Wireshark) 4.2.2.\n\nCopyright":                                  "4.2.2",
		"tshark":                                                                  "",
		"":                                                                        "",
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestUnexplained excuses what a version is known to differ in, and nothing else.
func TestUnexplained(t *testing.T) {
	const a, b = wireshark.Flags(1), wireshark.Flags(2)
	known := []release{{series: "4.0.", why: "it is the model"}, {series: "9.1.", differs: a, why: "a new rule"}}
	inA, inB := Difference{Flags: a, text: "in a"}, Difference{Flags: b, text: "in b"}
	both, numbers := Difference{Flags: a | b, text: "in both"}, Difference{Numbers: true, text: "numbers"}
	for _, tt := range []struct {
		name, version string
		differences   []Difference
		want          string // what begins each line
	}{
		{"nothing differs", "4.0.17", nil, ""},
		{"the model", "4.0.17", []Difference{inA, inB}, "in a|in b|tshark 4.0.17 is known: it is the model"},
		{"a flag that is known to differ", "9.1.2", []Difference{inA}, ""},
		{"another flag", "9.1.2", []Difference{inA, inB}, "in b|tshark 9.1.2 is known: a new rule"},
		{"another flag too", "9.1.2", []Difference{both}, "in both|tshark 9.1.2 is known"},
		{"numbers", "9.1.2", []Difference{numbers}, "numbers|tshark 9.1.2 is known"},
		{"a version that is not known", "9.2.0", []Difference{inA}, "in a|tshark 9.2.0 has not been compared before"},
		{"one of which nothing differs", "9.2.0", nil, ""},
		{"a series whose name begins alike", "4.01.0", []Difference{inA}, "in a|tshark 4.01.0 has not been compared"},
	} {
		got := unexplained(tt.differences, tt.version, known)
		want := strings.Split(tt.want, "|")
		if tt.want == "" {
			want = nil
		}
		ok := len(got) == len(want)
		for i := range want {
			ok = ok && strings.HasPrefix(got[i], want[i])
		}
		if !ok {
			t.Errorf("%s: got %q, want %q", tt.name, got, want)
		}
	}
}

// TestResult adds up what several captures had.
func TestResult(t *testing.T) {
	r := Result{Packets: 10, SameSet: 9, Flags: 4, SameFlags: 3, Differences: []Difference{{text: "one"}}}
	r.Add(Result{Packets: 5, SameSet: 5, Flags: 1, SameFlags: 1, Differences: []Difference{{text: "two"}}})
	const want = "14 of 15 packets with the same set of flags, 4 of 5 flags agreed"
	if r.String() != want || len(r.Differences) != 2 || r.Differences[1].String() != "two" {
		t.Errorf("got %s, %v", r, r.Differences)
	}
}

// TestCompare holds the reading of both programs together over a capture.
func TestCompare(t *testing.T) {
	if Version() == "" {
		t.Skip("tshark is not installed")
	}
	paths, err := filepath.Glob("../../../testdata/capture/odd/*.pcap*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there is no capture: %v", err)
	}
	r, err := Compare(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if r.Packets == 0 {
		t.Error("no packet was compared")
	}
	if _, err := Compare("/no/such/file.pcap"); err == nil {
		t.Error("a file that is not there was compared")
	}
}
