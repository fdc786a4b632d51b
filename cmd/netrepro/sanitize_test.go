//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/sanitize"
	"netrepro/engine/testutil/leaks"
)

// harm is text that does something to a terminal or to whoever reads it, without
// what would end a line of it.
var harm = []string{"\x1b[31mred", "\x1b]0;title\x07", "\x1bP+q\x1b\\", "a\x08\x08b\r", "\u009b2J", "\x9b2J",
	"\x7f\x00", "\u202eback\u202c", "\u2066x\u2069", "a\u2028b", "\ufeff\u200b", "\U000e0041", "\xe2\x94"}

// shown runs a command, with colours and without, and fails if anything of what
// it shows could do harm.
func shown(t *testing.T, args ...string) (out, errs string) {
	t.Helper()
	for _, color := range []bool{true, false} {
		var o, e bytes.Buffer
		run(t.Context(), env{args: args, out: &o, err: &e, color: color, terminal: color})
		for _, s := range append([]string{"\r\x1b[K"}, "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m",
			"\x1b[33m", "\x1b[36m") {
			out = strings.ReplaceAll(o.String(), s, "")
			o.Reset()
			o.WriteString(out)
		}
		errs = e.String()
		for _, text := range []string{out, errs} {
			if i := differ(text, sanitize.Lines(text)); i >= 0 {
				t.Errorf("%v shows %q", args, text[max(i-20, 0):min(i+20, len(text))])
			}
		}
	}
	return out, errs
}

// differ is where a and b begin to, -1 if they do not.
func differ(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// harmfulCapture has harm in every text that a pcapng file can hold, and in an
// HTTP request.
func harmfulCapture(t *testing.T, h string) string {
	t.Helper()
	var e pcap.Encoder
	b := e.Section(nil, h, h, h)
	b = e.Interface(b, pcap.Interface{Name: h + "/" + h, Link: pcap.Ethernet})
	b = e.Names(b, []pcap.Name{{Addr: addr("192.0.2.1"), Host: h}})
	payload := "GET /" + h + " HTTP/1.1\r\nHost: " + h + "\r\n\r\n"
	frame := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, byte(40 + len(payload)), 0, 1, 0x40, 0, 64, 6,
		0, 0, 192, 0, 2, 1, 198, 51, 100, 2,
		0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 244, 0, 0, 0, 0}
	frame = append(frame, payload...)
	for _, c := range []string{h, "dropped: " + h, "fault: " + h} {
		b = e.Packet(b, &pcap.Frame{Data: frame, Length: len(frame), Comments: []string{c}})
	}
	path := filepath.Join(t.TempDir(), "c.pcapng")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPlainTrace shows captures and pasted text that mean harm.
func TestPlainTrace(t *testing.T) {
	for _, h := range harm {
		c := harmfulCapture(t, h)
		shown(t, "trace", c)
		shown(t, "trace", "--color", "always", c)
		out, _ := shown(t, "trace", "--json", c)
		for line := range strings.Lines(out) {
			var x map[string]any
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Errorf("%q is no JSON: %v", line, err)
			}
		}
		shown(t, "trace", "--filter", h+"="+h, c)
		shown(t, "trace", "--color", h, c)
		w := filepath.Join(t.TempDir(), "w.pcapng")
		shown(t, "trace", c, "-w", w)
		shown(t, "trace", w)
		text := filepath.Join(t.TempDir(), "text")
		good := "12:00:00.000000 IP 192.0.2.1.40000 > 198.51.100.2.80: Flags [S], seq 1, win 1, length 0\n"
		for _, bad := range []string{
			"12:00:00.000000 IP %s > %s: Flags [S], seq 1\n",
			"12:00:00.000000 IP h%s.1 > 192.0.2.1.%s: Flags [S], seq 1\n",
			"12:00:00.000000 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [%s], seq %s\n",
			"12:00:00.000000 IP %s.40000 > %s.80: Flags [S], seq 1, win 1, length 0\n",
			"12:00:00.000000 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [P.], seq 1:2, ack 1, win 1, length 1: HTTP: " +
				"GET /%s HTTP/1.1%s\n",
		} {
			for _, head := range []string{"", good} {
				if err := os.WriteFile(text, []byte(head+fmt.Sprintf(bad, h, h)), 0o600); err != nil {
					t.Fatal(err)
				}
				shown(t, "trace", text)
				shown(t, "trace", "--json", text)
			}
		}
		shown(t, "trace", "no such file "+h)
		shown(t, h)
	}
}

// TestPlainRun runs scripts, and programs, that mean harm.
func TestPlainRun(t *testing.T) {
	leaks.Lab(t)
	dir := t.TempDir()
	script := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var quoted []string
	for _, h := range harm {
		s := ""
		for i := range len(h) {
			s += fmt.Sprintf("\\%03d", h[i])
		}
		quoted = append(quoted, s)
	}
	q, raw := strings.Join(quoted, " "), strings.Join(harm, " ")
	head := `local h, ends = "` + q + `", path { host "a", wire {}, host "b" }` + "\n"
	for i, text := range []string{
		head + `scenario "error" { topology = ends, run = function() error(h) end }`,
		head + `scenario "table" { topology = ends, run = function() error { [h] = h } end }`,
		head +
			`scenario "print" { topology = ends, about = h, tags = { h }, run = function(net) print(h) step(h) expect(h, h):equals(h .. "x") expect(net.trace):includes { http = h } end }`,
		head + `scenario "names" { topology = ends, variants = { { "` +
			strings.Join(strings.Fields(strings.ReplaceAll(q, "\\044", "")), "") +
			`", x = h } }, matrix = { [h] = { h } }, run = function(net, v) expect(v.x):is_nil() end }`,
		head + `scenario "program" { topology = ends, run = function(net)
  net.a:start { "sh", "-c", "printf '%s\\n' \"$H\"; exit 1", env = { H = ("` + strings.ReplaceAll(q, "\\000", "") + `") }, ready = { line = "never" }, timeout = "200ms" } end }`,
		head + `scenario "no-program" { topology = ends, run = function(net) net.a:run { "no` +
			strings.ReplaceAll(q, "\\000", "") + `" } end }`,
		head + `error(h)`,
		head + `local x = net.` + raw,
		`-- ` + raw + "\nlocal x = nothing -- " + raw,
	} {
		path := script(fmt.Sprintf("%d.lua", i), text)
		shown(t, "check", path)
		shown(t, "list", path)
		shown(t, "list", "--markdown", path)
		out, _ := shown(t, "list", "--json", path)
		for line := range strings.Lines(out) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%q is no JSON", line)
			}
		}
		shown(t, "run", "-v", "-o", filepath.Join(dir, "out"), path)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
