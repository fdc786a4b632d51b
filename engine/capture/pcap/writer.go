package pcap

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

const (
	chunkSize  = 256 << 10 // bytes handed to the file at a time under load
	chunkCount = 64        // bounds what waits for a slow disk to 16 MiB
)

// Writer appends blocks to a file from one goroutine while another writes to
// the disk. Its methods must be called from one goroutine at a time. A nil
// *Writer, and a closed one, takes blocks and does nothing.
type Writer struct {
	Encoder
	f    *os.File
	cur  []byte
	full chan []byte
	free chan []byte
	done chan struct{}

	closed bool

	mu  sync.Mutex
	err error
}

// Create makes the file at path and writes head, the blocks that describe the
// section and its interfaces, to it at once. The file is its owner's alone: it
// may hold the keys of what it holds.
func Create(path string, head []byte) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create capture: %w", err)
	}
	if _, err := f.Write(head); err != nil {
		return nil, errors.Join(fmt.Errorf("write capture: %w", err), f.Close())
	}
	w := &Writer{f: f, full: make(chan []byte, chunkCount), free: make(chan []byte, chunkCount),
		done: make(chan struct{})}
	for range chunkCount - 1 {
		w.free <- nil // allocated when first needed
	}
	go w.drain()
	return w, nil
}

// Append lets add append whole blocks to the buffer. It waits when the disk
// is too far behind.
func (w *Writer) Append(add func(b []byte) []byte) {
	if w == nil || w.closed {
		return
	}
	if w.cur == nil {
		w.cur = make([]byte, 0, chunkSize)
	}
	w.cur = add(w.cur)
	if len(w.cur) > chunkSize*3/4 {
		w.Flush()
	}
}

// Flush hands what is buffered to the disk without waiting for it.
func (w *Writer) Flush() {
	if w == nil || len(w.cur) == 0 {
		return
	}
	w.full <- w.cur
	w.cur = <-w.free
	w.cur = w.cur[:0]
}

// Close flushes, closes the file and returns the first error of any write.
func (w *Writer) Close() error {
	if w == nil || w.closed {
		return nil
	}
	w.Flush()
	w.closed = true
	close(w.full)
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.err, w.f.Close())
}

func (w *Writer) drain() {
	defer close(w.done)
	for b := range w.full {
		w.write(b)
		w.free <- b
	}
}

// write writes a chunk of whole blocks at once, so that the file is readable at
// any moment. After an error nothing more is: what is whole comes before it.
func (w *Writer) write(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if _, err := w.f.Write(b); err != nil {
		w.err = fmt.Errorf("write capture: %w: it is cut short", err)
	}
}
