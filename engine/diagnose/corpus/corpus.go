// Package corpus makes of one capture the many that somebody may have of the same
// incident: from each capture point, of one side only, from the middle on, cut short.
//
// The diagnosis is held to it by a test.
package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// View is one capture of an incident.
type View struct {
	Name string // "whole", "point 2", "one side", "middle", "cut"
	Path string
}

// frame is a frame and what the views ask of it.
type frame struct {
	pcap.Frame
	point int
	side  int // of its connection; -1 if it has none
	nth   int // packet of its connection, from 0
}

// Views writes the views of the capture at path into dir. What the engine knows and a
// capture of somebody else has not, comments and the names of hosts, is left out of all
// of them.
func Views(ctx context.Context, path, dir string) ([]View, error) {
	frames, points, err := load(ctx, path)
	if err != nil {
		return nil, err
	}
	var views []View
	write := func(name string, keep func(i int, f *frame) bool) error {
		p := filepath.Join(dir, fmt.Sprintf("%d.pcapng", len(views)))
		n, err := save(p, frames, keep)
		if err == nil && n > 0 {
			views = append(views, View{Name: name, Path: p})
		}
		return err
	}
	for p := range points {
		err = errors.Join(err, write(fmt.Sprintf("point %d", p), func(_ int, f *frame) bool { return f.point == p }))
	}
	err = errors.Join(err, write("one side", func(_ int, f *frame) bool { return f.point == 0 && f.side != 1 }),
		write("middle", func(_ int, f *frame) bool { return f.point == 0 && (f.side < 0 || f.nth >= 3) }),
		write("cut", func(i int, f *frame) bool { return f.point == 0 && i < len(frames)*4/5 }))
	return views, err
}

func load(ctx context.Context, path string) (fs []*frame, points int, err error) {
	s, err := capture.Open(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a := tcp.New(tcp.Options{})
	var in tcp.Input
	var rec tcp.Record
	seen := map[*tcp.Conn]map[int]int{}
	for {
		if err := s.Next(&in); errors.Is(err, io.EOF) {
			return fs, points, nil
		} else if err != nil {
			return nil, 0, err
		}
		a.Describe(s.Points())
		a.Add(&in, &rec)
		f := &frame{Frame: pcap.Frame{Time: s.Start + int64(in.Time), Data: append([]byte(nil), in.Frame...),
			Length: int(in.Packet.Length)}, point: in.Point, side: -1}
		if in.Packet.Proto == packet.ProtoTCP && rec.Conn != nil {
			f.side = rec.Side
			if seen[rec.Conn] == nil {
				seen[rec.Conn] = map[int]int{}
			}
			f.nth = seen[rec.Conn][in.Point]
			seen[rec.Conn][in.Point]++
		}
		points = max(points, in.Point+1)
		if in.Dropped == "" || in.Direction != tcp.In {
			fs = append(fs, f)
		}
	}
}

// save writes the frames that are kept, as one interface would have seen them.
func save(path string, fs []*frame, keep func(int, *frame) bool) (n int, err error) {
	var e pcap.Encoder
	b := e.Section(nil, "", "", "")
	b = e.Interface(b, pcap.Interface{Link: pcap.Ethernet})
	for i, f := range fs {
		if keep(i, f) {
			f.Interface = 0
			b = e.Packet(b, &f.Frame)
			n++
		}
	}
	return n, os.WriteFile(path, b, 0o600)
}
