package pcap

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func head() []byte {
	var e Encoder
	b := e.Section(nil, "a comment", "an OS", "netrepro")
	b = e.Interface(b, Interface{Name: "client/wan", Description: "eth0", MAC: [6]byte{2, 0, 0, 0, 1, 1},
		Link: Ethernet})
	return e.Names(b, []Name{{netip.MustParseAddr("192.0.2.1"), "client"},
		{netip.MustParseAddr("2001:db8::1"), "client6"}})
}

func comments(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func block(comment string, data []byte) []byte {
	var e Encoder
	return e.Packet(nil, &Frame{Time: 1e9 + 2, Data: data, Length: len(data), Direction: Outbound,
		Comments: comments(comment)})
}

// blocks cuts a file into its blocks, failing on anything that is not one.
func blocks(t *testing.T, b []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for at := int64(0); at < int64(len(b)); {
		end, err := wholeBlocks(bytes.NewReader(b), int64(len(b)))
		if err != nil || end != int64(len(b)) {
			t.Fatalf("whole blocks end at %d of %d: %v", end, len(b), err)
		}
		n := int64(b[at+4]) | int64(b[at+5])<<8 | int64(b[at+6])<<16 | int64(b[at+7])<<24
		out = append(out, b[at:at+n])
		at += n
	}
	return out
}

func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.pcapng")
	w, err := Create(path, head())
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	for i := range n {
		w.Append(func(b []byte) []byte { return append(b, block("c", make([]byte, i))...) })
	}
	w.Append(func(b []byte) []byte { return w.Secrets(b, []byte("CLIENT_RANDOM 00 11\n")) })
	w.Append(func(b []byte) []byte { return w.Statistics(b, 0, time.Unix(2, 0), 3) })
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.Append(func([]byte) []byte { t.Error("a closed writer asked for blocks"); return nil })
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(blocks(t, b)), 3+n+2; got != want {
		t.Errorf("%d blocks, want %d", got, want)
	}
}

func TestNilWriter(t *testing.T) {
	var w *Writer
	w.Append(nil)
	w.Flush()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestCreateFails(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "no", "such", "place"), nil); err == nil {
		t.Error("a file was made in a directory that is not there")
	}
}

func TestRepair(t *testing.T) {
	whole := append(head(), block("", []byte("abc"))...)
	next := block("dropped: why", []byte("defg"))
	for cut := range len(next) {
		path := filepath.Join(t.TempDir(), "t")
		if err := os.WriteFile(path, append(bytes.Clone(whole), next[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := Repair(path)
		if err != nil || n != int64(cut) {
			t.Fatalf("torn after %d bytes: cut %d, %v", cut, n, err)
		}
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(b, whole) {
			t.Fatalf("torn after %d bytes: left %d bytes, want %d (%v)", cut, len(b), len(whole), err)
		}
	}
}

func TestRepairLeavesOthersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t")
	text := []byte("this is no capture at all")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Repair(path); err == nil {
		t.Error("no error for a file that is no pcapng")
	}
	if b, _ := os.ReadFile(path); !bytes.Equal(b, text) {
		t.Error("the file was changed")
	}
}

func FuzzRepair(f *testing.F) {
	f.Add(append(head(), block("x", []byte("y"))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := wholeBlocks(bytes.NewReader(b), int64(len(b)))
		if err == nil && (n < 0 || n > int64(len(b))) {
			t.Errorf("blocks end at %d of %d", n, len(b))
		}
	})
}
