package translated

import (
	"net/netip"
	"strings"
	"testing"

	"netrepro/engine/tcp/tuple"
)

func ends(src, dst string, ports ...uint16) tuple.Tuple {
	t := tuple.Tuple{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst)}
	if len(ports) == 2 {
		t.SrcPort, t.DstPort = ports[0], ports[1]
	}
	return t
}

// TestDatagrams tells each translation once, with ports where there are any.
func TestDatagrams(t *testing.T) {
	var d Datagrams
	inside, outside := ends("192.0.2.1", "198.51.100.2", 4000, 53), ends("203.0.113.1", "198.51.100.2", 4000, 53)
	for _, tt := range []struct {
		was, is tuple.Tuple
		want    string
	}{
		{inside, inside, ""},
		{inside, outside, "NAT: 192.0.2.1:4000 > 198.51.100.2:53 became 203.0.113.1:4000 > 198.51.100.2:53"},
		{inside, outside, ""},
		{ends("192.0.2.1", "198.51.100.2"), ends("203.0.113.1", "198.51.100.2"),
			"NAT: 192.0.2.1 > 198.51.100.2 became 203.0.113.1 > 198.51.100.2"},
	} {
		if got := strings.Join(d.Notes(tt.was, tt.is), "; "); got != tt.want {
			t.Errorf("%v > %v: %q", tt.was, tt.is, got)
		}
	}
	for i := range 3 * most {
		d.Notes(inside, ends("203.0.113.1", "198.51.100.2", uint16(i), uint16(i>>8)))
	}
	if len(d.told) > most {
		t.Errorf("%d are remembered", len(d.told))
	}
}
