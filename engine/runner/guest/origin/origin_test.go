//go:build linux

package origin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestOf hashes the same bytes alike, in memory and in a file.
func TestOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(path, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := OfFile("1.0", path)
	if err != nil || file != Of("1.0", []byte("program")) || len(file.SHA256) != 64 {
		t.Errorf("%+v, %v", file, err)
	}
	if _, err := OfFile("", path+"-none"); err == nil {
		t.Error("a file that is not there has a hash")
	}
	if Called([]string{"a b"}) == Called([]string{"a", "b"}) {
		t.Error("arguments are not told apart")
	}
	var back Origin
	o := Origin{QEMU: file, Args: []string{"-smp", "1"}, Exact: true}
	if err := json.Unmarshal(o.Text(), &back); err != nil || back.QEMU != file || !back.Exact {
		t.Errorf("%+v, %v", back, err)
	}
}
