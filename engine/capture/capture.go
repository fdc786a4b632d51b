// Package capture opens a capture file of any kind and hands out its packets,
// decoded.
//
// It does not follow connections; package tcp does.
//
// Invariant: no file makes it panic or use memory without bound, and what came
// before a damaged record is handed out.
package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/capture/tcpdump"
	"netrepro/engine/files"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/link"
	"netrepro/engine/tcp"
)

// frameReader hands out the frames of a capture.
type frameReader interface {
	// Next reads the next frame into f, whose data are good until the call
	// after. The error is io.EOF after the last.
	Next(f *pcap.Frame) error
}

// Source is an open capture.
type Source struct {
	// File is the capture file, nil if the capture is text.
	File *pcap.Reader
	// Text is the text of tcpdump, nil if the capture is a file.
	Text *tcpdump.Reader
	// Start is when the first frame was captured, nanoseconds since 1970.
	Start int64
	// Unknown is how many frames were of a link that is not decoded, and
	// UnknownLink one such link.
	Unknown     int
	UnknownLink pcap.LinkType

	reader frameReader
	close  io.Closer
	ahead  *ahead
	dec    packet.Decoder
	n      int
	points points
	at     int // point of the frame
	frame  pcap.Frame
	ether  []byte // of a frame of another link, as Ethernet
	packet packet.Packet
	left   map[uint64]int // where packets left, by what the file calls them
	order  []uint64       // of left, oldest first
}

// Open opens the capture file at path, "-" being standard input. Errors wrap
// [pcap.ErrFormat] if it is none.
//
// Reading fails when ctx ends.
func Open(ctx context.Context, path string) (*Source, error) {
	r, err := OpenBytes(ctx, path)
	if err != nil {
		return nil, err
	}
	s, err := New(r)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, r.Close()))
	}
	s.close = r
	return s, nil
}

// Bytes are what a capture file holds.
type Bytes struct {
	*ahead
	f *os.File
}

// OpenBytes opens the file at path as [Open] does, whatever is in it.
func OpenBytes(ctx context.Context, path string) (*Bytes, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = files.Open(ctx, path); err != nil {
			return nil, fmt.Errorf("open capture: %w", err)
		}
	}
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, errors.Join(fmt.Errorf("open capture: %s is a directory: name a file in it", path), f.Close())
	}
	r := &Bytes{ahead: newAhead(ctx), f: f}
	go r.run(f)
	return r, nil
}

// Close implements io.Closer.
func (r *Bytes) Close() error {
	r.ahead.Close()
	return r.f.Close()
}

// New reads a capture from r.
func New(r io.Reader) (*Source, error) {
	s := &Source{dec: packet.Decoder{Defragment: true, Sums: true}}
	b := bufio.NewReaderSize(r, 4096)
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	if len(head) == 0 || pcap.IsCapture(head) {
		s.File, err = pcap.NewReader(b)
		s.reader = s.File
		return s, err
	}
	s.Text = tcpdump.NewReader(b)
	s.reader = s.Text
	return s, nil
}

// Close closes the file.
func (s *Source) Close() error {
	if s.ahead != nil {
		s.ahead.Close()
	}
	if s.close == nil {
		return nil
	}
	return s.close.Close()
}

// Said are the things that a reader must know of how the capture was read, a sentence each.
func (s *Source) Said() (out []string) {
	if s.Unknown > 0 {
		out = append(out, fmt.Sprintf("%s of link type %d, which is not decoded", counted(s.Unknown), s.UnknownLink))
	}
	if s.Text != nil {
		out = append(out, s.Text.Said()...)
	}
	return out
}

func counted(n int) string {
	if n == 1 {
		return "1 frame is"
	}
	return fmt.Sprintf("%d frames are", n)
}

// Next reads the next packet. What in points to is good until the call after.
func (s *Source) Next(in *tcp.Input) error {
	if err := s.reader.Next(&s.frame); err != nil {
		return err
	}
	s.n++
	f := &s.frame
	if s.n == 1 {
		s.Start = f.Time
	}
	kind := packet.Link(f.Link)
	if !kind.Known() {
		s.Unknown++
		s.UnknownLink = f.Link
	}
	s.dec.Place = f.Interface<<2 | int(f.Direction)
	s.dec.Frame(kind, f.Data, f.Length, &s.packet)
	*in = tcp.Input{N: s.n, Time: time.Duration(f.Time - s.Start), Point: f.Interface, Packet: &s.packet,
		Payload: s.dec.Payload(), Line: f.Line, Omitted: f.Omitted, Torn: f.Torn,
		Carries: f.Carries}
	s.packet.Missing = f.Missing
	if s.Text != nil { // its frames are made up, and have no sum

		s.packet.Checksum = f.Checksum
	}
	in.Frame = f.Data
	if kind != packet.LinkEthernet {
		in.Frame = s.asEthernet()
	}
	s.place(in)
	s.sightings(in)
	for _, c := range f.Comments {
		comment(in, c)
	}
	return nil
}

// asEthernet is the packet decoded last behind a header of Ethernet without addresses,
// where header fields are looked for; nil if it is not IP.
func (s *Source) asEthernet() []byte {
	ip := s.dec.IP()
	if ip == nil {
		return nil
	}
	s.ether = append(append(s.ether[:0], make([]byte, header.EthernetSize)...), ip...)
	kind := uint16(packet.EtherTypeIPv4)
	if header.Version(ip) == 6 {
		kind = packet.EtherTypeIPv6
	}
	header.EthernetType.Put(s.ether, kind)
	return s.ether
}

// sightings finds the frame in which the packet left, if the file says which
// frames are one packet.
func (s *Source) sightings(in *tcp.Input) {
	switch id := s.frame.ID; {
	case id == 0:
	case in.Direction == tcp.Out:
		if s.left == nil {
			s.left = map[uint64]int{}
		}
		in.Paired, s.left[id] = true, in.N
		if s.order = append(s.order, id); len(s.order) > maxUnderWay {
			delete(s.left, s.order[0])
			s.order = s.order[1:]
		}
	default:
		// Whether it arrives once more the file does not say.
		in.SameAs, in.More = s.left[id], true
	}
}

// maxUnderWay is how many packets back the frame is looked for in which one left.
const maxUnderWay = 1 << 16

// place says where a frame was captured and which way it went: by what the file says of
// it, or the header of its link.
func (s *Source) place(in *tcp.Input) {
	f := &s.frame
	var from link.Origin
	if f.Link != pcap.Ethernet {
		from = link.OriginOf(packet.Link(f.Link), f.Data)
	}
	s.points.learn(s)
	s.at = s.points.find(f.Interface, from)
	in.Point = s.at
	switch {
	case f.Direction == pcap.Inbound, f.Direction == pcap.Unknown && from.In:
		in.Direction = tcp.In
	case f.Direction == pcap.Outbound, f.Direction == pcap.Unknown && from.Out:
		in.Direction = tcp.Out
	}
}

// Points are the capture points read so far: the interfaces of the file, or, where the
// headers of frames name interfaces, those.
func (s *Source) Points() []tcp.Point {
	s.points.learn(s)
	return s.points.all
}

// interfaces are those that the file or the text has described.
func (s *Source) interfaces() []pcap.Interface {
	if s.File != nil {
		return s.File.Interfaces
	}
	return s.Text.Interfaces
}

// Begun reports whether the file is there as far as to its first packet: if it ends within
// a record, it is a capture all the same.
func (s *Source) Begun() bool { return s.File == nil || len(s.File.Interfaces) > 0 }

// Names are the hosts that the capture names.
func (s *Source) Names() []pcap.Name {
	if s.File != nil {
		return s.File.Names
	}
	return s.Text.Names
}

// Lost is how many packets the capturing program reported to have lost.
func (s *Source) Lost() uint64 {
	if s.File != nil {
		return s.File.Lost
	}
	return s.Text.Lost
}
