package capture_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"netrepro/engine/capture"
	"netrepro/engine/packet/header/link"
	"netrepro/engine/tcp"
)

// cooked is a frame of SLL2 on an interface, of a kind.
func cooked(iface, kind int) string {
	return "\x08\x00\x00\x00\x00\x00" + be(iface) + "\x00\x01" + string(rune(kind)) + "\x06" + zeroes(8) + syn4
}

// filtered is a frame of pflog on an interface, one way.
func filtered(name string, way int) string {
	return "\x3d\x02\x00\x00" + name + zeroes(16-len(name)) + zeroes(40) + string(rune(way)) + "\x00\x00\x00" + syn4
}

// tapped is a frame of PKTAP on an interface, one way.
func tapped(name string, way int) string {
	return "\x6c\x00\x00\x00\x01\x00\x00\x00\x0c\x00\x00\x00" + name + zeroes(24-len(name)) + string(rune(way)) +
		zeroes(71) + syn4
}

// seen is where a frame was captured, and which way it went.
type seen struct {
	at  string
	way tcp.Direction
}

// where reads where the frames of a capture were.
func where(t *testing.T, path string, then func(*capture.Source)) (out []seen, points int) {
	t.Helper()
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var in tcp.Input
	for s.Next(&in) == nil {
		if !in.Packet.IsTCP() {
			t.Errorf("frame %d: %+v", in.N, in.Packet)
		}
		out = append(out, seen{s.Points()[in.Point].Name, in.Direction})
		then(s)
	}
	return out, len(s.Points())
}

// TestPoints takes the points and directions that headers of links tell, and writes them
// so that they are read again.
func TestPoints(t *testing.T) {
	for _, tt := range []struct {
		name   string
		link   link.Link
		frames []string
		want   []seen
	}{
		{"cooked, with interfaces", link.SLL2, []string{cooked(7, 0), cooked(9, 4), cooked(7, 3), cooked(9, 2)},
			[]seen{{"if 7", tcp.In}, {"if 9", tcp.Out}, {"if 7", tcp.Unknown}, {"if 9", tcp.In}}},
		{"cooked", link.SLL, []string{"\x00\x04\x00\x01\x00\x06" + zeroes(8) + "\x08\x00" + syn4,
			"\x00\x00\x00\x01\x00\x06" + zeroes(8) + "\x08\x00" + syn4}, []seen{{"", tcp.Out}, {"", tcp.In}}},
		{"pflog", link.Pflog, []string{filtered("em0", 1), filtered("em1", 2)}, []seen{{"em0", tcp.In}, {"em1", tcp.Out}}},
		{"pktap", link.PKTAP, []string{tapped("en0", 2), tapped("lo0", 1)}, []seen{{"en0", tcp.Out}, {"lo0", tcp.In}}},
		{"pktap in pcap", link.PKTAPUser, []string{tapped("en0", 2)}, []seen{{"en0", tcp.Out}}},
		{"ppp", link.PPPDir, []string{"\x00\xff\x03\x00\x21" + syn4, "\x01\xff\x03\x00\x21" + syn4},
			[]seen{{"", tcp.In}, {"", tcp.Out}}},
		{"raw", link.Raw, []string{syn4}, []seen{{"", tcp.Unknown}}},
	} {
		path := written(t, func(yield func(link.Link, string) bool) {
			for _, f := range tt.frames {
				if !yield(tt.link, f) {
					return
				}
			}
		})
		names := map[string]bool{"": true} // the interface of the file
		for _, w := range tt.want {
			names[w.at] = true
		}
		copied := filepath.Join(t.TempDir(), "copy.pcapng")
		var w *capture.Writer
		got, n := where(t, path, func(s *capture.Source) {
			var err error
			if w == nil {
				if w, err = capture.NewWriter(context.Background(), copied, s); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Write(nil); err != nil {
				t.Error(err)
			}
		})
		if err := w.Close(nil); err != nil {
			t.Error(err)
		}
		again, m := where(t, copied, func(*capture.Source) {})
		if !slices.Equal(got, tt.want) || !slices.Equal(again, tt.want) || n != len(names) || m != n {
			t.Errorf("%s: got %v of %d points, written %v of %d, want %v", tt.name, got, n, again, m, tt.want)
		}
	}
}
