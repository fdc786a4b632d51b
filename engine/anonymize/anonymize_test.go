package anonymize_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/anonymize"
	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/tcp"
	"netrepro/engine/view/object"
)

// file is a capture of all frames, with the marker wherever else there may be one.
func file(t testing.TB) []byte {
	var e pcap.Encoder
	b := e.Section(nil, marker, marker, marker)
	for _, link := range []pcap.LinkType{pcap.Ethernet, 101, 113, 147, 127} {
		b = e.Interface(b, pcap.Interface{Name: marker + "/eth0", Description: marker, MAC: mac, Link: link, SnapLen: 1 << 16,
			Options: []pcap.Option{{Code: 11, Value: []byte("\x00" + marker)}, {Code: 2988, Value: []byte(marker)}}})
	}
	b = e.Names(b, []pcap.Name{{Addr: client, Host: marker}, {Addr: server6, Host: "www." + marker + ".example"}})
	b = e.Secrets(b, []byte("CLIENT_RANDOM "+marker+"\n"))
	of := frames(t)
	add := func(iface int, data []byte, comments ...string) {
		b = e.Packet(b, &pcap.Frame{Time: int64(len(b)), Interface: iface, Data: data, Length: len(data), Comments: comments,
			Options: []pcap.Option{{Code: 2988, Value: []byte(marker)}}})
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		data := of[name]
		add(0, data, marker, "dropped: wan: "+marker+" full", "fault: cut to 5 bytes by "+marker, "kernel timer: tcp_"+"write_timer",
			"dropped by the kernel: "+marker+" ip_rcv", `kernel reset: {"reason":"TCP_ABORT_ON_CLOSE","process":"`+marker+`"}`)
		if len(data) > 60 {
			add(0, data[:60])
		}
		if len(data) > 14 {
			add(1, data[14:])
			add(2, slices.Concat([]byte{0, 0, 0, 1, 0, 6}, mac[:], []byte(marker[:2]), data[12:]))
		}
	}
	add(3, word(90))
	add(4, slices.Concat([]byte{0, 0, 12, 0}, word(8), []byte{0x80, 0, 0, 0}, mac[:], mac[:], mac2[:], word(50)))
	return b
}

// shown is what may be shown of a capture.
func shown(t testing.TB, in []byte) ([]byte, []string) {
	t.Helper()
	var out bytes.Buffer
	_, remarks, err := anonymize.Copy(t.Context(), anonymize.NewMap(), bytes.NewReader(in), &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), remarks
}

// TestNothingLeft looks for what must not be shown, in each frame and in all of a file.
func TestNothingLeft(t *testing.T) {
	look := func(name string, out []byte) {
		lower := bytes.ToLower(out)
		for _, s := range secrets() {
			if bytes.Contains(lower, s) || bytes.Contains(out, s) {
				t.Errorf("%s: %q is left:\n%q", name, s, out)
			}
		}
	}
	for name, b := range frames(t) {
		var e pcap.Encoder
		in := e.Packet(e.Interface(e.Section(nil, "", "", ""), pcap.Interface{Link: 1}), &pcap.Frame{Data: b, Length: len(b)})
		out, _ := shown(t, in)
		look(name, out)
	}
	in := file(t)
	if n := bytes.Count(in, []byte(marker)); n < 500 {
		t.Fatalf("the marker is there %d times", n)
	}
	for _, s := range secrets() {
		if !bytes.Contains(in, s) && bytes.ContainsAny(s, "\x00\xff\xde") {
			t.Errorf("%q is not in the file", s)
		}
	}
	out, remarks := shown(t, in)
	look("file", out)
	if len(remarks) != 1 || !strings.Contains(remarks[0], "1 frames are of link type 147") {
		t.Errorf("said %q", remarks)
	}
	for _, kept := range []string{"HTTP/1.1\r\n", "Host: ", "Content-Length: 5\r\n", "\x02h2", "dropped: ", "kernel reset: ",
		"TCP_ABORT_ON_CLOSE", "tcp_write_timer"} {
		if !bytes.Contains(out, []byte(kept)) {
			t.Errorf("%q is gone", kept)
		}
	}
}

// told is what trace says of a capture, without addresses, names and what was said.
func told(t testing.TB, b []byte) (out []string) {
	t.Helper()
	s, err := capture.New(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	a := tcp.New(tcp.Options{})
	var in tcp.Input
	var r tcp.Record
	for {
		if err := s.Next(&in); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, pcap.ErrCut) {
				out = append(out, err.Error())
			}
			return out
		}
		a.Describe(s.Points())
		a.Add(&in, &r)
		var m map[string]any
		if err := json.Unmarshal(object.AppendJSON(nil, &r), &m); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"src", "dst"} {
			if s, ok := m[k].(string); ok && m["stream"] != nil && m["proto"] == nil && strings.Contains(s, ":") {
				m[k] = s[strings.LastIndexByte(s, ':'):]
			} else if ok {
				m[k] = "…"
			}
		}
		if apps, ok := m["app"].([]any); ok {
			for i, app := range apps {
				apps[i] = said.ReplaceAllString(app.(string), "$1")
			}
		}
		for _, k := range []string{"dropped", "fault", "kernel_drop"} {
			if s, ok := m[k].(string); ok {
				m[k] = len(s)
			}
		}
		delete(m, "quoted")
		line, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, address.ReplaceAllString(string(line), "…"))
	}
}

// address is one in a note.
var address = regexp.MustCompile(`\[?(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,})\]?`)

// dumps are lines of bytes.
var dumps = regexp.MustCompile(`(?m)^\s+0x[0-9a-f]{4}:  .*$`)

// said is what an event of TLS or HTTP is, without the names in it.
var said = regexp.MustCompile(`^(tls client-hello|http (?:[A-Z]+ |HTTP/1.\d \d+)).*`)

// captures are those of the repository, and those that the environment names.
func captures(t testing.TB) (paths []string) {
	for _, dir := range append(filepath.SplitList(os.Getenv("NETREPRO_CAPTURES")), "../../testdata/capture",
		"../../testdata/capture/odd", "../../testdata/capture/pasted", "../../testdata/incidents") {
		for _, ext := range []string{"*.pcap", "*.pcapng", "*.txt"} {
			found, _ := filepath.Glob(filepath.Join(dir, ext))
			paths = append(paths, found...)
		}
	}
	if len(paths) == 0 {
		t.Fatal("there are no captures")
	}
	return paths
}

// TestSameDiagnosis compares what is said of captures and of what may be shown of them.
func TestSameDiagnosis(t *testing.T) {
	all := map[string][]byte{"made": file(t)}
	for _, path := range captures(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = b
	}
	for name, b := range all {
		var out bytes.Buffer
		_, _, err := anonymize.Copy(t.Context(), anonymize.NewMap(), bytes.NewReader(b), &out)
		if err != nil && !errors.Is(err, pcap.ErrCut) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bytes.Contains(b, []byte("0x0000:  ")) { // the bytes that -x prints are left out, and what they say
			b = dumps.ReplaceAll(b, nil)
		}
		want, got := told(t, b), told(t, out.Bytes())
		if len(want) != len(got) {
			t.Errorf("%s: %d packets became %d", name, len(want), len(got))
		}
		for i := range min(len(want), len(got)) {
			if want[i] != got[i] {
				t.Errorf("%s: frame %d\n%s\nbecame\n%s", name, i+1, want[i], got[i])
				break
			}
		}
	}
}

// TestSizes keeps every frame as long as it was, at its time.
func TestSizes(t *testing.T) {
	in := file(t)
	out, _ := shown(t, in)
	a, err := pcap.NewReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	b, err := pcap.NewReader(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	var f, g pcap.Frame
	for a.Next(&f) == nil {
		if err := b.Next(&g); err != nil {
			t.Fatal(err)
		}
		if f.Time != g.Time || len(f.Data) != len(g.Data) || f.Length != g.Length || f.Interface != g.Interface ||
			f.Link != g.Link || a.Interfaces[f.Interface].SnapLen != b.Interfaces[f.Interface].SnapLen {
			t.Errorf("%+v became %+v", f, g)
		}
	}
	host := b.Names[0].Host
	if host == marker || b.Interfaces[0].Name != host+"/if0" {
		t.Errorf("%q has the interface %q", host, b.Interfaces[0].Name)
	}
}

// TestFile holds the file to being there only once it is whole.
func TestFile(t *testing.T) {
	whole := file(t)
	for _, tt := range []struct {
		name   string
		in     []byte
		out    string // what is done about the file
		err    string
		exists func(b []byte, err error) bool
	}{
		{"whole", whole, "out", "", func(b []byte, err error) bool { return err == nil && len(b) > 1000 }},
		{"cut", whole[:len(whole)-10], "out", "after frame", func(b []byte, err error) bool { return err == nil && len(b) > 1000 }},
		{"damaged", append(slices.Clone(whole), 6, 0, 0, 0, 13, 0, 0, 0), "out", "a block of 13 bytes",
			func(_ []byte, err error) bool { return os.IsNotExist(err) }},
		{"empty", nil, "out", "the file is empty", func(_ []byte, err error) bool { return os.IsNotExist(err) }},
		{"prose", []byte("dear " + marker + "\n"), "out", "no line of it", func(_ []byte, err error) bool { return os.IsNotExist(err) }},
		{"itself", whole, "in", "it is the file that is read", func(b []byte, _ error) bool { return bytes.Equal(b, whole) }},
		{"no folder", whole, "none/out", "no such file", func(_ []byte, err error) bool { return err != nil }},
	} {
		dir := t.TempDir()
		in := filepath.Join(dir, "in")
		if err := os.WriteFile(in, tt.in, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, filepath.FromSlash(tt.out))
		err := anonymize.File(t.Context(), in, out, io.Discard, io.Discard)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if b, err := os.ReadFile(out); !tt.exists(b, err) {
			t.Errorf("%s: %d bytes, %v", tt.name, len(b), err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("%s: left behind: %v", tt.name, left)
		}
	}
}
