//go:build linux

package carried

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/host/process"
)

// TestNeeds follows a program of this machine to its loader and its libraries.
func TestNeeds(t *testing.T) {
	path, err := process.Find("env")
	if err != nil {
		t.Skip(err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	want, err := f.ImportedLibraries()
	if err != nil || len(want) == 0 {
		t.Skip("env needs no libraries here", err)
	}
	b := &bundle{Tree: Tree{Files: map[string][]byte{}, Links: map[string]string{}}, root: "/"}
	if err := b.program("env", path); err != nil {
		t.Fatal(err)
	}
	var names []string
	for at := range b.Files {
		names = append(names, filepath.Base(at))
	}
	for _, l := range append(want, filepath.Base(path)) {
		if !slices.Contains(names, l) {
			t.Errorf("%s is not in %v", l, names)
		}
	}
	if len(names) < len(want)+2 {
		t.Errorf("the loader is not in %v", names)
	}
	if at := "/usr/bin/env"; path != at && b.Links[at] != path {
		t.Errorf("nothing leads to %s", path)
	}
}

// TestProgram has files below a root of their own.
func TestProgram(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"/opt/run":                 "#!/opt/shell -e\n",
		"/opt/shell":               "no program",
		"/opt/bare":                "#!\n",
		"/opt/lost":                "#!/opt/nothing\n",
		"/usr/lib/ssl/openssl.cnf": "settings",
		"/etc/ld.so.conf":          "# folders\ninclude ld.so.conf.d/*.conf\n/own/lib # one\n",
		"/etc/ld.so.conf.d/a.conf": "/a/lib\ninclude /etc/ld.so.conf\n",
	} {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, path, want, fails string }{
		{"run", "/opt/run", "/opt/run /opt/shell", ""},
		{"openssl", "/opt/shell", "/opt/shell /usr/lib/ssl/openssl.cnf", ""},
		{"bare", "/opt/bare", "", "does not say what runs it"},
		{"lost", "/opt/lost", "", "what runs /opt/lost"},
		{"none", "/opt/none", "", "no such file"},
	} {
		b := &bundle{Tree: Tree{Files: map[string][]byte{}, Links: map[string]string{}}, root: root}
		err := b.program(tt.name, tt.path)
		if tt.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		var got []string
		for at := range b.Files {
			got = append(got, at)
		}
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != tt.want || b.Links["/usr/bin/"+tt.name] != tt.path {
			t.Errorf("%s: %v, %v, %v", tt.name, got, b.Links, err)
		}
	}
	b := &bundle{root: root}
	got := b.configured("/etc/ld.so.conf", 0)
	if !slices.Contains(got, "/own/lib") || !slices.Contains(got, "/a/lib") {
		t.Errorf("ld.so.conf has %v", got)
	}
}
