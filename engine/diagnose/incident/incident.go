// Package incident reads captures of one incident and works out what can be measured:
// who talks to whom, from where it was captured, what was acknowledged when.
//
// It judges nothing; the rooms beside it do.
//
// Invariant: its memory is bounded, however long a capture is.
package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/wireshark"
)

// Incident is what all captures of it show.
type Incident struct {
	Files []*File
}

// File is one capture.
type File struct {
	Name    string
	Index   int // among the files of the incident
	Packets int // how many it has
	Text    bool
	Flows   []*Flow
	// Messages are ICMP messages, Datagrams those of UDP that are kept.
	Messages  []*Message
	Datagrams []*Datagram
	Points    []tcp.Point
	// Lost is how many packets the capturing program lost, Unread how many lines or
	// frames could not be read, Beyond how many came after the bound.
	Lost, Unread, Beyond int
	// Skipped says of the first lines of text that were not understood why.
	Skipped []string
	// Cut says why the file ends early; empty if it does not.
	Cut string
	// End is the time of the last packet.
	End time.Duration
	// Ladder is true if the capture says itself whose wires it was made on.
	Owned bool
}

// Segment is one TCP segment. What was seen of it at other points of the same file is
// in Copies.
type Segment struct {
	packet.Packet
	File      *File
	N, Line   int
	Time      time.Duration
	Side      int // which end of its flow sent it
	Point     int
	Direction tcp.Direction
	Class     sender.Class
	Wire      wireshark.Flags
	Resent    int // how often its sequence space was sent before
	Backoff   int
	Gap       time.Duration // since it was sent last
	RTT       time.Duration
	AckDelay  time.Duration
	InFlight  uint32
	Reset     *reset.Verdict
	App       []payload.Event
	// Acked is the segment that acknowledges all of it, Sacked the one that says that
	// it arrived out of order; nil if there is none.
	Acked, Sacked *Segment
	// Dsack says that one of its SACK blocks reports what had arrived before
	// (RFC 2883).
	Dsack bool
	// Dropped is what dropped it, where the capture says so.
	Dropped string
	Copies  []Sighting
}

// Sighting is a packet at another point of the same capture.
type Sighting struct {
	N, Line, Point int
	Direction      tcp.Direction
	Packet         packet.Packet
}

// Message is an ICMP message.
type Message struct {
	packet.Packet
	File    *File
	N, Line int
	Time    time.Duration
	About   *Flow // nil if it is about none that the file has
	Side    int   // which end of About sent what it is about
}

// Datagram is one of UDP whose beginning is kept.
type Datagram struct {
	packet.Packet
	File    *File
	N, Line int
	Time    time.Duration
	Data    []byte // of the payload, its beginning
}

const (
	// maxSegments is how many segments of a file are kept, maxFlow how many of one flow.
	maxSegments = 300_000
	maxFlow     = 30_000
	maxOthers   = 20_000
	// head is how much of a datagram is kept.
	head = 64
	// maxCopies is how many sightings of one packet are kept.
	maxCopies = 8
)

// Read reads the captures at paths. A capture that is cut short is no error.
func Read(ctx context.Context, paths []string) (*Incident, error) {
	in := &Incident{}
	for i, path := range paths {
		f, err := readFile(ctx, path)
		if err != nil {
			return nil, err
		}
		f.Index = i
		in.Files = append(in.Files, f)
	}
	for _, f := range in.Files {
		f.study()
	}
	in.join()
	return in, nil
}

func readFile(ctx context.Context, path string) (*File, error) {
	s, err := capture.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	f, err := read(s)
	f.Name = path
	if errors.Is(err, pcap.ErrCut) {
		f.Cut, err = err.Error(), nil
	}
	if err != nil {
		err = fmt.Errorf("read %s: after frame %d: %w", path, f.Packets, err)
	}
	return f, errors.Join(err, s.Close())
}

// reading is a file while it is read.
type reading struct {
	file    *File
	flows   map[*tcp.Conn]*Flow
	byFrame map[int]*Segment // first sightings, while copies of them may come
	kept    int
}

func read(s *capture.Source) (*File, error) {
	r := &reading{file: &File{Text: s.Text != nil}, flows: map[*tcp.Conn]*Flow{}, byFrame: map[int]*Segment{}}
	a := tcp.New(tcp.Options{})
	var input tcp.Input
	var rec tcp.Record
	for {
		err := s.Next(&input)
		if err != nil {
			r.finish(s)
			if errors.Is(err, errEnd) {
				err = nil
			}
			return r.file, err
		}
		a.Describe(s.Points())
		a.Add(&input, &rec)
		r.add(&rec)
	}
}

func (r *reading) finish(s *capture.Source) {
	f := r.file
	f.Points, f.Lost, f.Unread = s.Points(), int(s.Lost()), s.Unknown
	for _, p := range f.Points {
		f.Owned = f.Owned || len(p.Addrs) > 0
	}
	if s.Text != nil {
		f.Unread += s.Text.Skipped
		if s.Text.Skipped > 0 {
			f.Skipped = append(f.Skipped, fmt.Sprintf("%d lines were not understood, the first is line %d: %s",
				s.Text.Skipped,
				s.Text.FirstSkipped, s.Text.SkippedWhy))
		}
	}
}

// add takes in a record.
func (r *reading) add(rec *tcp.Record) {
	f := r.file
	f.Packets++
	f.End = max(f.End, rec.Time)
	p := rec.Packet
	switch {
	case rec.Conn != nil && p.IsTCP():
		r.segment(rec)
	case p.ICMP() != nil && rec.Copy == 0 && len(f.Messages) < maxOthers:
		m := &Message{Packet: *p, File: f, N: rec.N, Line: rec.Line, Time: rec.Time, Side: rec.Side}
		if rec.About != nil {
			m.About = r.flow(rec.About)
			m.About.Messages = append(m.About.Messages, m)
		}
		f.Messages = append(f.Messages, m)
	case p.Proto == packet.ProtoUDP && rec.Copy == 0 && len(f.Datagrams) < maxOthers:
		f.Datagrams = append(f.Datagrams, &Datagram{Packet: *p, File: f, N: rec.N, Line: rec.Line, Time: rec.Time,
			Data: append([]byte(nil), rec.Payload[:min(len(rec.Payload), head)]...)})
	}
}

// flow is the flow of a connection; each of a NAT has its own.
func (r *reading) flow(c *tcp.Conn) *Flow {
	fl := r.flows[c]
	if fl == nil {
		fl = &Flow{File: r.file, Conn: c, ID: c.ID}
		r.flows[c] = fl
		r.file.Flows = append(r.file.Flows, fl)
	}
	return fl
}

func (r *reading) segment(rec *tcp.Record) {
	if r.kept >= maxSegments {
		r.file.Beyond++
		return
	}
	if rec.Copy > 0 {
		if first := r.byFrame[rec.Copy]; first != nil && len(first.Copies) < maxCopies {
			first.Copies = append(first.Copies, Sighting{N: rec.N, Line: rec.Line, Point: rec.Point,
				Direction: rec.Direction, Packet: *rec.Packet})
		}
		if c := rec.Conn; c.Nat == nil || r.flows[c] != nil {
			return
		}
		// The first sighting of a connection behind a NAT: the flow shall be known.
		r.flow(rec.Conn).Of = r.flow(root(rec.Conn))
		return
	}
	fl := r.flow(rec.Conn)
	if len(fl.Segments) >= maxFlow {
		r.file.Beyond++
		return
	}
	g := &Segment{Packet: *rec.Packet, File: r.file, N: rec.N, Line: rec.Line, Time: rec.Time, Side: rec.Side,
		Point: rec.Point, Direction: rec.Direction, Class: rec.Class, Wire: rec.Flags, Resent: int(rec.Resent),
		Backoff: rec.Backoff, Gap: rec.Gap, RTT: rec.RTT, AckDelay: rec.AckDelay, InFlight: rec.InFlight,
		Reset: rec.Reset, Dropped: rec.Dropped, App: append([]payload.Event(nil), rec.App...)}
	if first := twice(fl, g); first != nil {
		if len(first.Copies) < maxCopies {
			first.Copies = append(first.Copies, Sighting{N: g.N, Line: g.Line, Point: g.Point, Direction: g.Direction,
				Packet: g.Packet})
		}
		return
	}
	r.kept++
	fl.Segments = append(fl.Segments, g)
	if len(r.file.Points) > 1 || rec.Point > 0 || rec.Direction != tcp.Unknown {
		r.byFrame[rec.N] = g
	}
}

// twice is the segment that g is seen of again at once: a capture on all interfaces whose
// names the text does not tell has each packet that is forwarded twice.
func twice(f *Flow, g *Segment) *Segment {
	const apart = time.Millisecond
	for i := len(f.Segments) - 1; i >= 0 && i > len(f.Segments)-6; i-- {
		o := f.Segments[i]
		if g.Time-o.Time > apart || g.Time < o.Time {
			return nil
		}
		if o.Side == g.Side && o.Seq == g.Seq && o.Ack == g.Ack && o.PayloadLen == g.PayloadLen && o.Flags == g.Flags &&
			o.TSVal == g.TSVal && o.TSEcr == g.TSEcr && o.Packet.Window == g.Packet.Window &&
			g.Missing&packet.NoSeq == 0 &&
			(g.SeqLen() > 0 || g.Has(packet.RST)) && !g.Dsack && (g.ID == o.ID || g.TTL != o.TTL) {
			return o
		}
	}
	return nil
}

func root(c *tcp.Conn) *tcp.Conn {
	for c.Nat != nil {
		c = c.Nat
	}
	return c
}
