// Package reading reads captures into an incident.
//
// Invariant: its memory is bounded, however long a capture is.
package reading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/diagnose/carried"
	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/diagnose/joining"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
)

const (
	// maxSegments is how many segments of all files are kept, maxFlow how many of one flow.
	maxSegments = 300_000
	maxFlow     = 150_000
	maxOthers   = 20_000
	// crowd is how many connections of a file are kept until the shortest are left aside, but for
	// recent of them.
	crowd  = 20_000
	recent = 4_000
	// head is how much of a datagram is kept.
	head = 64
	// jumble is how far packets of a capture may be out of order: those of several interfaces are.
	jumble = 10 * time.Millisecond
	// maxCopies is how many sightings of one packet are kept.
	maxCopies = 8
)

// Files reads the captures at paths. A capture that is cut short is no error. What the
// secrets of keys, and those in the captures, open of TLS is read.
func Files(ctx context.Context, paths []string, keys *keylog.Log) (*incident.Incident, error) {
	capture.LimitMemory()
	in := &incident.Incident{}
	left := maxSegments
	for i, path := range paths {
		// What a file does not take is for those after it.
		f, err := readFile(ctx, path, keys, left/(len(paths)-i))
		if err != nil {
			return nil, err
		}
		f.Index = len(in.Files)
		f.Study() // and lets go of what is too much, before the next is read
		for _, fl := range f.Flows {
			left -= len(fl.Segments)
		}
		in.Files = append(in.Files, f)
	}
	joining.Files(in)
	return in, nil
}

func readFile(ctx context.Context, path string, keys *keylog.Log, most int) (*incident.File, error) {
	s, err := capture.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	f, err := read(s, keys, most)
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
	file    *incident.File
	points  []tcp.Point
	flows   map[*tcp.Conn]*incident.Flow
	aside   map[int]bool              // connections left aside, by number
	byFrame map[int]*incident.Segment // first sightings, while copies of them may come
	kept    int
	most    int // kept at most
	carried *carried.File
	keys    *keylog.Log
}

func read(s *capture.Source, keys *keylog.Log, most int) (*incident.File, error) {
	r := &reading{file: &incident.File{Text: s.Text != nil}, flows: map[*tcp.Conn]*incident.Flow{},
		aside: map[int]bool{}, byFrame: map[int]*incident.Segment{}, carried: carried.NewFile(), keys: keys,
		most: most}
	r.file.DNS = &r.carried.DNS
	a := tcp.New(tcp.Options{})
	var input tcp.Input
	var rec tcp.Record
	for {
		err := s.Next(&input)
		if err != nil {
			r.finish(s)
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return r.file, err
		}
		if r.file.Timeless = s.Text != nil && s.Text.Timeless; r.file.Timeless {
			// Packets without a time come one after the other all the same: what asks which of
			// two came first must not be told that they came at once.
			input.Time += time.Duration(r.file.Packets)
		}
		r.points = s.Points()
		a.Describe(r.points)
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
	f.Skipped = s.Said()
	if s.Text != nil {
		f.Unread += s.Text.Skipped
		f.Names = s.Text.Names
	}
	if s.Start > dated {
		f.Start = time.Unix(0, s.Start).UTC()
	}
	if s.File != nil {
		r.keys.Add(s.File.Secrets)
	}
	for _, fl := range f.Flows {
		fl.Carried.Finish(r.keys)
	}
}

// dated is later than any time without a date: such count from the first of January 1970.
const dated = int64(20 * 365 * 24 * time.Hour)

func place(rec *tcp.Record) stream.Place {
	return stream.Place{N: rec.N, Line: rec.Line, Time: rec.Time}
}

// add takes in a record.
func (r *reading) add(rec *tcp.Record) {
	f := r.file
	f.Packets++
	if rec.Time < f.End-jumble {
		f.Backward++
	}
	f.End = max(f.End, rec.Time)
	p := rec.Packet
	switch {
	case rec.Conn != nil && p.IsTCP():
		r.segment(rec)
	case p.ICMP() != nil && rec.Copy == 0 && len(f.Messages) < maxOthers:
		m := &incident.Message{Packet: *p, File: f, N: rec.N, Line: rec.Line, Time: rec.Time, Side: rec.Side}
		if rec.About != nil {
			if m.About = r.flow(rec.About); m.About != nil {
				m.About.Messages = append(m.About.Messages, m)
			}
		}
		f.Messages = append(f.Messages, m)
	case p.Proto == packet.ProtoUDP && rec.Copy == 0 && len(f.Datagrams) < maxOthers:
		r.carried.Datagram(netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort), rec.Payload,
			place(rec))
		f.Datagrams = append(f.Datagrams, &incident.Datagram{Packet: *p, File: f, N: rec.N, Line: rec.Line,
			Time: rec.Time,
			Data: append([]byte(nil), rec.Payload[:min(len(rec.Payload), head)]...)})
	}
}

// flow is the flow of a connection, that before the NAT if it is behind one; nil if that was left
// aside.
func (r *reading) flow(c *tcp.Conn) *incident.Flow {
	for c.Nat != nil {
		c = c.Nat
	}
	fl := r.flows[c]
	if fl == nil && !r.aside[c.ID] {
		if len(r.file.Flows) >= crowd {
			r.thin()
		}
		fl = &incident.Flow{File: r.file, Conn: c, ID: c.ID}
		r.flows[c] = fl
		r.file.Flows = append(r.file.Flows, fl)
	}
	return fl
}

// thin leaves aside the shortest connections, and lets go of what is kept of them.
func (r *reading) thin() {
	for _, fl := range r.file.Thin(recent) {
		r.aside[fl.ID] = true
		delete(r.flows, fl.Conn)
		r.kept -= len(fl.Segments)
		for _, g := range fl.Segments {
			delete(r.byFrame, g.N)
		}
	}
}

func (r *reading) segment(rec *tcp.Record) {
	p := rec.Packet
	if r.kept >= r.most {
		r.file.Beyond++
		return
	}
	if rec.Copy > 0 {
		first := r.byFrame[rec.Copy]
		if first == nil {
			return
		}
		// Where the other end is, its answer comes back at once.
		first.RTT = max(first.RTT, rec.RTT)
		if fl := r.flows[rec.Root()]; fl != nil && rec.AtDestination && r.leaves(first) {
			fl.Reached[1-first.Side] = true
		}
		seen(first, rec)
		return
	}
	fl := r.flow(rec.Conn)
	if fl == nil || len(fl.Segments) >= maxFlow {
		r.file.Beyond++
		return
	}
	g := &incident.Segment{Packet: *rec.Packet, File: r.file, N: rec.N, Line: rec.Line, Time: rec.Time, Side: rec.Side,
		Point: rec.Point, Direction: rec.Direction, Class: rec.Class, Wire: rec.Flags, Resent: int(rec.Resent),
		Backoff: rec.Backoff, Gap: rec.Gap, RTT: rec.RTT, AckDelay: rec.AckDelay, InFlight: rec.InFlight,
		Reset: rec.Reset, Dropped: rec.Dropped, Original: rec.Original, App: append([]payload.Event(nil), rec.App...)}
	if first := twice(fl, g); first != nil {
		seen(first, rec)
		return
	}
	r.kept++
	fl.Segments = append(fl.Segments, g)
	if fl.Carried == nil && (p.PayloadLen > 0 || rec.Carries != nil || p.Flags.Has(packet.SYN)) {
		fl.Carried = r.carried.Open(fl.Conn.Ends)
	}
	fl.Carried.Segment(rec.Side, p, rec.Payload, rec.Carries, place(rec))
	if len(r.file.Points) > 1 || rec.Point > 0 || rec.Direction != tcp.Unknown {
		r.byFrame[rec.N] = g
	}
}

// seen adds another sighting of a segment.
func seen(g *incident.Segment, rec *tcp.Record) {
	if len(g.Copies) < maxCopies {
		g.Copies = append(g.Copies, incident.Sighting{N: rec.N, Line: rec.Line, Point: rec.Point,
			Direction: rec.Direction, Packet: *rec.Packet})
	}
}

// leaves reports whether a segment was seen first on the wire of the host that sent it.
func (r *reading) leaves(g *incident.Segment) bool {
	return g.Point < len(r.points) && slices.Contains(r.points[g.Point].Addrs, g.Src) && g.Direction == tcp.Out
}

// twice is the segment that g is seen of again at once: a capture on all interfaces whose
// names the text does not tell has each packet that is forwarded twice.
func twice(f *incident.Flow, g *incident.Segment) *incident.Segment {
	for i := len(f.Segments) - 1; i >= 0 && i > len(f.Segments)-6; i-- {
		o := f.Segments[i]
		if o.Side == g.Side && packet.SeenTwice(&o.Packet, &g.Packet, g.Time-o.Time) {
			return o
		}
	}
	return nil
}
