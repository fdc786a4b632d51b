// Package anonymize writes a capture that may be shown. Addresses, names and payload are
// replaced, the same by the same; lengths, times and numbers stay, and checksums stay as
// right or as wrong as they were. So what is diagnosed of it is what was diagnosed of the
// original.
//
// `standin` has what stands in for what, `frame` goes through headers, `payload` through
// what connections carry, with `hello` for TLS and `dns`, and `text` through the text of
// tcpdump.
//
// Invariant: what is not understood is replaced. The file is there only once it is whole.
package anonymize

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"netrepro/engine/anonymize/standin"
	"netrepro/engine/anonymize/text"
	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/files"
)

// Map knows what stands in for addresses and names: see [standin.Map].
type Map = standin.Map

// NewMap is a map that knows nothing yet.
func NewMap() *Map { return standin.NewMap() }

// mode is that of new files: they are to be shown.
const mode = 0o644

// File writes to the file at out what may be shown of the capture at path, and says on
// complain what the reader must know of it. An out of "-" is stdout. A capture becomes
// pcapng, text stays text.
//
// Of a capture that ends in the middle of a record, what came before is written, and the
// error is [pcap.ErrCut]. After any other error the file at out is what it was.
func File(ctx context.Context, path, out string, stdout, complain io.Writer) (err error) {
	capture.LimitMemory()
	if err := errors.Join(files.Apart(out, path), files.Replaces(out, "capture", files.Capture, files.Unknown)); err != nil {
		return err
	}
	in, err := capture.OpenBytes(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	to := stdout
	var f *files.Output
	if out != "-" {
		if f, err = files.Create(ctx, out, mode); err != nil {
			return fmt.Errorf("write capture: %w", err)
		}
		to = f
	}
	w := bufio.NewWriterSize(to, 256<<10)
	n, remarks, err := Copy(ctx, NewMap(), in, w)
	whole := err == nil || errors.Is(err, pcap.ErrCut) && ctx.Err() == nil // what came before is good
	if err != nil {
		err = fmt.Errorf("read %s: after frame %d: %w", path, n, err)
	}
	if whole || f == nil {
		if ferr := w.Flush(); ferr != nil {
			whole, err = false, errors.Join(err, fmt.Errorf("write capture: %w", ferr))
		}
	}
	if f != nil {
		failed := err
		if whole {
			failed = nil
		}
		if cerr := f.Close(failed); cerr != nil && failed == nil {
			err = errors.Join(err, fmt.Errorf("write capture: %w", cerr))
		}
	}
	if err == nil {
		for _, r := range remarks {
			fmt.Fprintln(complain, "netrepro: "+r)
		}
	}
	return err
}

// Copy writes to w what may be shown of the capture that r reads. It returns the number
// of its frames, and what the reader must know of it.
func Copy(ctx context.Context, m *Map, r io.Reader, w io.Writer) (n int, remarks []string, err error) {
	b := bufio.NewReaderSize(r, 4096)
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	if len(head) > 0 && !pcap.IsCapture(head) {
		n, err = text.Copy(m, b, w)
		return n, nil, err
	}
	in, err := pcap.NewReader(b)
	if err != nil {
		return 0, nil, err
	}
	c := newCopier(m, in, w)
	err = c.run(ctx)
	return c.n, c.remarks(), err
}
