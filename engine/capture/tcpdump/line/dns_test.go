package line

import (
	"encoding/binary"
	"testing"
)

// TestDNS reads what tcpdump prints of questions and answers.
func TestDNS(t *testing.T) {
	for text, want := range map[string]struct{ id, flags, answers uint16 }{
		"4711+ A? big.example.com. (33)":                 {4711, dnsRecursion, 0},
		"53297 [1au] TXT? big.example.org. (44)":         {53297, 0, 0},
		"4711| 28/0/0 A 203.0.113.11, A 203.0.113.12":    {4711, dnsResponse | dnsAvailable | dnsTruncated, 28},
		"38429*-| 0/0/1 (40)":                            {38429, dnsResponse | dnsAuthority | dnsTruncated, 0},
		"57118*- 1/0/1 A 198.51.100.80 (60)":             {57118, dnsResponse | dnsAuthority, 1},
		"12007 NXDomain 0/1/0 (52)":                      {12007, dnsResponse | dnsAvailable, 0},
		"9 q: A? example.com. 1/0/0 A 203.0.113.80 (45)": {9, dnsResponse | dnsAvailable, 1},
	} {
		b := dns(text)
		if len(b) != dnsHeaderBytes {
			t.Errorf("%q is not read", text)
			continue
		}
		if id, flags, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]),
			binary.BigEndian.Uint16(b[6:]); id != want.id || flags != want.flags || n != want.answers {
			t.Errorf("%q: %d, %#x, %d answers; want %+v", text, id, flags, n, want)
		}
	}
	for _, text := range []string{"UDP, length 40", "Flags [S]", "NTPv4, Client, length 48", ""} {
		if b := dns(text); b != nil {
			t.Errorf("%q is read as DNS: %x", text, b)
		}
	}
}
