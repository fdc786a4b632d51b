package anonymize

import (
	"strings"
	"testing"
)

// TestTracked keeps the state of a tracked connection and changes its addresses.
func TestTracked(t *testing.T) {
	c := &copier{names: NewMap()}
	for in, want := range map[string]string{
		"SYN_SENT [UNREPLIED] 203.0.113.9:4000 > 198.51.100.2:80, answers 10.0.2.2:80 > 203.0.113.9:5000":      "SYN_SENT [UNREPLIED] ",
		"ESTABLISHED [ASSURED] [2001:db8::9]:1 > [2001:db8::2]:80, answers [2001:db8::2]:80 > [2001:db8::9]:1": "ESTABLISHED [ASSURED] ",
		"none: forgotten 12.345s before":       "none: forgotten 12.345s before",
		"ESTABLISHED of alice":                 "",
		"not translated: passed on as it came": "not translated: passed on as it came",
		"[UNREPLIED] 203.0.113.9 > 198.51.100.2 id 257, answers 198.51.100.2 > 203.0.113.9 id 257": "[UNREPLIED] ",
	} {
		got := c.tracked(in)
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", in, got)
		}
		for _, real := range []string{"203.0.113.9", "2001:db8::9"} {
			if strings.Contains(got, real) {
				t.Errorf("%s is still in %s", real, got)
			}
		}
		if strings.Count(got, ":4000") != strings.Count(in, ":4000") || strings.Count(got, ",") != strings.Count(in, ",") && got != "" {
			t.Errorf("%s: %s", in, got)
		}
	}
}
