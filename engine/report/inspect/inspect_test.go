package inspect

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/capture"
	"netrepro/engine/view"
)

const sample = "../../../testdata/capture/close-notify-after-fin.tcpdump.txt"

// lines counts those that hold a text.
func lines(text, with string) (n int) {
	for l := range strings.Lines(text) {
		if strings.Contains(l, with) {
			n++
		}
	}
	return n
}

// TestShow holds what is shown to the options, and what is said of it.
func TestShow(t *testing.T) {
	all := func(o Options) Options { o.Flow = -1; return o }
	for _, tt := range []struct {
		name    string
		options Options
		check   func(out string) bool
		says    string // on the side
		err     string
	}{
		{"ladders", all(Options{}),
			func(out string) bool { return lines(out, "flow ") > 0 && !strings.HasPrefix(out, "{") }, "", ""},
		{"an object a packet", all(Options{JSON: true}),
			func(out string) bool { return lines(out, `{"n":`) == strings.Count(out, "\n") && out != "" }, "", ""},
		{"one packet", all(Options{JSON: true, Filter: "frame=2"}),
			func(out string) bool { return strings.Count(out, "\n") == 1 && strings.Contains(out, `"n":2,`) }, "", ""},
		{"one connection", Options{JSON: true, Flow: 0},
			func(out string) bool { return lines(out, `"stream":0`) == strings.Count(out, "\n") && out != "" }, "", ""},
		{"a connection that is not there", Options{JSON: true, Flow: 99}, func(out string) bool { return out == "" },
			"", "there is no flow 99: there "},
		{"no such packet", all(Options{Filter: "frame=9999"}), func(out string) bool { return out == "" },
			"netrepro: no packet matches", ""},
		{"a host that the capture does not name", all(Options{Filter: "from=clien"}), func(out string) bool { return out == "" },
			"", "neither an address nor a host that the capture names"},
		{"a mistake in the filter", all(Options{Filter: "frobnicate=1"}), func(out string) bool { return out == "" },
			"", "frobnicate"},
	} {
		var out, side bytes.Buffer
		tt.options.Style = view.Style{Width: 120}
		err := Show(t.Context(), sample, tt.options, &out, &side)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if !tt.check(out.String()) || !strings.Contains(side.String(), tt.says) {
			t.Errorf("%s: shown\n%s\nsaid %q", tt.name, &out, &side)
		}
	}
}

// TestShowNothing says of a file that it has no packets, or is none.
func TestShowNothing(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := file("empty.pcap",
		"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00")
	for path, want := range map[string]string{
		empty: "netrepro: the capture has no packets", file("none", ""): "the file is empty", dir +
			"/missing": "no such file",
	} {
		var out, side bytes.Buffer
		err := Show(t.Context(), path, Options{Flow: -1}, &out, &side)
		said := side.String()
		if err != nil {
			said += err.Error()
		}
		if !strings.Contains(said, want) || out.Len() > 0 {
			t.Errorf("%s: said %q, shown %q", path, said, &out)
		}
	}
}

// TestWrite writes a capture that says of its packets what they were.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.pcapng")
	var out, side bytes.Buffer
	if err := Show(t.Context(), sample, Options{Flow: -1, Write: path}, &out, &side); err != nil || out.Len() > 0 {
		t.Fatalf("%v, shown %q", err, &out)
	}
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil || s.File == nil {
		t.Errorf("it is no capture file: %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte("netrepro")) {
		t.Errorf("no comment was written, %v", err)
	}
}
