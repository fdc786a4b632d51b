package pcap

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pcapFile builds a pcap file with one packet a payload, a second apart.
func pcapFile(o binary.AppendByteOrder, magic uint32, link LinkType, payloads ...string) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(o.AppendUint16(b, 2), 4)
	b = o.AppendUint32(o.AppendUint32(o.AppendUint32(o.AppendUint32(b, 0), 0), 65535), uint32(link))
	for i, p := range payloads {
		b = o.AppendUint32(o.AppendUint32(b, uint32(i+1)), 7)
		b = o.AppendUint32(o.AppendUint32(b, uint32(len(p))), uint32(len(p)+100))
		if magic == magicModified {
			b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
		}
		b = append(b, p...)
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

// ngBlock builds a pcapng block of any byte order.
func ngBlock(o binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body) + 12)
	return o.AppendUint32(append(o.AppendUint32(o.AppendUint32(nil, kind), n), body...), n)
}

func ngSection(o binary.AppendByteOrder) []byte {
	b := o.AppendUint32(nil, byteOrderMagic)
	b = o.AppendUint16(o.AppendUint16(b, 1), 0)
	return ngBlock(o, blockSection, o.AppendUint64(b, ^uint64(0)))
}

func ngInterface(o binary.AppendByteOrder, link LinkType, snap uint32, options ...byte) []byte {
	return ngBlock(o, blockInterface,
		append(o.AppendUint32(o.AppendUint16(o.AppendUint16(nil, uint16(link)), 0), snap), options...))
}

func ngEnhanced(o binary.AppendByteOrder, iface uint32, stamp uint64, data string) []byte {
	b := o.AppendUint32(o.AppendUint32(o.AppendUint32(nil, iface), uint32(stamp>>32)), uint32(stamp))
	return ngBlock(o, blockEnhanced,
		append(o.AppendUint32(o.AppendUint32(b, uint32(len(data))), uint32(len(data))), data...))
}

// readAll reads every frame; its data and comments are copied.
func readAll(b []byte) (*Reader, []Frame, error) {
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	var fs []Frame
	for {
		var f Frame
		if err := r.Next(&f); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return r, fs, err
		}
		f.Data = bytes.Clone(f.Data)
		fs = append(fs, f)
	}
}

func join(bs ...[]byte) []byte { return slices.Concat(bs...) }

func TestReader(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	one := func(want Frame) func(*testing.T, *Reader, []Frame) {
		return func(t *testing.T, _ *Reader, fs []Frame) {
			t.Helper()
			if len(fs) == 0 {
				t.Fatal("no frame")
			}
			f := fs[0]
			if f.Time != want.Time || string(f.Data) != string(want.Data) || f.Length != want.Length ||
				f.Link != want.Link {
				t.Errorf("got %+v, want %+v", f, want)
			}
		}
	}
	micro := Frame{Time: 1_000_007_000, Data: []byte("abc"), Length: 103, Link: 113}
	nano := micro
	nano.Time = 1_000_000_007
	tests := []struct {
		name  string
		file  []byte
		check func(*testing.T, *Reader, []Frame)
	}{
		{"microseconds", pcapFile(le, magicMicro, 113, "abc"), one(micro)},
		{"big endian", pcapFile(be, magicMicro, 113, "abc"), one(micro)},
		{"nanoseconds", pcapFile(le, magicNano, 113, "abc"), one(nano)},
		{"nanoseconds, big endian", pcapFile(be, magicNano, 113, "abc"), one(nano)},
		{"longer packet headers", pcapFile(le, magicModified, 113, "abc"), one(micro)},
		{"gzip", zipped(pcapFile(le, magicMicro, 113, "abc")), one(micro)},
		{"no packets", pcapFile(le, magicMicro, 1), func(t *testing.T, r *Reader, fs []Frame) {
			if len(fs) != 0 || len(r.Interfaces) != 1 {
				t.Errorf("%d frames, %d interfaces", len(fs), len(r.Interfaces))
			}
		}},
		{"pcapng", join(ngSection(le), ngInterface(le, 1, 0), ngEnhanced(le, 0, 5, "abcde")),
			one(Frame{Time: 5000, Data: []byte("abcde"), Length: 5, Link: 1})},
		{"pcapng, big endian", join(ngSection(be), ngInterface(be, 1, 0), ngEnhanced(be, 0, 5, "abcde")),
			one(Frame{Time: 5000, Data: []byte("abcde"), Length: 5, Link: 1})},
		{"time in powers of two, with an offset", join(ngSection(le), ngInterface(le, 1, 0, 9, 0, 1, 0, 0x8a, 0, 0, 0,
			14, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0), ngEnhanced(le, 0, 1536, "x")),
			one(Frame{Time: 4_500_000_000, Data: []byte("x"), Length: 1, Link: 1})},
		{"a section after another counts its interfaces anew", join(ngSection(le), ngInterface(le, 1, 0),
			ngInterface(le, 1, 0), ngSection(be), ngInterface(be, 101, 0), ngEnhanced(be, 0, 1, "y")),
			func(t *testing.T, _ *Reader, fs []Frame) {
				if len(fs) != 1 || fs[0].Interface != 2 || fs[0].Link != 101 {
					t.Errorf("got %+v", fs)
				}
			}},
		{"simple packets are cut to the snap length", join(ngSection(le), ngInterface(le, 1, 4),
			ngBlock(le, blockSimple, append(le.AppendUint32(nil, 9), "abcd"...))),
			one(Frame{Data: []byte("abcd"), Length: 9, Link: 1})},
		{"an obsolete packet block", join(ngSection(le), ngInterface(le, 1, 0),
			ngBlock(le, blockPacket, append([]byte{0, 0, 7, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0},
				"hi"...))), one(Frame{Time: 5000, Data: []byte("hi"), Length: 2, Link: 1})},
		{"unknown blocks are passed over", join(ngSection(le), ngBlock(le, 0xbad, []byte("whatever")),
			ngInterface(le, 1, 0), ngEnhanced(le, 0, 5, "abcde")),
			one(Frame{Time: 5000, Data: []byte("abcde"), Length: 5, Link: 1})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, fs, err := readAll(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			tt.check(t, r, fs)
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	le := binary.LittleEndian
	ng := join(ngSection(le), ngInterface(le, 1, 0), ngEnhanced(le, 0, 5, "abcde"))
	huge := pcapFile(le, magicMicro, 1, "abc")
	le.PutUint32(huge[24+8:], 1<<31)
	tests := []struct {
		name   string
		file   []byte
		want   error
		frames int
	}{
		{"nothing", nil, ErrFormat, 0},
		{"three bytes", []byte("abc"), ErrFormat, 0},
		{"text", []byte("this is no capture"), ErrFormat, 0},
		{"half a file header", pcapFile(le, magicMicro, 1)[:20], ErrCut, 0},
		{"half a packet", pcapFile(le, magicMicro, 1, "abc", "defgh")[:24+19+18], ErrCut, 1},
		{"half a packet header", pcapFile(le, magicMicro, 1, "abc")[:30], ErrCut, 0},
		{"a packet that claims two gigabytes", huge, ErrFormat, 0},
		{"half a block", ng[:len(ng)-5], ErrCut, 0},
		{"a packet on an interface that is not described", join(ngSection(le), ngEnhanced(le, 0, 5, "abcde")),
			ErrFormat, 0},
		{"an interface of the section before", join(ng, ngSection(le), ngEnhanced(le, 0, 5, "abcde")), ErrFormat, 1},
		{"a block before the first section", ngInterface(le, 1, 0), ErrFormat, 0},
		{"lengths that differ", append(ng[:len(ng)-4:len(ng)-4], 0, 0, 0, 0), ErrFormat, 0},
		{"gzip of half a packet", zipped(pcapFile(le, magicMicro, 1, "abc")[:42]), ErrCut, 0},
		{"half a gzip", zipped(pcapFile(le, magicMicro, 1, strings.Repeat("abc", 1000)))[:40], ErrCut, 0},
		{"gzip of text", zipped([]byte("this is no capture")), ErrFormat, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, fs, err := readAll(tt.file)
			if !errors.Is(err, tt.want) || len(fs) != tt.frames {
				t.Errorf("%d frames and %v, want %d and %v", len(fs), err, tt.frames, tt.want)
			}
		})
	}
}

// everything is a file with all that is written.
func everything() []byte {
	var e Encoder
	b := e.Section(nil, "from last night", "Linux", "netrepro")
	b = e.Interface(b, Interface{Name: "client/wan", Description: "eth0", MAC: [6]byte{2, 0, 0, 0, 1, 1},
		Link:    Ethernet,
		Options: []Option{{Code: 12, Value: []byte("some OS")}}})
	b = e.Interface(b, Interface{Name: "server/wan", Link: 101})
	b = e.Names(b, []Name{{netip.MustParseAddr("192.0.2.1"), "client"}, {netip.MustParseAddr("2001:db8::1"), "server"}})
	b = e.Secrets(b, []byte("CLIENT_RANDOM 00 11\n"))
	b = e.Packet(b, &Frame{Interface: 1, Time: 1_700_000_000_123_456_789, Data: []byte("abcde"), Length: 90,
		Direction: Inbound,
		Comments:  []string{"one", "two"}, ID: 77, Options: []Option{{Code: 6, Value: []byte{1, 2, 3, 4}}}})
	b = e.Packet(b, &Frame{Time: 1_700_000_001_000_000_000, Data: []byte("f"), Length: 1})
	return e.Statistics(b, 0, time.Unix(1_700_000_002, 0), 3)
}

func TestRoundTrip(t *testing.T) {
	r, fs, err := readAll(everything())
	if err != nil {
		t.Fatal(err)
	}
	if len(fs) != 2 || len(r.Interfaces) != 2 || len(r.Names) != 2 {
		t.Fatalf("%d frames, %d interfaces, %d names", len(fs), len(r.Interfaces), len(r.Names))
	}
	f := fs[0]
	if f.Interface != 1 || f.Time != 1_700_000_000_123_456_789 || f.Length != 90 || f.Direction != Inbound ||
		f.Link != 101 ||
		!slices.Equal(f.Comments, []string{"one", "two"}) || f.ID != 77 ||
		len(f.Options) != 1 || f.Options[0].Code != 6 || len(f.Options[0].Value) != 4 {
		t.Errorf("frame: %+v", f)
	}
	if i := r.Interfaces[0]; i.Name != "client/wan" || i.Description != "eth0" || i.MAC != [6]byte{2, 0, 0, 0, 1, 1} ||
		len(i.Options) != 1 || string(i.Options[0].Value) != "some OS" {
		t.Errorf("interface: %+v", i)
	}
	if r.Names[1].Host != "server" || r.Section.Comment != "from last night" || r.Section.Application != "netrepro" ||
		r.Lost != 3 {
		t.Errorf("names %v, section %+v, lost %d", r.Names, r.Section, r.Lost)
	}
	if string(r.Secrets) != "CLIENT_RANDOM 00 11\n" {
		t.Errorf("secrets: %q", r.Secrets)
	}
}

// TestCapinfos holds the file to what Wireshark's capinfos reads in it.
func TestCapinfos(t *testing.T) {
	if _, err := exec.LookPath("capinfos"); err != nil {
		t.Skip("capinfos is not installed")
	}
	path := filepath.Join(t.TempDir(), "t.pcapng")
	if err := os.WriteFile(path, everything(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("capinfos", "-M", path).CombinedOutput()
	if err != nil {
		t.Fatalf("capinfos: %v\n%s", err, out)
	}
	for _, want := range []string{"Number of packets:   2", "Data size:           91 bytes",
		"Number of interfaces in file: 2",
		"Name = client/wan", "Number of decryption secrets in file: 1", "Number of resolved IPv4 addresses in file: 1",
		"Number of resolved IPv6 addresses in file: 1"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("capinfos does not say %q:\n%s", want, out)
		}
	}
}

// fuzzed reads a file to its end or its first fault.
func fuzzed(t *testing.T, b []byte) {
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		return
	}
	var fr Frame
	for err = r.Next(&fr); err == nil; err = r.Next(&fr) {
		if len(fr.Data) > fr.Length || fr.Interface >= len(r.Interfaces) {
			t.Fatalf("frame %+v of %d interfaces", fr, len(r.Interfaces))
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, ErrCut) && !errors.Is(err, ErrFormat) {
		t.Errorf("error of another kind: %v", err)
	}
}

func FuzzPcap(f *testing.F) {
	le, be := binary.LittleEndian, binary.BigEndian
	f.Add(pcapFile(le, magicMicro, 1, "abc", "def"))
	f.Add(pcapFile(be, magicNano, 113, "abc", "def"))
	f.Add(pcapFile(le, magicModified, 1, "abc", "def"))
	f.Add(zipped(pcapFile(le, magicMicro, 1, "abc")))
	f.Fuzz(fuzzed)
}

func FuzzPcapng(f *testing.F) {
	be := binary.BigEndian
	f.Add(everything())
	f.Add(join(ngSection(be), ngInterface(be, 1, 4), ngEnhanced(be, 0, 5, "abcde"),
		ngBlock(be, blockSimple, append(be.AppendUint32(nil, 9), "abcd"...)),
		ngBlock(be, blockPacket, append([]byte{0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 2}, "hi"...)),
		ngInterface(be, 1, 0, 0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3),
		ngEnhanced(be, 1, 1536, "x")))
	f.Fuzz(fuzzed)
}
