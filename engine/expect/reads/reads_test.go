package reads

import (
	"fmt"
	"strings"
	"testing"

	"netrepro/engine/match/value"
	"netrepro/engine/testutil/exchange"
)

func party(name string) (*value.Party, error) {
	if p := exchange.Parties[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%q is not a node", name)
}

func TestReads(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		want  bool
		timed bool
	}{
		{"the whole", "client > server S\nserver > client S.\nclient > server .\nclient > server P. len " +
			"18\nserver > client . x2\nserver > client R.", true, false},
		{"skipping", "client > server S\n...\nserver > client R.", true, false},
		{"comments and blanks", "-- opening\n\nclient > server S -- syn\nserver > client S.", true, false},
		{"a gap where none may be", "client > server S\nclient > server .", false, false},
		{"not from the first packet", "server > client S.", false, false},
		{"wrong length", "client > server S\n...\nclient > server P. len 19", false, false},
		{"a range", "...\nclient > server P. len 10..20 seq 1 ack 1", true, false},
		{"in time", "...\nserver > client .\nserver > client .\nserver > client R. within 100ms", true, false},
		{"too late", "...\nserver > client .\nserver > client .\nserver > client R. within 50ms", false, true},
		{"as many as there are", "...\nserver > client . x>=1\nserver > client R.", true, false},
		{"more than there are", "...\nserver > client . x>=3\n...\nserver > client R.", false, false},
		{"flags in another order", "...\nclient > server .P", true, false},
	}
	for _, tt := range tests {
		s, err := Parse(tt.text, party)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if o := s.Judge(exchange.Resets()); o.Pass != tt.want || o.Timed != tt.timed || len(o.Packets) == 0 {
			t.Errorf("%s: pass %t, timed %t: %s", tt.name, o.Pass, o.Timed, o.Message())
		}
	}
}

func TestReadsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "line 1: no packet is written here",
		"client server S":               "line 1: ",
		"\nclient > sever S":            `line 2: "sever" is not a node`,
		"client > server Q":             "is not a set of flags",
		"client > server S len":         "a value is missing",
		"client > server S len x":       "is not a length",
		"client > server S within 5":    "is not a duration",
		"client > server S within -5ms": "is not a duration",
		"client > server S xx":          "is not a count",
		"client > server S soon":        "is not understood",
		"client > server S seq -1":      "is not a relative sequence number",
	} {
		if _, err := Parse(text, party); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseReads(f *testing.F) {
	f.Add("client > server S\n...\nserver > client R. within 50ms x>=2 len 1..3 -- end")
	f.Fuzz(func(_ *testing.T, text string) {
		if s, err := Parse(text, party); err == nil {
			s.Judge(exchange.Resets())
		}
	})
}
