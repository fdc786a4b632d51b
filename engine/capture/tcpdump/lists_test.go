package tcpdump_test

import (
	"fmt"
	"strings"
	"testing"

	"netrepro/engine/capture"
)

// TestTimes has times as they are printed, by a SYN each.
func TestTimes(t *testing.T) {
	const syn = " IP 192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], seq 7712001, win 64240, length 0"
	at := func(want ...string) func(*testing.T, *capture.Source, []row) {
		return func(t *testing.T, _ *capture.Source, got []row) {
			t.Helper()
			var all []string
			for _, r := range got {
				all = append(all, strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.6f", r.time.Seconds()), "0"), "."))
			}
			if w, g := strings.Join(want, " "), strings.Join(all, " "); w != g {
				t.Errorf("got %s, want %s", g, w)
			}
		}
	}
	// either is for times that never fall: the reader is told that they may mean two things.
	either := func(want bool, times ...string) func(*testing.T, *capture.Source, []row) {
		return func(t *testing.T, s *capture.Source, got []row) {
			t.Helper()
			at(times...)(t, s, got)
			if s.Text.Either != want || len(s.Text.Said()) > 0 != want {
				t.Errorf("said %q", s.Text.Said())
			}
		}
	}
	tests := []struct {
		name, times string
		check       func(*testing.T, *capture.Source, []row)
	}{
		{"of the day", "10:00:00.1|10:00:00.2|10:00:01", at("0", "0.1", "0.9")},
		{"past midnight", "23:59:59.9|00:00:00.1|00:00:03.1", at("0", "0.2", "3.2")},
		{"since the one before", " 00:00:00.000000| 00:00:00.5| 00:00:00.0001", at("0", "0.5", "0.5001")},
		{"since the one before, rising first", " 00:00:07| 00:00:08| 00:00:09| 00:00:00.5", at("0", "8", "17", "17.5")},
		{"since the first", " 00:00:00.000000| 00:00:00.5| 00:00:00.5001", either(true, "0", "0.5", "0.5001")},
		{"gaps that double", " 00:00:00.000000| 00:00:01| 00:00:02| 00:00:04", either(true, "0", "1", "2", "4")},
		{"two packets, of which both readings are one", " 00:00:00.000000| 00:00:01", either(false, "0", "1")},
		{"gaps that fall", " 00:00:00.000000| 00:00:01| 00:00:00.5", either(false, "0", "1", "1.5")},
		{"soon after midnight", "00:00:07.1|00:00:08.1|00:00:09.1", either(false, "0", "1", "2")},
		{"since the first, an excerpt", " 00:00:07.5| 00:00:08| 00:00:09", at("0", "0.5", "1.5")},
		{"over hours", " 00:00:00.000000| 02:00:00.5| 00:00:00.25", at("0", "7200.5", "7200.75")},
		{"negative", " 00:00:00.000000| 00:00:01|-00:00:00.000002", at("0", "1", "0.999998")},
		{"seconds since 1970", "1700000000.5|1700000001.000001", at("0", "0.500001")},
		{"seconds since the one before", "0.000000|0.5|0.0001", at("0", "0.5", "0.5001")},
		{"microseconds since the one before", "000000|000031|1. 000002", at("0", "0.000031", "1.000033")},
		{"whole seconds", "10:44:50|10:44:50|10:44:52", at("0", "0", "2")},
		{"none", "||", at("0", "0", "0")},
		{"dates", "2026-11-22 23:59:59.9|2026-11-23 00:00:00.1", at("0", "0.2")},
		{"ISO", "2026-11-22T23:59:59.9Z|2026-11-23T00:00:00.1Z", at("0", "0.2")},
		{"months", "Oct 21 23:59:59.9|Oct 22 00:00:00.1", at("0", "0.2")},
		{"back and forth", "12:52:09.41|11:52:38.2|12:52:09.5|11:52:38.3|12:52:10", at("0", "0", "0.09", "0.1", "0.59")},
		{"two processors", "10:00:00.000005|10:00:00.000003|10:00:00.000009", at("0", "-0.000002", "0.000004")},
		{"another capture, earlier", "10:00:00|10:00:05|09:00:00|09:00:01", at("0", "5", "5", "6")},
		{"another day, earlier", "2026-11-22 10:00:00|2026-11-22 10:00:05|2026-11-21 09:00:00|2026-11-21 09:00:01", at("0", "5", "5", "6")},
		{"a long pause", "10:00:00|15:00:00", at("0", "18000")},
	}
	var kinds []kind
	for _, tt := range tests {
		text := ""
		for _, s := range strings.Split(tt.times, "|") {
			text += s + syn + "\n"
		}
		kinds = append(kinds, kind{tt.name, text, tt.check})
	}
	try(t, kinds)
}

// TestLists has lists of packets as Wireshark and tshark show them.
func TestLists(t *testing.T) {
	const (
		s1 = "0.000000 A:4107 > B:8443 S 0 win 64240 floating"
		s2 = "0.011483 B:8443 > A:4107 S. 0 ack 1 win 65160 floating"
		s3 = "0.012000 A:4107 > B:8443 P. 1 ack 1 win 502 len 517 floating"
	)
	try(t, []kind{
		{"tshark", "    1 0.000000000    192.0.2.7 → 198.51.100.9 TCP 74 4107 → 8443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 SACK_PERM TSval=771 TSecr=0 WS=128\n" +
			"    2 0.011483000 198.51.100.9 → 192.0.2.7    TCP 74 8443 → 4107 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460 SACK_PERM TSval=9 TSecr=771 WS=128\n" +
			"    3 0.012000000    192.0.2.7 → 198.51.100.9 TCP 583 4107 → 8443 [PSH, ACK] Seq=1 Ack=1 Win=64256 Len=517 TSval=771 TSecr=9\n", are(s1, s2, s3)},
		{"arrows of letters", "  1   0.000000    192.0.2.7 -> 198.51.100.9 TCP 4107 > 8443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 TSV=771 TSER=0 WS=7\n" +
			"  2   0.011483    198.51.100.9 -> 192.0.2.7 TCP 8443 > 4107 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460\n" +
			"  3   0.012000    192.0.2.7 -> 198.51.100.9 TCP 4107 > 8443 [PSH, ACK] Seq=1 Ack=1 Win=502 Len=517\n", are(s1, s2, s3)},
		{"tabs", "1\t0.000000\t192.0.2.7\t→\t198.51.100.9\tTCP\t74\t4107\t→\t8443 [SYN] Seq=0 Win=64240 Len=0\n", are(s1)},
		{"copied from Wireshark", "No.     Time           Source                Destination           Protocol Length Info\n" +
			"      1 0.000000       192.0.2.7             198.51.100.9          TCP      74     4107 → 8443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460\n\n" +
			"Frame 1: 74 bytes on wire (592 bits), 74 bytes captured (592 bits)\nTransmission Control Protocol, Src Port: 4107, Dst Port: 8443, Seq: 0, Len: 0\n", are(s1)},
		{"dates", "1 2026-11-22 10:44:50.200431 192.0.2.7 198.51.100.9 TCP 74 4107 → 8443 [SYN] Seq=0 Win=64240 Len=0\n" +
			"2 2026-11-22 10:44:50.211914 198.51.100.9 192.0.2.7 TCP 74 8443 → 4107 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0\n", are(s1, s2)},
		{"clock", "1 10:44:50.200431 192.0.2.7 198.51.100.9 TCP 74 4107 → 8443 [SYN] Seq=0 Win=64240 Len=0\n", are(s1)},
		{"remarks", "5 0.0 192.0.2.7 → 198.51.100.9 TCP 74 [TCP Retransmission] [TCP Port numbers reused] 4107 → 8443 [SYN] Seq=0 Win=64240 Len=0\n", are(s1)},
		{"names of ports", "5 0.0 192.0.2.7 → 198.51.100.9 TCP 74 4107→https-alt(8443) [SYN] Seq=0 Win=64240 Len=0\n", func(t *testing.T, s *capture.Source, got []row) {
			if len(got) != 1 || got[0].SrcPort != 4107 {
				t.Errorf("got %v", got)
			}
		}},
		{"CSV", "\"No.\",\"Time\",\"Source\",\"Destination\",\"Protocol\",\"Length\",\"Info\"\n" +
			"\"1\",\"0.000000\",\"192.0.2.7\",\"198.51.100.9\",\"TCP\",\"74\",\"4107  >  8443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460\"\n", are(s1)},
		{"what a protocol above says", "1 0.0 192.0.2.7 → 198.51.100.9 TCP 74 4107 → 8443 [SYN] Seq=0 Win=64240 Len=0\n" +
			"2 0.1 192.0.2.7 → 198.51.100.9 TLSv1.2 583 Client Hello\n3 0.2 192.0.2.7 → 198.51.100.53 DNS 74 Standard query 0x1 A example.com\n" +
			"4 0.3 203.0.113.5 → 192.0.2.7 ICMP 590 Destination unreachable (Fragmentation needed)\n5 0.4 192.0.2.7 → 192.0.2.255 ARP 42 Who has 192.0.2.1?\n",
			are(s1, "0.100000 A:4107 > B:8443 . - ack - win -", "0.200000 A:0 > 198.51.100.53:0 udp", "0.300000 203.0.113.5 > A icmp 3 4 mtu 0")},
		{"absolute numbers", "1 0.0 192.0.2.7 → 198.51.100.9 TCP 74 4107 → 8443 [SYN] Seq=7712001 Win=64240 Len=0\n", are(plain)},
		{"cut", "1 0.0 192.0.2.7 → 198.51.100.9 TCP 74 4107 → 8443 [SYN] Seq=0 Win=64240 Len=0\n2 0.1 198.51.100.9 → 192.0.2.7 TCP 74 8443 → 4107 [SYN, ACK] Seq=0 Ac", func(t *testing.T, s *capture.Source, got []row) {
			are(s1, "0.100000 B:8443 > A:4107 S. 0 ack - win - floating")(t, s, got)
			if s.Text.Cut != 1 {
				t.Error("the cut is not said")
			}
		}},
	})
}

// TestCaptures has several captures in one paste.
func TestCaptures(t *testing.T) {
	const both = "root@%s:~# tcpdump -ni eth0 port 8443\nlistening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n"
	try(t, []kind{{"two hosts", "On the client:\n" + fmt.Sprintf(both, "client") + hs + a2b + "Flags [.], ack 1, win 502, length 0\n\nand on the server:\n" +
		fmt.Sprintf(both, "server") + hs + a2b + "Flags [.], ack 1, win 502, length 0\n",
		func(t *testing.T, s *capture.Source, got []row) {
			if len(got) != 6 || len(s.Points()) != 2 || got[5].point != 1 || got[5].Ack != 552 || got[5].Seq != 7712002 {
				t.Errorf("got %v at %v", got, s.Points())
			}
		}}})
}
