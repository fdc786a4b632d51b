package packet

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// TestQuote reads the segment that an ICMP error quotes, also one within a tunnel.
func TestQuote(t *testing.T) {
	ip := tcpSegment(t)[14:]
	tunnel := func(p layers.IPProtocol, head string, b []byte) []byte {
		return build(t, ether(layers.EthernetTypeIPv4), ip4(p), gopacket.Payload(append([]byte(head), b...)))[14:]
	}
	fragment := append([]byte{}, ip...)
	fragment[7] = 5 // not the first
	for name, tt := range map[string]struct {
		quoted []byte
		ports  bool
		flags  bool
	}{
		"all of it":                 {ip, true, true},
		"eight bytes of TCP":        {ip[:28], true, false},
		"four bytes of TCP":         {ip[:24], false, false},
		"within IP":                 {tunnel(layers.IPProtocolIPv4, "", ip), true, true},
		"within GRE":                {tunnel(layers.IPProtocolGRE, "\x00\x00\x08\x00", ip[:28]), true, false},
		"authenticated":             {tunnel(layers.IPProtocolAH, "\x06\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01", ip[20:]), true, true},
		"a fragment, not the first": {fragment, false, false},
	} {
		for _, kind := range []uint8{icmpTimeExceeded, icmpRedirect} {
			m := ReadICMP(ProtoICMP, append([]byte{kind, 0, 0, 0, 0, 0, 0, 0}, tt.quoted...))
			q := m.Quoted
			if q == nil || q.Proto != ProtoTCP || (q.DstPort == 443 && q.Seq == 100) != tt.ports || q.TCP != tt.flags ||
				tt.flags && (q.Flags != ACK|PSH || q.Ack != 200) {
				t.Errorf("%s: got %+v", name, q)
			}
		}
	}
}
