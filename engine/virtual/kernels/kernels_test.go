package kernels

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/testutil/elffile"
)

// vmlinux is a kernel of this version, as far as this package looks.
func vmlinux(version string) string {
	return string(elffile.Make(nil, elffile.Section{Name: ".text", Data: []byte("Linux version " + version + " (x)\x00")}))
}

// tree writes files below a folder.
func tree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pack writes a Debian package.
func pack(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for name, text := range files {
		err := w.WriteHeader(&tar.Header{Name: "./" + name, Size: int64(len(text)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ar := fmt.Sprintf("!<arch>\n%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", "data.tar", 0, 0, 0, "100644", data.Len(), data.String())
	if err := os.WriteFile(path, []byte(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	for _, v := range []string{"6.1.0-9", "6.1.0-57-cloud", "6.12.1", "5.10.0"} {
		tree(t, filepath.Join(s.Dir, v), map[string]string{"boot/vmlinuz-" + v: vmlinux(v), "lib/modules/" + v + "/x.ko": ""})
	}
	tree(t, filepath.Join(s.Dir, "9.9"), map[string]string{"boot/vmlinuz-9.9": vmlinux("9.9")}) // no modules
	for name, want := range map[string]string{"6.1": "6.1.0-57-cloud", "6.1.0": "6.1.0-57-cloud", "6.1.0-9": "6.1.0-9",
		"6": "6.12.1", "5.10": "5.10.0", "": "6.12.1", "6.12.1": "6.12.1"} {
		if k, err := s.Find(name); err != nil || k.Name != want {
			t.Errorf("%q: %v, %v, want %s", name, k, err, want)
		}
	}
	for _, name := range []string{"6.1.0-5", "7", "9.9", "nonsense"} {
		if k, err := s.Find(name); !errors.Is(err, ErrNone) {
			t.Errorf("%q: %v, %v", name, k, err)
		}
	}
}

// TestFindPaths names kernels by where they are.
func TestFindPaths(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "store")}
	dir := t.TempDir()
	tree(t, dir, map[string]string{"boot/vmlinuz-6.5": vmlinux("6.5"), "usr/lib/modules/6.5/x.ko": "",
		"empty/x": "", "text": "no kernel"})
	for _, name := range []string{dir, filepath.Join(dir, "boot/vmlinuz-6.5")} {
		k, err := s.Find(name)
		if err != nil || k.Name != "6.5" || k.Modules != filepath.Join(dir, "usr/lib/modules/6.5") {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
	for _, name := range []string{filepath.Join(dir, "empty"), filepath.Join(dir, "text")} {
		if k, err := s.Find(name); err == nil {
			t.Errorf("%s: %v", name, k)
		}
	}
	deb := filepath.Join(dir, "k.deb")
	pack(t, deb, map[string]string{"boot/vmlinuz-6.6": vmlinux("6.6"), "lib/modules/6.6/kernel/x.ko.xz": "m"})
	if k, err := s.Find(deb); err != nil || k.Name != "6.6" || !strings.HasPrefix(k.Modules, s.Dir) {
		t.Errorf("a package: %v, %v", k, err)
	}
}

// TestAdd puts a kernel together that comes in two packages.
func TestAdd(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "a", "b")}
	dir := t.TempDir()
	image, modules, none := filepath.Join(dir, "image.deb"), filepath.Join(dir, "modules.deb"), filepath.Join(dir, "none.deb")
	pack(t, image, map[string]string{"boot/vmlinuz-7.2": vmlinux("7.2"), "boot/config-7.2": "x"})
	pack(t, modules, map[string]string{"usr/lib/modules/7.2/kernel/veth.ko.xz": "m", "usr/lib/modules/7.2/modules.dep": "x",
		"usr/lib/modules/../../../../escaped.ko": "x"})
	pack(t, none, map[string]string{"usr/share/doc/x": "x"})
	for _, deb := range []string{image, modules, image} {
		if v, err := s.Add(deb); err != nil || v != "7.2" {
			t.Fatalf("%s: %q, %v", deb, v, err)
		}
	}
	if _, err := s.Add(none); err == nil || !strings.Contains(err.Error(), "neither a kernel nor modules") {
		t.Errorf("a package without a kernel: %v", err)
	}
	if v, err := s.Add(image, modules, none); err != nil || v != "7.2" {
		t.Errorf("with a package that only names the others: %q, %v", v, err)
	}
	if k, err := s.Find("7.2"); err != nil || k.Modules == "" {
		t.Errorf("got %+v, %v", k, err)
	}
	var got []string
	err := filepath.WalkDir(filepath.Dir(filepath.Dir(s.Dir)), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, filepath.Base(p))
		}
		return err
	})
	if err != nil || !slices.Equal(got, []string{"vmlinuz-7.2", "veth.ko.xz"}) {
		t.Errorf("the store holds %q, %v", got, err)
	}
}

func TestCompare(t *testing.T) {
	order := []string{"4.19", "5.10.0-32-cloud", "5.10.0-100-cloud", "6.1.0-9", "6.1.0-57", "6.1.0-57-cloud", "6.12", "7.2.13+deb14"}
	mixed := slices.Clone(order)
	slices.Reverse(mixed)
	slices.SortFunc(mixed, Compare)
	if !slices.Equal(mixed, order) {
		t.Errorf("got %q", mixed)
	}
}
