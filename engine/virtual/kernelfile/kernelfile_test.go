package kernelfile

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"netrepro/engine/testutil/elffile"
)

// compressors make what Decompress reads.
var compressors = map[string]func(io.Writer) (io.WriteCloser, error){
	"xz":   func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	"lz4": func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.LegacyOption(true))
	},
}

func compressed(t *testing.T, how string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := compressors[how](&out)
	if err == nil {
		_, err = w.Write(b)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDecompress(t *testing.T) {
	want := bytes.Repeat([]byte("what is in it "), 10000)
	for how := range compressors {
		b := compressed(t, how, want)
		if got, err := Decompress(b, 1<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", how, len(got), err)
		}
		if _, err := Decompress(b, len(want)-1); err == nil {
			t.Errorf("%s: what is too long was read", how)
		}
		if _, err := Decompress(b[:len(b)/2], 1<<20); err == nil && how != "lz4" { // a legacy frame has no end
			t.Errorf("%s: half of it was read", how)
		}
	}
	if _, err := Decompress([]byte("plain"), 10); !errors.Is(err, ErrFormat) {
		t.Errorf("plain: %v", err)
	}
}

// bzImage makes one with this payload.
func bzImage(version string, payload []byte) []byte {
	b := make([]byte, 5*sector)
	b[setupSects] = 4
	copy(b[bootMagic:], "HdrS")
	binary.LittleEndian.PutUint16(b[versionAt:], 600)
	copy(b[600+sector:], version+" (builder) #1\x00")
	binary.LittleEndian.PutUint32(b[payloadOffset:], 0)
	binary.LittleEndian.PutUint32(b[payloadOffset+4:], uint32(len(payload)))
	return append(b, payload...)
}

var pvh = append([]byte{4, 0, 0, 0, 4, 0, 0, 0, pvhNote, 0, 0, 0}, "Xen\x00\x00\x00\x00\x01"...)

func TestImage(t *testing.T) {
	inner := elffile.Make(pvh, elffile.Section{Name: ".text", Data: []byte("Linux version 6.1.0-test (x) #1\x00")})
	plain := elffile.Make(nil)
	trailed := func(b []byte) []byte { return append(b, 1, 2, 3, 4) }
	for _, tt := range []struct {
		name        string
		image, want []byte
	}{
		{"xz", bzImage("6.1.0-test", trailed(compressed(t, "xz", inner))), inner},
		{"zstd", bzImage("6.1.0-test", trailed(compressed(t, "zstd", inner))), inner},
		{"lz4", bzImage("6.1.0-test", trailed(compressed(t, "lz4", inner))), inner},
		{"gzip", bzImage("6.1.0-test", compressed(t, "gzip", inner)), inner},
		{"vmlinux", inner, inner},
		{"not to be entered", bzImage("6.1.0-test", compressed(t, "gzip", plain)), nil},
		{"an unknown compression", bzImage("6.1.0-test", []byte("0123456789")), nil},
	} {
		if tt.want == nil {
			tt.want = tt.image
		}
		if v, err := Version(tt.image); err != nil || v != "6.1.0-test" {
			t.Errorf("%s: version %q, %v", tt.name, v, err)
		}
		if got := Vmlinux(tt.image); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %d bytes, want %d", tt.name, len(got), len(tt.want))
		}
	}
	for _, b := range [][]byte{nil, []byte("x"), make([]byte, 1000), bzImage("", nil), bzImage("a\x1bb", nil)} {
		if v, err := Version(b); err == nil {
			t.Errorf("%d bytes are of version %q", len(b), v)
		}
	}
}

// deb makes a Debian package whose files are compressed so.
func deb(t *testing.T, how string, files map[string]string) []byte {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for name, text := range files {
		h := &tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name, body := "data.tar", data.Bytes()
	if how != "" {
		name, body = "data.tar."+how, compressed(t, how, body)
	}
	var out bytes.Buffer
	out.WriteString(arMagic)
	for _, m := range []struct {
		name string
		body []byte
	}{{"debian-binary", []byte("2.0\nx")}, {name, body}} {
		fmt.Fprintf(&out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.body))
		out.Write(m.body)
		if len(m.body)%2 == 1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

func TestDebian(t *testing.T) {
	files := map[string]string{"./boot/vmlinuz-1": "kernel", "./etc/x": "other", "../../evil": "out"}
	for _, how := range []string{"", "xz", "zstd", "gzip"} {
		got := map[string]string{}
		err := Debian(bytes.NewReader(deb(t, how, files)), func(n string) bool { return n != "etc/x" },
			func(n string, b []byte) error { got[n] = string(b); return nil })
		if err != nil || len(got) != 2 || got["boot/vmlinuz-1"] != "kernel" || got["evil"] != "out" {
			t.Errorf("%q: %v, %v", how, got, err)
		}
	}
	all := func(string) bool { return true }
	none := func(string, []byte) error { return nil }
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte("no package"), "no data": []byte(arMagic),
		"cut short": deb(t, "xz", files)[:200],
		"no size":   []byte(arMagic + strings.Repeat("x", arHeader)),
	} {
		if err := Debian(bytes.NewReader(b), all, none); err == nil {
			t.Errorf("%s is a package", name)
		}
	}
	stop := errors.New("stop")
	err := Debian(bytes.NewReader(deb(t, "", files)), all, func(string, []byte) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func FuzzDebian(f *testing.F) {
	f.Add([]byte(arMagic + "data.tar        0           0     0     100644  4         `\nabcd"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = Debian(bytes.NewReader(b), func(string) bool { return true }, func(string, []byte) error { return nil })
	})
}

func FuzzImage(f *testing.F) {
	f.Add(bzImage("6.1.0", []byte("\x1f\x8b\x08payload")))
	f.Add(elffile.Make(pvh))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = Version(b)
		_ = enterable(b)
	})
}
