package ports

import (
	"net/netip"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	port, other := netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("192.0.2.1:81")
	var table Table
	for _, step := range []struct {
		what  string
		port  netip.AddrPort
		now   time.Duration
		sends bool
		want  int
	}{
		{"the first", port, 0, false, 0}, {"the next", port, time.Millisecond, false, 1},
		{"of another port", other, time.Millisecond, false, 0},
		{"the third", port, 2 * time.Millisecond, false, 2}, {"long after", port, time.Second, false, 0},
		{"it sends", port, time.Second, true, 0},
		{"after that", port, time.Second, false, 0},
	} {
		if step.sends {
			table.Sends(step.port)
			continue
		}
		if got := table.Reset(step.port, step.now); got != step.want {
			t.Errorf("%s: %d before, want %d", step.what, got, step.want)
		}
	}
	for i := range 2 * most {
		table.Reset(netip.AddrPortFrom(port.Addr(), uint16(i)), 2*time.Second)
	}
	if len(table.of) > most {
		t.Errorf("%d ports are remembered", len(table.of))
	}
}
