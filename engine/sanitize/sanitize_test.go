package sanitize

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// corpus is text that does something to a terminal or to whoever reads it.
var corpus = []struct{ in, text string }{
	{"plain, ünïcödé → 日本", "plain, ünïcödé → 日本"},
	{"\x1b[31mred", "\ufffd[31mred"},
	{"\x1b]0;title\x07", "\ufffd]0;title\ufffd"},
	{"a\rb\x08c", "a\ufffdb\ufffdc"},
	{"\u009b2J", "\ufffd2J"},
	{"\x9b2J", "\ufffd2J"},
	{"\x7f\x00", "\ufffd\ufffd"},
	{"\u202eback\u202c \u2066x\u2069 \u200f", "\ufffdback\ufffd \ufffdx\ufffd \ufffd"},
	{"a\u2028b\u2029c", "a\ufffdb\ufffdc"},
	{"\ufeff\u200b\u00ad", "\ufffd\ufffd\ufffd"},
	{"\U000e0041tag", "\ufffdtag"},
	{"cut \xe2\x94", "cut \ufffd\ufffd"},
	{"a\tb\nc", "a\ufffdb\ufffdc"},
}

func TestText(t *testing.T) {
	for _, tt := range corpus {
		if got := Text(tt.in); got != tt.text {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.text)
		}
		if got := Text(tt.text); got != tt.text {
			t.Errorf("%q is not plain to itself: %q", tt.text, got)
		}
	}
	if got := Lines("a\tb\nc\x1b"); got != "a\tb\nc\ufffd" {
		t.Errorf("got %q", got)
	}
}

// TestJSON holds JSON that was made plain to its meaning.
func TestJSON(t *testing.T) {
	for _, tt := range corpus {
		b, err := json.Marshal(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		out := JSON(b)
		if err := json.Unmarshal(b, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &after); err != nil || after != before {
			t.Errorf("%s became %s: %q, %v", b, out, after, err)
		}
		if s := string(out); s != Text(s) {
			t.Errorf("%s is not plain", out)
		}
	}
}

// TestWriter writes the corpus in pieces of every length.
func TestWriter(t *testing.T) {
	const red, off = "\x1b[31m", "\x1b[0m"
	for _, tt := range corpus {
		in, want := red+tt.in+off, red+Lines(tt.in)+off
		if strings.Contains(tt.in, red) {
			want = red + tt.in + off // which is ours
		}
		for size := 1; size <= len(in); size++ {
			var out bytes.Buffer
			w := NewWriter(&out)
			w.Allow(red, off)
			for at := 0; at < len(in); at += size {
				piece := in[at:min(at+size, len(in))]
				if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", in, size, &out, want)
			}
		}
	}
	var out bytes.Buffer
	w := NewWriter(&out)
	_, _ = w.Write([]byte("end\xe2\x94"))
	if err := w.Flush(); err != nil || !utf8.Valid(out.Bytes()) {
		t.Errorf("got %q, %v", &out, err)
	}
}

func FuzzWriter(f *testing.F) {
	for _, tt := range corpus {
		f.Add([]byte(tt.in), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		var out bytes.Buffer
		w := NewWriter(&out)
		w.Allow("\x1b[0m")
		size = max(size, 1)
		for at := 0; at < len(b); at += size {
			_, _ = w.Write(b[at:min(at+size, len(b))])
			size = min(size, len(b))
		}
		_ = w.Flush()
		s := strings.ReplaceAll(out.String(), "\x1b[0m", "")
		if s != Lines(s) {
			t.Fatalf("%q is not plain", s)
		}
	})
}
