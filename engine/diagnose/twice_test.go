package diagnose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/diagnose"
)

// TestTwice has one connection in two captures: what had to be sent again counts once.
func TestTwice(t *testing.T) {
	const before = `10:00:00.000000 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [S], seq 1000, win 64240, length 0
10:00:00.010000 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [S.], seq 5000, ack 1001, win 64240, length 0
10:00:00.010100 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [.], ack 1, win 502, length 0
`
	const lost = "10:00:00.010200 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [P.], seq 1:101, ack 1, win 502, length 100\n"
	const after = `10:00:00.060000 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [P.], seq 1:101, ack 1, win 502, length 100
10:00:00.070000 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [.], ack 101, win 501, length 0
10:00:00.241000 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [P.], seq 1:301, ack 101, win 501, length 300
10:00:00.241100 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [.], ack 301, win 501, length 0
`
	more := ""
	for i := range 300 {
		more += fmt.Sprintf(`10:00:01.%06d IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [P.], seq %d:%d, ack 301, win 501, length 100
10:00:01.%06d IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [.], ack %d, win 501, length 0
`, i*200, 101+100*i, 201+100*i, i*200+100, 201+100*i)
	}
	for name, second := range map[string]string{"both whole": before + lost + after, "behind the loss": before + after} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for i, text := range []string{before + lost + after + more, second + more} {
				paths = append(paths, filepath.Join(t.TempDir(), string(rune('a'+i))+".txt"))
				if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := diagnose.Files(t.Context(), paths)
			if err != nil {
				t.Fatal(err)
			}
			f := r.Findings[0]
			if !strings.Contains(f.Summary, "1 segment had to be sent more than once") {
				t.Errorf("%s: said %q", f.ID, f.Summary)
			}
			if !strings.HasPrefix(f.Signs[0].Text, "1 connection ") {
				t.Errorf("signs %+v", f.Signs)
			}
		})
	}
}
