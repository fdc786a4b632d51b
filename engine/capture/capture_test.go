package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// segment is an Ethernet frame with a TCP segment of no payload.
func segment(seq uint32) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198,
		51, 100, 2, 0x9c, 0x40, 1, 0xbb}
	b = binary.BigEndian.AppendUint32(b, seq)
	return append(b, 0, 0, 0, 1, 0x50, 16, 1, 244, 0, 0, 0, 0)
}

// file is a pcapng file of n segments at two points.
func file(n int) []byte {
	var e pcap.Encoder
	b := e.Section(nil, "", "", "")
	b = e.Interface(b, pcap.Interface{Name: "client/wan", Link: pcap.Ethernet})
	b = e.Interface(b, pcap.Interface{Name: "server/wan", Link: pcap.Ethernet})
	b = e.Names(b, []pcap.Name{{Addr: addr("192.0.2.1"), Host: "client"}, {Addr: addr("198.51.100.2"), Host: "server"}})
	for i := range n {
		f := pcap.Frame{Time: int64(i) * 1000, Data: segment(uint32(i)), Length: 54, Direction: pcap.Outbound}
		if i == 1 {
			f.Comments, f.Interface = []string{"a remark", "dropped: by a fault"}, 1
		}
		b = e.Packet(b, &f)
	}
	return b
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// all reads a source to its end.
func all(t *testing.T, s *Source) ([]tcp.Input, error) {
	t.Helper()
	var out []tcp.Input
	for {
		var in tcp.Input
		if err := s.Next(&in); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
		in.Packet = packet.Clone(in.Packet)
		out = append(out, in)
	}
}

func TestOpen(t *testing.T) {
	for name, data := range map[string][]byte{"plain": file(3), "gzip": zipped(file(3))} {
		path := filepath.Join(t.TempDir(), "c")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		ins, err := all(t, s)
		if err != nil || len(ins) != 3 {
			t.Fatalf("%s: %d packets, %v", name, len(ins), err)
		}
		if p := s.Points(); len(p) != 2 || p[1].Name != "server/wan" || len(p[1].Addrs) != 1 ||
			p[1].Addrs[0] != addr("198.51.100.2") {
			t.Errorf("%s: points %+v", name, p)
		}
		if in := ins[1]; in.Point != 1 || in.Dropped != "by a fault" || in.Direction != tcp.Out ||
			in.Time != time.Microsecond || in.Packet.Seq != 1 {
			t.Errorf("%s: got %+v", name, in)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCloseEarly closes a source of which little was read.
func TestCloseEarly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	if err := os.WriteFile(path, file(100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var in tcp.Input
	if err := s.Next(&in); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestFollow reads a file while it is written, a piece at a time, each cut where
// it hurts.
func TestFollow(t *testing.T) {
	const n = 50
	data := file(n)
	path := filepath.Join(t.TempDir(), "c")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	half := len(data) / 2
	if _, err := f.Write(data[:half]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := Follow(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var in tcp.Input
	for i := range n {
		if i == 10 {
			if _, err := f.Write(data[half:]); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Next(&in); err != nil {
			t.Fatalf("packet %d: %v", i+1, err)
		}
	}
	if in.N != n {
		t.Errorf("the last packet is %d, want %d", in.N, n)
	}
	cancel()
	if err := s.Next(&in); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// TestWriter copies a capture: what is known of its packets stays.
func TestWriter(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(from, file(3), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w, err := NewWriter(t.Context(), to, s)
	if err != nil {
		t.Fatal(err)
	}
	var in tcp.Input
	for s.Next(&in) == nil {
		if err := w.Write([]string{"seen"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("the file is there before it is whole")
	}
	if err := w.Close(nil); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ins, err := all(t, c)
	if err != nil || len(ins) != 3 || ins[1].Dropped != "by a fault" || ins[1].Point != 1 || len(c.Names()) != 2 ||
		c.Points()[0].Name != "client/wan" {
		t.Errorf("%d packets, %v, %+v", len(ins), err, ins)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	w, err = NewWriter(t.Context(), to, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFollowAnother ends following when the file is no longer what it was.
func TestFollowAnother(t *testing.T) {
	first, other := file(3), file(8)
	other[len(other)/2] ^= 1
	for _, tt := range []struct {
		name, want string
		do         func(path string) error
	}{
		{"moved", "moved or removed", func(path string) error { return os.Rename(path, path+".1") }},
		{"removed", "moved or removed", os.Remove},
		{"rotated", "took the place", func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, other, 0o600))
		}},
		{"rewritten longer", "start again", func(path string) error { return os.WriteFile(path, other, 0o600) }},
		{"rewritten shorter", "start again", func(path string) error { return os.WriteFile(path, other[:64], 0o600) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c")
			if err := os.WriteFile(path, first, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Follow(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var in tcp.Input
			for range 3 {
				if err := s.Next(&in); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.do(path); err != nil {
				t.Fatal(err)
			}
			if err := s.Next(&in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
