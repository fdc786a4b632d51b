package joining

import (
	"net/netip"
	"testing"

	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// flow is one from a port of a client, opened with a sequence number; 0 is one that was
// opened before the capture.
func flow(client string, port uint16, seq uint32) *incident.Flow {
	f := &incident.Flow{Ends: [2]netip.AddrPort{
		netip.AddrPortFrom(netip.MustParseAddr(client), port), netip.MustParseAddrPort("192.0.2.80:80")}}
	s := &incident.Segment{Packet: packet.Packet{Seq: max(seq, 7)}}
	if seq != 0 {
		f.SYN = s
	}
	f.Segments = []*incident.Segment{s}
	return f
}

func TestFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b *incident.Flow
		twin bool
	}{
		"the same":               {flow("192.0.2.1", 4000, 9), flow("192.0.2.1", 4000, 9), true},
		"behind a NAT":           {flow("192.0.2.1", 4000, 9), flow("198.51.100.1", 5000, 9), true},
		"a port used again":      {flow("192.0.2.1", 4000, 9), flow("192.0.2.1", 4000, 10), false},
		"one begins in between":  {flow("192.0.2.1", 4000, 9), flow("192.0.2.1", 4000, 0), true},
		"the other does":         {flow("192.0.2.1", 4000, 0), flow("192.0.2.1", 4000, 9), true},
		"both do":                {flow("192.0.2.1", 4000, 0), flow("192.0.2.1", 4000, 0), true},
		"both do, another port":  {flow("192.0.2.1", 4000, 0), flow("192.0.2.1", 4001, 0), false},
		"one does, another port": {flow("192.0.2.1", 4000, 9), flow("192.0.2.1", 4001, 0), false},
	} {
		in := &incident.Incident{Files: []*incident.File{{Flows: []*incident.Flow{tt.a}}, {Flows: []*incident.Flow{tt.b}}}}
		Files(in)
		if got := len(tt.a.Twins) == 1 && len(tt.b.Twins) == 1; got != tt.twin {
			t.Errorf("%s: twins %t", name, got)
		}
	}
}

// TestFilesAlike bounds what is made of captures whose flows are all alike.
func TestFilesAlike(t *testing.T) {
	var files []*incident.File
	for range 2 {
		f := &incident.File{}
		for range 50000 {
			f.Flows = append(f.Flows, flow("192.0.2.1", 4000, 9))
		}
		files = append(files, f)
	}
	Files(&incident.Incident{Files: files})
	most, all := 0, 0
	for _, f := range files {
		for _, o := range f.Flows {
			most, all = max(most, len(o.Twins)), all+len(o.Twins)
		}
	}
	if most == 0 || most > 2*mostAlike || all > 2*2*mostAlike*mostAlike*len(files) {
		t.Errorf("a flow has up to %d twins, all have %d", most, all)
	}
}
