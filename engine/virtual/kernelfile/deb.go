package kernelfile

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// maxMember bounds one file of a package.
const maxMember = 512 << 20

// Debian goes through the files of a Debian package: take is called for every regular
// file that want asks for, with its path in the package.
func Debian(r io.Reader, want func(name string) bool, take func(name string, data []byte) error) error {
	data, err := member(bufio.NewReader(r), "data.tar")
	if err != nil {
		return fmt.Errorf("read Debian package: %w", err)
	}
	t := tar.NewReader(data)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read Debian package: %w", err)
		}
		name := path.Clean("/" + h.Name)[1:]
		if h.Typeflag != tar.TypeReg || !want(name) {
			continue
		}
		b, err := bounded(t, maxMember)
		if err != nil {
			return fmt.Errorf("read Debian package: %s: %w", name, err)
		}
		if err := take(name, b); err != nil {
			return err
		}
	}
}

// Lengths of an ar archive, the outer form of a package.
const (
	arMagic  = "!<arch>\n"
	arHeader = 60
)

// member is what stands in the member of an ar archive whose name begins with prefix,
// without its compression.
func member(r *bufio.Reader, prefix string) (io.Reader, error) {
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != arMagic {
		return nil, fmt.Errorf("%w: it is no .deb", ErrFormat)
	}
	for {
		h := make([]byte, arHeader)
		if _, err := io.ReadFull(r, h); err != nil {
			return nil, fmt.Errorf("%w: it has no %s", ErrFormat, prefix)
		}
		name := strings.TrimRight(string(h[:16]), " /")
		size, err := strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 64)
		if err != nil || size < 0 || string(h[58:]) != "`\n" {
			return nil, fmt.Errorf("%w: the header of a member is damaged", ErrFormat)
		}
		if !strings.HasPrefix(name, prefix) {
			if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		inner := bufio.NewReader(io.LimitReader(r, size))
		if name == prefix {
			return inner, nil
		}
		head, err := inner.Peek(8)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return decompressor(head, inner)
	}
}
