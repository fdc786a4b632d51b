// Package kernelfile reads the files that kernels come in: Debian's packages, bzImage and
// compressed modules. It starts nothing.
//
// Invariant: what is read takes no more memory than its bound, whatever a file says of its
// own size.
package kernelfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// ErrFormat says that a file is none that this package reads.
var ErrFormat = errors.New("not a known format")

// formats are the compressed forms that kernels and their modules come in.
var formats = []struct {
	name, magic string
	open        func(io.Reader) (io.Reader, error)
}{
	{"xz", "\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
	{"gzip", "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}},
	{"lz4", "\x02\x21\x4c\x18", func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }},
}

// decompressor reads what stands compressed in r, told by its first bytes.
func decompressor(head []byte, r io.Reader) (io.Reader, error) {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			d, err := f.open(r)
			if err != nil {
				return nil, fmt.Errorf("decompress %s: %w", f.name, err)
			}
			return d, nil
		}
	}
	return nil, fmt.Errorf("decompress: %w", ErrFormat)
}

// Decompress is what stands compressed in b, or b itself if it is an ELF file. What is
// longer than most is an error.
func Decompress(b []byte, most int) ([]byte, error) {
	if bytes.HasPrefix(b, []byte(elfMagic)) {
		return b, nil
	}
	r, err := decompressor(b, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return bounded(r, most)
}

// bounded reads all of r, which must not be longer than most.
func bounded(r io.Reader, most int) ([]byte, error) {
	if c, ok := r.(io.Closer); ok {
		defer c.Close() // only read from
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decompress: %w", err)
	case len(b) > most:
		return nil, fmt.Errorf("decompress: it is longer than %d MB", most>>20)
	}
	return b, nil
}

const elfMagic = "\x7fELF"
