package tcpdump_test

import (
	"strings"
	"testing"

	"netrepro/engine/capture"
)

const (
	a2b = "10:44:50.200000 IP 192.0.2.7.4107 > 198.51.100.9.8443: "
	b2a = "10:44:50.300000 IP 198.51.100.9.8443 > 192.0.2.7.4107: "
	hs  = a2b + "Flags [S], seq 7712001, win 64240, length 0\n" + b2a +
		"Flags [S.], seq 551, ack 7712002, win 65160, length 0\n"
)

// hsp is how hs reads.
var hsp = []string{plain, "0.100000 B:8443 > A:4107 S. 551 ack 7712002 win 65160"}

// TestCut has lines that end anywhere.
func TestCut(t *testing.T) {
	cut := func(last string) func(*testing.T, *capture.Source, []row) {
		return func(t *testing.T, s *capture.Source, got []row) {
			t.Helper()
			are(append(hsp[:2:2], last)...)(t, s, got)
			if s.Text.Cut != 1 || s.Text.FirstCut != 3 || len(s.Text.Said()) != 1 {
				t.Errorf("%d were cut, the first in line %d: %q", s.Text.Cut, s.Text.FirstCut, s.Text.Said())
			}
		}
	}
	skipped := func(t *testing.T, s *capture.Source, got []row) {
		t.Helper()
		if len(got) != 2 || s.Text.Skipped != 1 || s.Text.Skips[0].Line != 3 || len(s.Text.Said()) == 0 {
			t.Errorf("%d packets, not understood: %v", len(got), s.Text.Skips)
		}
	}
	const p = "0.000000 A:4107 > B:8443 P. "
	try(t, []kind{
		{"in the length", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 502, len", cut(p + "7712002 ack 552 win 502 len 211")},
		{"in the window", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 50", cut(p + "7712002 ack 552 win - len 211")},
		{"in the name of the window", hs + a2b + "Flags [P.], seq 1:212, ack 1, w", cut(p + "7712002 ack 552 win - len 211")},
		{"in the acknowledgement", hs + a2b + "Flags [P.], seq 1:212, ack 1", cut(p + "7712002 ack - win - len 211")},
		{"behind the acknowledgement", hs + a2b + "Flags [P.], seq 1:212, ack 1,", cut(p + "7712002 ack 552 win - len 211")},
		{"in the sequence number", hs + a2b + "Flags [P.], seq 1:21", cut(p + "- ack - win -")},
		{"behind the flags", hs + a2b + "Flags [P.], ", cut(p + "- ack - win -")},
		{"in the options", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 502, options [nop,nop,TS val 77", cut(p + "7712002 ack 552 win 502 len 211")},
		{"with an ellipsis", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 502, options [nop,nop,TS val 77...", cut(p + "7712002 ack 552 win 502 len 211")},
		{"with an ellipsis behind a number", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 5…", cut(p + "7712002 ack 552 win - len 211")},
		{"in the flags", hs + a2b + "Flags [P", skipped},
		{"in the addresses", hs + "10:44:50.200000 IP 192.0.2.7.4107 > 198.51.10", skipped},
		{"old, in the window", hs + "10:44:50.200000 IP 192.0.2.7.4107 > 198.51.100.9.8443: P 1:212(211) ack 1 w", cut("0.000000 A:4107 > B:8443 P. 7712002 ack 552 win - len 211")},
		{"old, in the range", hs + "10:44:50.200000 IP 192.0.2.7.4107 > 198.51.100.9.8443: P 1:21", cut("0.000000 A:4107 > B:8443 P. - ack - win -")},
		{"old, in the options", hs + "10:44:50.200000 IP 192.0.2.7.4107 > 198.51.100.9.8443: P 1:212(211) ack 1 win 5 <nop,nop,timest", cut("0.000000 A:4107 > B:8443 P. 7712002 ack 552 win 5 len 211")},
		{"by the snap length", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 502 [|tcp]", cut(p + "7712002 ack 552 win 502 len 211")},
		{"by the snap length, in the options", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 502, options [nop,nop,[|tcp]>", cut(p + "7712002 ack 552 win 502 len 211")},
		{"by the snap length, 4.99", hs + a2b + "Flags [P.], seq 1:212, ack 1, win 502, options [nop,nop,TS[|tcp]], length 211", cut(p + "7712002 ack 552 win 502 len 211")},
	})
}

// TestBetween has what stands between packets.
func TestBetween(t *testing.T) {
	counts := func(packets, skipped int, lines ...int) func(*testing.T, *capture.Source, []row) {
		return func(t *testing.T, s *capture.Source, got []row) {
			t.Helper()
			if len(got) != packets || s.Text.Skipped != skipped {
				t.Errorf("%d packets, %d not understood: %v", len(got), s.Text.Skipped, s.Text.Skips)
			}
			for i, l := range lines {
				if i < len(got) && got[i].line != l {
					t.Errorf("packet %d is of line %d, not %d", i+1, got[i].line, l)
				}
			}
		}
	}
	try(t, []kind{
		{"ARP and others", hs + "10:44:50.4 ARP, Request who-has 192.0.2.1 tell 192.0.2.7, length 28\n" +
			"10:44:50.4 arp who-has 192.0.2.1 tell 192.0.2.7\n10:44:50.4 STP 802.1d, Config, Flags [none], bridge-id 8000\n" +
			"10:44:50.4 00:00:5e:00:53:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.0.2.1 tell 192.0.2.7, length 28\n" +
			"10:44:50.5 eth0  B   ARP, Request who-has 192.0.2.1 tell 192.0.2.7, length 28\n", counts(2, 0, 1, 2)},
		{"prose, prompts and logs", "Here is what I see on the server:\n\nroot@gw:~# tcpdump -ni eth0 port 8443\n" +
			"tcpdump: verbose output suppressed, use -v or -vv for full protocol decode\n" +
			"listening on eth0, link-type EN10MB (Ethernet), capture size 262144 bytes\n" + hs +
			"10:44:51 [error] upstream timed out > see the log: nothing\n^C\n2 packets captured\n" +
			"4 packets received by filter\n0 packets dropped by kernel\n\nAs you see, it works > 1 time: fine.\n",
			counts(2, 0, 6, 7)},
		{"what is not understood is counted", hs + a2b + "Flags [Q], seq 1, win 3, length 0\n" + a2b +
			"tcp 0\n" + a2b + "[|tcp]\n" + a2b + "Flags [S], seq 99999999999, win 3, length 0\n", counts(2, 4, 1, 2)},
		{"payload (-A)", a2b + "Flags [P.], seq 7712002:7712022, ack 552, win 3, length 20: HTTP: GET / HTTP/1.1\n" +
			"E..<.F@.@...GET / HTTP/1.1\nHost: www.example.com\nIP of the client: none\n\n" + hs, counts(3, 0, 1, 6)},
		{"-X", a2b + "Flags [S], seq 7712001, win 3, length 0\n\t0x0000:  4500 003c 1c46 4000 4006 b1e6 c000 0207  E..<.F@.@.......\n" +
			"\t0x0010:  c633 6409 100b 20fb 0075 acc1 0000 0000  .3d......u......\n" + hs, counts(3, 0, 1, 4)},
		{"lines that are wrapped keep the number of the first", "> > x\n10:44:50.2 IP 192.0.2.7.4107 >\n198.51.100.9.8443:\nFlags [S], seq\n7712001, win 64240, length 0\n" + hs, counts(3, 0, 2, 6)},
		{"-v keeps the number of the first", "10:44:50.2 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)\n    192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], seq 7712001, win 64240, length 0\n" + hs, counts(3, 0, 1, 3)},
		{"a line of the wrong length", strings.Repeat("y", 100_000) + "\n" + hs, counts(2, 0, 2, 3)},
		{"the packet that an ICMP error is about", hs + "10:44:50.4 IP (tos 0xc0, ttl 64, id 9, offset 0, flags [none], proto ICMP (1), length 576)\n" +
			"    203.0.113.5 > 198.51.100.9: ICMP 192.0.2.7 unreachable - need to frag (mtu 1380), length 556\n" +
			"\tIP (tos 0x0, ttl 63, id 5, offset 0, flags [DF], proto TCP (6), length 1500)\n" +
			"    198.51.100.9.8443 > 192.0.2.7.4107: Flags [.], seq 1:1461, ack 1, win 510, length 1460\n" + hs, counts(5, 0, 1, 2, 3, 7)},
	})
}

// TestOthers has what is no TCP.
func TestOthers(t *testing.T) {
	try(t, []kind{
		{"UDP", "1.0 IP 192.0.2.7.5353 > 198.51.100.9.53: 1234+ A? example.com. (29)\n1.1 IP 192.0.2.7.5353 > 198.51.100.9.domain: UDP, length 29\n" +
			"1.2 192.0.2.7.5353 > 198.51.100.9.53:  1234+ A? example.com. (29) (DF)\n1.3 IP 192.0.2.7.123 > 198.51.100.9.123: NTPv4, Client, length 48\n" +
			"1.4 IP 192.0.2.7.500 > 198.51.100.9.500: isakmp: phase 1 I ident\n1.5 192.0.2.7.1044 > 198.51.100.9.7807: udp 120\n" +
			"1.6 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto UDP (17), length 57)\n    192.0.2.7.5353 > 198.51.100.9.53: [bad udp cksum 0x1 -> 0x2!] 1234+ A? example.com. (29)\n",
			are("0.000000 A:5353 > B:53 udp len 29", "0.100000 A:5353 > B:53 udp len 29", "0.200000 A:5353 > B:53 udp len 29",
				"0.300000 A:123 > B:123 udp len 48", "0.400000 A:500 > B:500 udp", "0.500000 A:1044 > B:7807 udp len 120",
				"0.600000 A:5353 > B:53 udp len 29")},
		{"ICMP", "1.0 IP 203.0.113.5 > 198.51.100.9: ICMP 192.0.2.7 unreachable - need to frag (mtu 1300), length 556\n" +
			"1.0 203.0.113.5 > 198.51.100.9: icmp: 192.0.2.7 unreachable - need to frag (mtu 1300)\n" +
			"1.0 IP 192.0.2.7 > 198.51.100.9: ICMP echo request, id 1, seq 1, length 64\n" +
			"1.0 IP 192.0.2.7 > 198.51.100.9: icmp: echo reply (DF)\n" +
			"1.0 IP 192.0.2.7 > 198.51.100.9: ICMP host 192.0.2.7 unreachable - admin prohibited, length 68\n" +
			"1.0 IP 192.0.2.7 > 198.51.100.9: ICMP 192.0.2.7 tcp port 8443 unreachable, length 68\n" +
			"1.0 IP6 2001:db8::7 > 2001:db8::9: ICMP6, packet too big, mtu 1280, length 1240\n" +
			"1.0 IP6 2001:db8::7 > 2001:db8::9: icmp6: too big 1280\n",
			are("0.000000 203.0.113.5 > B icmp 3 4 mtu 1300 of B:0 > A:0 len 548", "0.000000 203.0.113.5 > B icmp 3 4 mtu 1300 of B:0 > A:0", "0.000000 A > B icmp 8 0 mtu 0 len 56", "0.000000 A > B icmp 0 0 mtu 0",
				"0.000000 A > B icmp 3 10 mtu 0 of B:0 > A:0 len 60", "0.000000 A > B icmp 3 3 mtu 0 of B:0 > A:8443 len 60", "0.000000 2001:db8::7 > 2001:db8::9 icmp 2 0 mtu 1280 len 1232", "0.000000 2001:db8::7 > 2001:db8::9 icmp 2 0 mtu 1280")},
		{"fragments", "1.0 IP 192.0.2.7 > 198.51.100.9: tcp\n1.0 192.0.2.7 > 198.51.100.9: (frag 2290:100@1448)\n" +
			"1.0 192.0.2.7.4107 > 198.51.100.9.8443: . 1:1429(1428) ack 1 win 510 (frag 2290:1448@0+)\n1.0 IP 192.0.2.7 > 198.51.100.9: udp\n" +
			"1.0 IP (tos 0x0, ttl 64, id 5, offset 1448, flags [none], proto TCP (6), length 120)\n    192.0.2.7 > 198.51.100.9: tcp\n",
			are("0.000000 A > B proto 6", "0.000000 A > B proto 255", "0.000000 A:4107 > B:8443 . 1 ack 1 win 510 len 1428 floating", "0.000000 A > B proto 17", "0.000000 A > B proto 6")},
		{"headers of IPv6", "1.0 IP6 2001:db8::7 > 2001:db8::9: HBH (rtalert: 0x0000) 4107 > 8443: Flags [S], seq 7712001, win 5, length 0\n" +
			"1.0 IP6 2001:db8::7 > 2001:db8::9: DSTOPT (padn) 4107 > 8443: Flags [S], seq 7712001, win 5, length 0\n" +
			"1.0 IP6 (hlim 64, next-header Fragment (44) payload length: 1456) 2001:db8::7 > 2001:db8::9: frag (0x1234:0|1448) 4107 > 8443: Flags [.], seq 7712002:7713430, ack 4000000001, win 5, length 1428\n" +
			"1.0 IP6 (flowlabel 0x3, hlim 64, next-header TCP (6) payload length: 40) 2001:db8::7.4107 > 2001:db8::9.8443: Flags [S], cksum 0x1 (correct), seq 7712001, win 5, length 0\n",
			are("0.000000 2001:db8::7:4107 > 2001:db8::9:8443 S 7712001 win 5", "0.000000 2001:db8::7:4107 > 2001:db8::9:8443 S 7712001 win 5", "0.000000 2001:db8::7:4107 > 2001:db8::9:8443 . 7712002 ack 4000000001 win 5 len 1428", "0.000000 2001:db8::7:4107 > 2001:db8::9:8443 S 7712001 win 5")},
		{"headers of IPv6 without their options", "1.0 IP6 2001:db8::7 > ff02::16: HBH ICMP6, multicast listener report v2, 1 group record(s), length 28\n" +
			"1.0 IP6 2001:db8::7 > 2001:db8::9: HBH (rtalert: 0x0000) (padn) ICMP6, echo request, id 1, seq 1, length 64\n" +
			"1.0 IP6 2001:db8::7 > 2001:db8::9: HBH 4107 > 8443: Flags [S], seq 7712001, win 5, length 0\n",
			are("0.000000 2001:db8::7 > ff02::16 icmp 143 0 mtu 0 len 20", "0.000000 2001:db8::7 > 2001:db8::9 icmp 128 0 mtu 0 len 56",
				"0.000000 2001:db8::7:4107 > 2001:db8::9:8443 S 7712001 win 5")},
		{"others", "1.0 IP 192.0.2.7 > 198.51.100.9: ESP(spi=0x1,seq=0x2), length 100\n1.0 IP 192.0.2.7 > 224.0.0.1: igmp query v2\n1.0 IP 192.0.2.7.1 > 198.51.100.9.2: sctp (1) [INIT] [init tag: 1]\n",
			are("0.000000 A > B proto 50", "0.000000 A > 224.0.0.1 proto 2", "0.000000 A > B proto 132")},
		{"names", "1.0 IP client.example.com.4107 > ip-10-0-0-1.ec2.internal.https: Flags [S], seq 7712001, win 5, length 0\n1.0 IP localhost.4107 > localhost.frobnicate: Flags [S], seq 7712001, win 5, length 0\n" +
			"1.0 IP6 six.example.com.4107 > 2001:db8::9.http-alt: Flags [S], seq 7712001, win 5, length 0\n1.0 IP gw > _gateway: ICMP echo request, id 1, seq 1, length 64\n",
			func(t *testing.T, s *capture.Source, got []row) {
				are("0.000000 192.0.2.1:4107 > 192.0.2.2:443 S 7712001 win 5", "0.000000 192.0.2.3:4107 > 192.0.2.3:65535 S 7712001 win 5", "0.000000 2001:db8::4:4107 > 2001:db8::9:8080 S 7712001 win 5", "0.000000 192.0.2.5 > 192.0.2.6 icmp 8 0 mtu 0 len 56")(t, s, got)
				if n := s.Text.Ports["frobnicate"]; n != 65535 || len(s.Text.Said()) != 1 {
					t.Errorf("said %q", s.Text.Said())
				}
			}},
	})
}
