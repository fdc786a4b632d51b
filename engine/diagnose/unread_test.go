package diagnose_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/diagnose"
)

// TestUnread has a capture whose link type is not known: what cannot be read is not said to
// be away.
func TestUnread(t *testing.T) {
	file := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{2 | 4<<16, 0, 0, 65535, 147} { // LINKTYPE_USER0
		file = binary.LittleEndian.AppendUint32(file, v)
	}
	for _, v := range []uint32{1700000000, 0, 60, 60} {
		file = binary.LittleEndian.AppendUint32(file, v)
	}
	path := filepath.Join(t.TempDir(), "user.pcap")
	if err := os.WriteFile(path, append(file, make([]byte, 60)...), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := diagnose.Files(t.Context(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(r.Incident.Files[0].Skipped, "; "); said != "1 frame is of link type 147, which is not decoded" {
		t.Errorf("said %q", said)
	}
	if got := r.Findings[0].Signs; len(got) != 1 || got[0].Text != "no TCP segment could be read" {
		t.Errorf("got %+v", got)
	}
}
