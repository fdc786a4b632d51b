package inspect

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
)

// segment is a frame with a TCP segment, its checksums right.
func segment(t *testing.T, from byte, seq int) []byte {
	t.Helper()
	p := build.Packet{Src: netip.AddrFrom4([4]byte{192, 0, 2, from}), Dst: netip.MustParseAddr("198.51.100.2"),
		Proto: packet.ProtoTCP, SrcPort: 4000, DstPort: 80, Seq: uint32(seq), Flags: packet.ACK | packet.PSH,
		Payload: []byte("0123456789")}
	b, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// classic is a pcap file of frames.
func classic(frames ...[]byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(le.AppendUint16(le.AppendUint32(nil, 0xa1b2c3d4), 2), 4)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 0), 0), 65535), 1)
	for i, f := range frames {
		b = le.AppendUint32(le.AppendUint32(b, uint32(i)), 0)
		b = append(le.AppendUint32(le.AppendUint32(b, uint32(len(f))), uint32(len(f))), f...)
	}
	return b
}

// next is the same frames as a pcapng file.
func next(frames ...[]byte) []byte {
	var e pcap.Encoder
	b := e.Interface(e.Section(nil, "", "", ""), pcap.Interface{Link: pcap.Ethernet})
	for i, f := range frames {
		b = e.Packet(b, &pcap.Frame{Time: int64(i) * 1e9, Data: f, Length: len(f)})
	}
	return b
}

// zipped is a file compressed, in blocks that end where its records may not.
func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	for len(b) > 0 {
		n := min(100, len(b))
		_, _ = w.Write(b[:n])
		_ = w.Flush()
		b = b[n:]
	}
	_ = w.Close()
	return out.Bytes()
}

// TestCut cuts files after every byte: what is there is shown, and that it was cut is
// said.
func TestCut(t *testing.T) {
	var frames [][]byte
	for i := range 2 {
		frames = append(frames, segment(t, 1, 100+10*i))
	}
	dir := t.TempDir()
	shown := func(data []byte) (lines []string, side string, err error) {
		path := filepath.Join(dir, "cut")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, complain bytes.Buffer
		err = Show(t.Context(), path, Options{JSON: true, Flow: -1}, &out, &complain)
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), complain.String(), err
	}
	for name, file := range map[string][]byte{"pcap": classic(frames...), "pcapng": next(frames...),
		"gzip": zipped(classic(frames...)), "gzip of pcapng": zipped(next(frames...))} {
		whole, _, err := shown(file)
		if err != nil || len(whole) != len(frames) {
			t.Fatalf("%s: %d lines, %v", name, len(whole), err)
		}
		before := -1 // packets of the file one byte shorter
		for n := range file {
			lines, side, err := shown(file[:n])
			if err != nil {
				if before > 0 || !errors.Is(err, pcap.ErrCut) && !errors.Is(err, pcap.ErrFormat) {
					t.Fatalf("%s cut after %d bytes: %v", name, n, err)
				}
				continue
			}
			packets := len(lines)
			if last := lines[packets-1]; !strings.HasPrefix(last, `{"n":`) {
				packets--
				var cut struct {
					Cut   string
					After int
				}
				said := fmt.Sprintf("after frame %d:", packets)
				if last != "" && (json.Unmarshal([]byte(last), &cut) != nil || cut.Cut == "" || cut.After != packets ||
					!strings.Contains(side, said)) {
					t.Fatalf("%s cut after %d bytes: %q, said %q", name, n, last, side)
				}
			} else if side != "" {
				t.Fatalf("%s cut after %d bytes: said %q", name, n, side)
			}
			if packets < before || packets > before+1 && before >= 0 && !strings.HasPrefix(name, "gzip") {
				t.Fatalf("%s cut after %d bytes: %d packets, %d before", name, n, packets, before)
			}
			for i, l := range lines[:packets] {
				if l != whole[i] {
					t.Fatalf("%s cut after %d bytes: packet %d is %s, want %s", name, n, i+1, l, whole[i])
				}
			}
			before = packets
		}
		if before != len(frames) && before != len(frames)-1 {
			t.Errorf("%s: %d packets without the last byte", name, before)
		}
	}
}

// TestDamaged shows what came before a damaged record, and fails.
func TestDamaged(t *testing.T) {
	file := classic(segment(t, 1, 100), segment(t, 1, 110))
	binary.LittleEndian.PutUint32(file[24+16+len(segment(t, 1, 100))+8:], 1<<31)
	path := filepath.Join(t.TempDir(), "damaged")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, side bytes.Buffer
	err := Show(t.Context(), path, Options{JSON: true, Flow: -1}, &out, &side)
	if !errors.Is(err, pcap.ErrFormat) || lines(out.String(), `"n":1,`) != 1 || strings.Contains(out.String(), "cut") {
		t.Errorf("%v, shown %s", err, &out)
	}
}

// TestChecksums says of a wrong checksum what it means: nothing where its sender leaves it
// to the network card.
func TestChecksums(t *testing.T) {
	good, bad := segment(t, 1, 100), segment(t, 1, 110)
	bad[len(bad)-1]++
	other := segment(t, 3, 100)
	for name, tt := range map[string]struct {
		frames [][]byte
		want   int
	}{
		"right":                       {[][]byte{good, other}, 0},
		"one is wrong":                {[][]byte{good, bad, good}, 1},
		"all of a sender are wrong":   {[][]byte{bad, bad, other}, 0},
		"all but those of the others": {[][]byte{other, bad, other, bad}, 0},
	} {
		path := filepath.Join(t.TempDir(), "sums")
		if err := os.WriteFile(path, classic(tt.frames...), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, side bytes.Buffer
		if err := Show(t.Context(), path, Options{JSON: true, Flow: -1}, &out, &side); err != nil {
			t.Fatal(err)
		}
		if n := lines(out.String(), `"checksum":"bad"`); n != tt.want || lines(out.String(), "throws it away") != tt.want {
			t.Errorf("%s: shown\n%s", name, &out)
		}
	}
}
