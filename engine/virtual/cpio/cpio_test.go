package cpio

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"testing"
)

// read lists the entries of an archive: name, mode and what it holds.
func read(t *testing.T, b []byte) []string {
	t.Helper()
	var out []string
	number := func(at, field int) int {
		n, err := strconv.ParseUint(string(b[at+6+8*field:at+14+8*field]), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	up := func(n int) int { return (n + 3) &^ 3 }
	for at := 0; ; {
		if string(b[at:at+6]) != "070701" {
			t.Fatalf("no entry at %d", at)
		}
		mode, size, name := number(at, 1), number(at, 6), number(at, 11)
		text := string(b[at+110 : at+110+name-1])
		data := up(at + 110 + name)
		if text == "TRAILER!!!" {
			return out
		}
		out = append(out, fmt.Sprintf("%s %o %q", text, mode, b[data:data+size]))
		at = up(data + size)
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.File("/a/b/c", []byte("hello"), 0o755)
	w.File("a/b/../../../d", []byte("x"), 0o644)
	w.Link("sbin/modprobe", "/init")
	w.Device("dev/console", 5, 1)
	w.Dir("a/b")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{`a 40755 ""`, `a/b 40755 ""`, `a/b/c 100755 "hello"`, `d 100644 "x"`, `sbin 40755 ""`,
		`sbin/modprobe 120777 "/init"`, `dev 40755 ""`, `dev/console 20600 ""`}
	if got := read(t, b.Bytes()); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if b.Len()%512 != 0 {
		t.Errorf("%d bytes: another archive cannot follow", b.Len())
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriterError(t *testing.T) {
	w := NewWriter(full{})
	w.File("a", nil, 0)
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
