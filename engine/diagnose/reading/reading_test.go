package reading

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// syn is a line of tcpdump's text.
func syn(at, client, port, seq int) string {
	return fmt.Sprintf("10:%02d:%02d.%06d IP 10.0.%d.%d.%d > 192.0.2.1.80: Flags [S], seq %d, win 64240, length 0\n",
		at/60_000_000, at/1_000_000%60, at%1_000_000, client>>8, client&255, port, seq)
}

// TestVeryMany reads captures of more connections than are kept. Those with most packets are, be
// they old or young, and no packet is counted twice.
func TestVeryMany(t *testing.T) {
	const before, after = crowd + 100, crowd
	var text strings.Builder
	at, packets := 0, 0
	add := func(client, port, seq int) {
		at += 2000
		packets++
		text.WriteString(syn(at, client, port, seq))
	}
	for range 3 {
		add(1, 1000, 1)
	}
	for i := range before {
		add(2+i>>12, 2000+i&4095, 1)
	}
	add(1, 1000, 1) // it goes on, after thousands of others
	for range 5 {
		add(200, 3000, 1) // it begins here
	}
	for i := range after {
		add(20+i>>12, 2000+i&4095, 1)
	}
	add(200, 3000, 1)
	path := filepath.Join(t.TempDir(), "many.txt")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := Files(t.Context(), []string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := in.Files[0]
	kept := 0
	var longest []string
	for _, fl := range f.Flows {
		kept += len(fl.Segments)
		if len(fl.Segments) > 1 {
			longest = append(longest, fmt.Sprintf("%s %d", fl.Ends[0], len(fl.Segments)))
		}
	}
	if want := []string{"10.0.0.1:1000 4", "10.0.0.200:3000 6"}; !slices.Equal(longest, want) {
		t.Errorf("the longest are %q, want %q", longest, want)
	}
	if f.Packets != packets || kept+f.Beyond != packets {
		t.Errorf("of %d packets %d were read, %d are kept and %d left aside", packets, f.Packets, kept, f.Beyond)
	}
}
