package capture

import (
	"bufio"
	"context"
	"fmt"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/files"
)

// Writer writes frames of a source to a pcapng file, with the interfaces, names,
// TLS keys, comments and options that the source has of them. The file is there
// only once it is whole, and a new one is for its owner alone.
type Writer struct {
	source  *Source
	f       *files.Output
	w       *bufio.Writer
	enc     pcap.Encoder
	buf     []byte
	begun   bool
	ifaces  int
	names   int
	secrets int
}

// NewWriter begins a file at path. A pipe there is waited for until ctx ends.
func NewWriter(ctx context.Context, path string, s *Source) (*Writer, error) {
	f, err := files.Create(ctx, path, files.Secret)
	if err != nil {
		return nil, fmt.Errorf("write capture: %w", err)
	}
	return &Writer{source: s, f: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

// section begins the file, once the source has read where it comes from.
func (w *Writer) section() {
	if w.begun {
		return
	}
	w.begun = true
	var from pcap.Section
	if w.source.File != nil {
		from = w.source.File.Section
	}
	w.buf = w.enc.Section(w.buf, from.Comment, from.OS, "netrepro")
}

// Write adds the frame that the source read last, with more comments.
func (w *Writer) Write(comments []string) error {
	w.head()
	f := w.source.frame
	f.Interface = w.source.at
	f.Comments = append(f.Comments[:len(f.Comments):len(f.Comments)], comments...)
	w.buf = w.enc.Packet(w.buf, &f)
	_, err := w.w.Write(w.buf)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// head adds what the source has come to know since the frame before.
func (w *Writer) head() {
	w.section()
	names := w.source.Names()
	if w.source.File != nil {
		if s := w.source.File.Secrets; len(s) > w.secrets {
			w.buf = w.enc.Secrets(w.buf, s[w.secrets:])
			w.secrets = len(s)
		}
	}
	if w.ifaces == 0 || w.ifaces < len(w.source.points.all) {
		for _, i := range w.source.points.described(w.source, w.ifaces) {
			w.buf = w.enc.Interface(w.buf, i)
			w.ifaces++
		}
	}
	if len(names) > w.names {
		w.buf = w.enc.Names(w.buf, names[w.names:])
		w.names = len(names)
	}
}

// Close ends the file and puts it in its place, or, if err says that something
// went wrong, removes it.
func (w *Writer) Close(err error) error {
	if err == nil {
		w.section() // if no packet was written
		_, err = w.w.Write(w.buf)
	}
	if err == nil {
		err = w.w.Flush()
	}
	if cerr := w.f.Close(err); cerr != nil {
		return fmt.Errorf("write capture: %w", cerr)
	}
	return nil
}
