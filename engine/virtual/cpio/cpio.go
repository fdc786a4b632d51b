// Package cpio writes archives in the form that Linux unpacks into its first file system
// (newc). It does not read them.
//
// Invariant: the same entries give the same bytes; the archive knows no clock and no owner.
package cpio

import (
	"fmt"
	"io"
	"path"
)

// Types of entries, as stat(2) has them.
const (
	typeDir    = 0o040000
	typeFile   = 0o100000
	typeLink   = 0o120000
	typeDevice = 0o020000 // of characters
)

// Writer writes one archive. The first error stays; Close returns it.
type Writer struct {
	w    io.Writer
	at   int64
	node int
	dirs map[string]bool
	err  error
}

// NewWriter begins an archive.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, dirs: map[string]bool{}} }

// Dir makes a directory, and those above it.
func (w *Writer) Dir(name string) {
	if name = clean(name); name == "" || w.dirs[name] {
		return
	}
	w.Dir(path.Dir(name))
	w.dirs[name] = true
	w.entry(name, typeDir|0o755, nil, 0, 0)
}

// File makes a file with the permissions mode.
func (w *Writer) File(name string, data []byte, mode uint32) {
	name = clean(name)
	w.Dir(path.Dir(name))
	w.entry(name, typeFile|mode&0o7777, data, 0, 0)
}

// Link makes a symbolic link.
func (w *Writer) Link(name, to string) {
	name = clean(name)
	w.Dir(path.Dir(name))
	w.entry(name, typeLink|0o777, []byte(to), 0, 0)
}

// Device makes a device of characters.
func (w *Writer) Device(name string, major, minor int) {
	name = clean(name)
	w.Dir(path.Dir(name))
	w.entry(name, typeDevice|0o600, nil, major, minor)
}

// Close ends the archive, padded so that another may follow it.
func (w *Writer) Close() error {
	w.entry("TRAILER!!!", 0, nil, 0, 0)
	w.pad(512)
	return w.err
}

// clean is a name as the archive has it: relative, and without a way out.
func clean(name string) string { return path.Clean("/" + name)[1:] }

func (w *Writer) entry(name string, mode uint32, data []byte, major, minor int) {
	w.node++
	if int64(len(data)) > 0xffffffff {
		w.fail(fmt.Errorf("archive %s: a file of %d bytes is too large", name, len(data)))
		return
	}
	w.write([]byte(fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		w.node, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0)))
	w.write([]byte(name + "\x00"))
	w.pad(4)
	w.write(data)
	w.pad(4)
}

func (w *Writer) pad(to int64) {
	if over := w.at % to; over > 0 {
		w.write(make([]byte, to-over))
	}
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	w.at += int64(n)
	w.fail(err)
}

func (w *Writer) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("write archive: %w", err)
	}
}
