package files

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
)

// Apart refuses to write to what is read: out must be none of in, whatever they are called.
// "-" among in is standard input; an out of "-" or "" is no file.
func Apart(out string, in ...string) error {
	if out == "" || out == "-" {
		return nil
	}
	to, err := os.Stat(out)
	if err != nil || !to.Mode().IsRegular() { // there is none, or it keeps nothing
		return nil
	}
	for _, path := range in {
		from, err := os.Stat(path)
		if path == "-" {
			from, err = os.Stdin.Stat()
		}
		if err == nil && os.SameFile(from, to) {
			return fmt.Errorf("write %s: it is the file that is read: name another file", out)
		}
	}
	return nil
}

// Kind is what a file is, as far as its beginning tells.
type Kind int

// Kinds.
const (
	Unknown  Kind = iota
	Nothing       // it is empty, or there is none
	Capture       // a capture, or something compressed, as captures are
	Scenario      // a Lua file with a scenario
	Page          // HTML
	Run           // the record of a run
)

// headSize is how much of a file is looked at.
const headSize = 64 << 10

// KindOf looks at the beginning of a regular file.
func KindOf(path string) Kind {
	if st, err := os.Stat(path); err != nil {
		return Nothing
	} else if !st.Mode().IsRegular() {
		return Unknown
	}
	b, err := head(path)
	if err != nil {
		return Unknown
	}
	return kind(b)
}

// head is the beginning of a file.
func head(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was read
	return io.ReadAll(io.LimitReader(f, headSize))
}

// Replaceable reports whether what is at path can be written over: there is nothing, it is
// no regular file, it is empty, or it begins with a text.
func Replaceable(path, text string) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() == 0 {
		return true // what cannot be written is an error of whoever writes it
	}
	b, err := head(path)
	return err == nil && bytes.HasPrefix(b, []byte(text))
}

// captures are what captures begin with: pcap in both orders of bytes, with microseconds
// and nanoseconds, pcapng, and gzip.
var captures = []string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x0a\x0d\x0d\x0a",
	"\x1f\x8b"}

func kind(b []byte) Kind {
	for _, magic := range captures {
		if bytes.HasPrefix(b, []byte(magic)) {
			return Capture
		}
	}
	text := bytes.TrimLeft(b, "\ufeff \t\r\n")
	switch {
	case len(b) == 0:
		return Nothing
	case bytes.HasPrefix(bytes.ToLower(text), []byte("<!doctype html")):
		return Page
	case bytes.HasPrefix(text, []byte(`{"event":`)):
		return Run
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimLeft(line, " \t")
		if rest, ok := bytes.CutPrefix(line, []byte("scenario")); ok {
			if rest = bytes.TrimLeft(rest, " \t("); len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'' || rest[0] == '[') {
				return Scenario
			}
		}
	}
	return Unknown
}

// Replaces refuses to write over a file that is something else than what is to be written:
// one that is there must be empty or of one of the kinds. what says what others are not.
func Replaces(out, what string, kinds ...Kind) error {
	if st, err := os.Stat(out); out == "" || out == "-" || err != nil || !st.Mode().IsRegular() {
		return nil // what cannot be written is an error of whoever writes it
	}
	if is := KindOf(out); is == Nothing || slices.Contains(kinds, is) {
		return nil
	}
	return fmt.Errorf("write %s: there is a file of this name, and it is no %s: name another file, or remove it", out, what)
}
