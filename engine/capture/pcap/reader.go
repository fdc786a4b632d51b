package pcap

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Reader reads the frames of a capture file: pcap with microseconds or
// nanoseconds, of either byte order, pcapng, and gzip of all these.
type Reader struct {
	// Gzip says that the file is compressed.
	Gzip bool
	// Interfaces seen so far. A pcap file has one; the numbers of a pcapng
	// file with several sections continue from one section to the next.
	Interfaces []Interface
	// Names of name resolution blocks read so far.
	Names []Name
	// Section of the last section header block.
	Section Section
	// Secrets holds the TLS key log lines read so far, at most maxSecrets.
	Secrets []byte
	// Lost is how many packets the capturing program reported to have lost.
	Lost uint64

	r     *bufio.Reader
	order binary.ByteOrder
	next  func(*Frame) error
	buf   []byte
	head  [28]byte
	first int // interface that is number 0 of this section
	nano  bool
	extra int // bytes more per packet header, of a modified pcap
	kept  int // bytes of names and options
}

const (
	bufferSize = 1 << 20
	maxSecrets = 4 << 20
	// maxKept bounds the bytes that names and options of interfaces take,
	// maxInterfaces how many there are.
	maxKept       = 8 << 20
	maxInterfaces = 1 << 12
	// maxFrameOptions bounds the bytes that comments and options of one frame
	// take.
	maxFrameOptions = 1 << 18
)

// Magic numbers of pcap files.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // packet headers of 24 bytes, by Kuznetzov's patch
)

// IsCapture reports whether a file that begins with head, at least 4 bytes, is
// one that [NewReader] reads.
func IsCapture(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	if head[0] == 0x1f && head[1] == 0x8b {
		return true
	}
	m := binary.LittleEndian.Uint32(head)
	return m == blockSection || isPcap(m) || isPcap(binary.BigEndian.Uint32(head))
}

func isPcap(m uint32) bool { return m == magicMicro || m == magicNano || m == magicModified }

// NewReader begins to read a capture. An error is [ErrFormat] if r is none, or
// what r failed with.
func NewReader(r io.Reader) (*Reader, error) {
	p := &Reader{r: bufio.NewReaderSize(r, bufferSize)}
	head, err := p.r.Peek(4)
	if err == nil && head[0] == 0x1f && head[1] == 0x8b {
		z, zerr := gzip.NewReader(p.r)
		if zerr != nil {
			return nil, damaged("gzip: %w", zerr)
		}
		p.Gzip = true
		p.r = bufio.NewReaderSize(z, bufferSize)
		head, err = p.r.Peek(4)
	}
	switch {
	case errors.Is(err, io.EOF) && len(head) == 0:
		return nil, damaged("the file is empty")
	case errors.Is(err, io.EOF):
		return nil, damaged("the file has %d bytes", len(head))
	case err != nil:
		return nil, p.failed(err)
	}
	if binary.LittleEndian.Uint32(head) == blockSection {
		p.next = p.nextBlock
		return p, nil
	}
	return p, p.openPcap(head)
}

// failed is an error of the file underneath, or of its compression.
func (p *Reader) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	if p.Gzip && (errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || isFlate(err)) {
		return damaged("gzip: %w", err)
	}
	return fmt.Errorf("read capture: %w", err)
}

// Next reads the next frame into f; what f held before is gone, and its data
// are good until the call after. The error is [io.EOF] after the last frame,
// [ErrCut] or [ErrFormat] if the file is damaged there.
func (p *Reader) Next(f *Frame) error { return p.next(f) }

// full reads exactly len(b) bytes; the end of the file before the first of
// them is io.EOF if atStart.
func (p *Reader) full(b []byte, atStart bool) error {
	n, err := io.ReadFull(p.r, b)
	switch {
	case err == nil:
		return nil
	case atStart && n == 0 && errors.Is(err, io.EOF):
		return io.EOF
	}
	return p.failed(err)
}

// take returns the next n bytes, good until the next read. Memory grows with
// what is there, not with what a length field claims.
func (p *Reader) take(n int) ([]byte, error) {
	if n <= p.r.Size() {
		b, err := p.r.Peek(n)
		if err != nil {
			return nil, p.failed(err)
		}
		if _, err := p.r.Discard(n); err != nil {
			return nil, p.failed(err)
		}
		return b, nil
	}
	w := bytes.NewBuffer(p.buf[:0])
	if _, err := io.CopyN(w, p.r, int64(n)); err != nil {
		return nil, p.failed(err)
	}
	p.buf = w.Bytes()
	return p.buf, nil
}

// openPcap reads the file header of a pcap file, whose first bytes are head.
func (p *Reader) openPcap(head []byte) error {
	p.order = binary.LittleEndian
	magic := binary.LittleEndian.Uint32(head)
	if m := binary.BigEndian.Uint32(head); isPcap(m) {
		magic, p.order = m, binary.BigEndian
	}
	switch magic {
	case magicMicro:
	case magicNano:
		p.nano = true
	case magicModified:
		p.extra = 8
	default:
		return damaged("it begins with % x, which no pcap or pcapng file does", head)
	}
	var h [24]byte
	if err := p.full(h[:], false); err != nil {
		return err
	}
	if major := p.order.Uint16(h[4:]); major != 2 {
		return damaged("pcap version %d.%d", major, p.order.Uint16(h[6:]))
	}
	// The upper bits of the last field say how long a checksum is.
	p.Interfaces = []Interface{{Link: LinkType(p.order.Uint32(h[20:]) & 0xffff), SnapLen: p.order.Uint32(h[16:])}}
	p.next = p.nextRecord
	return nil
}

// nextRecord reads a packet of a pcap file.
func (p *Reader) nextRecord(f *Frame) error {
	h := p.head[:16+p.extra]
	if err := p.full(h, true); err != nil {
		return err
	}
	sec, frac := p.order.Uint32(h), p.order.Uint32(h[4:])
	caplen, length := p.order.Uint32(h[8:]), p.order.Uint32(h[12:])
	if caplen > maxRecord {
		return damaged("a packet of %d bytes", caplen)
	}
	data, err := p.take(int(caplen))
	if err != nil {
		return err
	}
	ns := int64(frac)
	if !p.nano {
		ns *= 1000
	}
	*f = Frame{Time: int64(sec)*1e9 + ns, Data: data, Length: int(min(max(length, caplen), 1<<31-1)),
		Link: p.Interfaces[0].Link}
	return nil
}
