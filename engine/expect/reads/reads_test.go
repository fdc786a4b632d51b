package reads

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

var (
	parties = map[string]*value.Party{
		"client": {Name: "client", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
		"server": {Name: "server", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}},
	}
	ms = time.Millisecond
)

func party(name string) (*value.Party, error) {
	if p := parties[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%q is not a node", name)
}

// line is one segment: at, sender, flags, relative seq and ack, length.
type line struct {
	at       time.Duration
	from     string
	flags    packet.TCPFlags
	seq, ack uint32
	n        int32
}

// view records lines as seen at the client.
func viewOf(lines ...line) *trace.View {
	pt := &trace.Point{Node: "client", Wire: "wan", Addrs: parties["client"].Addrs}
	far := &trace.Point{Index: 1, Node: "server", Wire: "wan", Addrs: parties["server"].Addrs}
	t := trace.New(time.Unix(0, 0), []*trace.Point{pt, far}, nil)
	for _, l := range lines {
		d := packet.Packet{Proto: packet.ProtoTCP, Src: parties["client"].Addrs[0], Dst: parties["server"].Addrs[0],
			SrcPort: 40000, DstPort: 80,
			Flags: l.flags, Seq: l.seq, Ack: l.ack, PayloadLen: l.n, WScale: -1}
		at := pt
		if l.from == "server" {
			d.Src, d.Dst, d.SrcPort, d.DstPort = d.Dst, d.Src, d.DstPort, d.SrcPort
			at = far
		}
		t.Record(t.Arrive(at, l.at, &d, nil, nil), nil)
	}
	return t.All()
}

const (
	fS  = packet.SYN
	fSA = packet.SYN | packet.ACK
	fA  = packet.ACK
	fPA = packet.PSH | packet.ACK
	fRA = packet.RST | packet.ACK
)

// resets is an exchange that ends with a reset.
func resets() *trace.View {
	return viewOf(line{0, "client", fS, 0, 0, 0}, line{1 * ms, "server", fSA, 0, 1, 0},
		line{2 * ms, "client", fA, 1, 1, 0},
		line{3 * ms, "client", fPA, 1, 1, 18}, line{4 * ms, "server", fA, 1, 19, 1448},
		line{5 * ms, "server", fA, 1449, 19, 1448},
		line{60 * ms, "server", fRA, 2897, 19, 0})
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
		if o := s.Judge(resets()); o.Pass != tt.want || o.Timed != tt.timed || len(o.Packets) == 0 {
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
			s.Judge(resets())
		}
	})
}
