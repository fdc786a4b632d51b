package tcpdump_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"netrepro/engine/capture"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// one writes what is known of a packet in a line; what is missing is "-".
func one(r *row) string {
	p := &r.Packet
	s := fmt.Sprintf("%.6f %s", r.time.Seconds(), p.Src)
	switch {
	case p.ICMP() != nil:
		m := p.ICMP()
		s += fmt.Sprintf(" > %s icmp %d %d mtu %d", p.Dst, m.Type, m.Code, m.MTU)
		if q := m.Quoted; q != nil {
			s += fmt.Sprintf(" of %s:%d > %s:%d", q.Src, q.SrcPort, q.Dst, q.DstPort)
		}
	case p.Fragment || p.Proto != packet.ProtoTCP && p.Proto != packet.ProtoUDP:
		s += fmt.Sprintf(" > %s proto %d", p.Dst, p.Proto)
	case p.Proto == packet.ProtoUDP:
		s += fmt.Sprintf(":%d > %s:%d udp", p.SrcPort, p.Dst, p.DstPort)
	default:
		number := func(n any, bit packet.Missing) string {
			if p.Missing.Has(bit) {
				return "-"
			}
			return fmt.Sprint(n)
		}
		s += fmt.Sprintf(":%d > %s:%d %s %s", p.SrcPort, p.Dst, p.DstPort, p.Flags, number(p.Seq, packet.NoSeq))
		if p.Flags.Has(packet.ACK) {
			s += " ack " + number(p.Ack, packet.NoAck)
		}
		s += " win " + number(p.Window, packet.NoWindow)
	}
	if !p.Missing.Has(packet.NoLength) && p.PayloadLen > 0 {
		s += fmt.Sprintf(" len %d", p.PayloadLen)
	}
	if p.Missing.Has(packet.NoOrigin) {
		s += " floating"
	}
	return s
}

// are holds packets to what is known of them, with the shared beginnings of addresses
// left out: A is 192.0.2.7, B 198.51.100.9.
func are(want ...string) func(*testing.T, *capture.Source, []row) {
	return func(t *testing.T, s *capture.Source, got []row) {
		t.Helper()
		for i := range max(len(want), len(got)) {
			w, g := "nothing", "nothing"
			if i < len(want) {
				w = want[i]
			}
			if i < len(got) {
				g = strings.NewReplacer("192.0.2.7", "A", "198.51.100.9", "B").Replace(one(&got[i]))
			}
			if w != g {
				t.Errorf("packet %d: got  %s\nwant %s", i+1, g, w)
			}
		}
		if s.Text.Skipped > 0 {
			t.Errorf("not understood: %v", s.Text.Skips)
		}
	}
}

// plain is what most of the packets here are.
const plain = "0.000000 A:4107 > B:8443 S 7712001 win 64240"

type kind struct {
	name, text string
	check      func(*testing.T, *capture.Source, []row)
}

func try(t *testing.T, tests []kind) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := capture.New(strings.NewReader(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			a := tcp.New(tcp.Options{})
			var got []row
			for {
				var in tcp.Input
				var r tcp.Record
				if err := s.Next(&in); err != nil {
					if !errors.Is(err, io.EOF) {
						t.Error(err)
					}
					break
				}
				a.Describe(s.Points())
				a.Add(&in, &r)
				got = append(got, row{Packet: *in.Packet, time: in.Time, line: in.Line, point: in.Point,
					dir: in.Direction})
			}
			tt.check(t, s, got)
		})
	}
}

// the ways to write one SYN.
func TestWritten(t *testing.T) {
	const (
		seg  = "192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], seq 7712001, win 64240, options [mss 1460], length 0"
		old  = "192.0.2.7.4107 > 198.51.100.9.8443: S 7712001:7712001(0) win 64240 <mss 1460,nop,wscale 7> (DF)"
		macs = "00:00:5e:00:53:01 > 00:00:5e:00:53:02, "
	)
	var tests []kind
	for name, text := range map[string]string{
		"plain":                  "10:44:50.2 IP " + seg,
		"3.4":                    "10:44:50.2 " + old,
		"3.8 -v":                 "10:44:50.2 192.0.2.7.4107 > 198.51.100.9.8443: S [tcp sum ok] 7712001:7712001(0) win 64240 <mss 1460> (DF) (ttl 64, id 3301, len 60)",
		"3.8 -v bad":             "10:44:50.2 IP 192.0.2.7.4107 > 198.51.100.9.8443: S [bad tcp cksum 5af8 (->1234)!] 7712001:7712001(0) win 64240 <mss 1460> (DF) [tos 0x10] (ttl 64, id 3301, len 60)",
		"3.9 -v":                 "10:44:50.2 IP (tos 0x0, ttl  64, id 3301, offset 0, flags [DF], proto: TCP (6), length: 60) 192.0.2.7.4107 > 198.51.100.9.8443: S, cksum 0x1f4c (correct), 7712001:7712001(0) win 64240 <mss 1460,sackOK,timestamp 771 0,nop,wscale 2>",
		"4.0 -v incorrect":       "10:44:50.2 IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60) 192.0.2.7.4107 > 198.51.100.9.8443: S, cksum 0x1f4c (incorrect (-> 0x2222), 7712001:7712001(0) win 64240 <mss 1460>",
		"4.1 -v":                 "10:44:50.2 IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60)\n    192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], cksum 0x1f4c (correct), seq 7712001, win 64240, options [mss 1460], length 0",
		"4.9 -vv":                "10:44:50.2 IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60, bad cksum 0 (->b1f2)!)\n    192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], cksum 0x1f4c (incorrect -> 0x2222), seq 7712001, win 64240, options [mss 1460], length 0",
		"-v on two lines, no IP": "10:44:50.2 IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60)\n192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], cksum 0x1f4c (correct), seq 7712001, win 64240, length 0",
		"-e":                     "10:44:50.2 " + macs + "ethertype IPv4 (0x0800), length 74: " + seg,
		"-e old":                 "10:44:50.2 0:0:5e:0:53:1 0:0:5e:0:53:2 ip 74: " + old,
		"-e 0800":                "10:44:50.2 0:0:5e:0:53:1 0:0:5e:0:53:2 0800 74: " + old,
		"-e OpenBSD":             "10:44:50.2 00:00:5e:00:53:01 00:00:5e:00:53:02 0800 78: " + old,
		"-e IP":                  "10:44:50.2 " + macs + "ethertype IPv4 (0x0800), length 74: IP " + old,
		"-e IP 3.8":              "10:44:50.2 " + macs + "ethertype IPv4, length 74: IP " + old,
		"-e oui":                 "10:44:50.2 00:00:5e:00:53:01 (oui ICANN, IANA Department) > 00:00:5e:00:53:02 (oui ICANN, IANA Department), ethertype IPv4 (0x0800), length 74: " + seg,
		"-e -v":                  "10:44:50.2 " + macs + "ethertype IPv4 (0x0800), length 74: (tos 0x0, ttl 64, id 2290, offset 0, flags [DF], proto TCP (6), length 60)\n    " + seg,
		"-e SLL":                 "10:44:50.2   In 00:00:5e:00:53:01 ethertype IPv4 (0x0800), length 76: " + seg,
		"-e SLL out":             "10:44:50.2 Out 00:00:5e:00:53:01 ethertype IPv4 (0x0800), length 76: " + seg,
		"-e SLL2":                "10:44:50.2 eth0  In  ifindex 2 00:00:5e:00:53:01 ethertype IPv4 (0x0800), length 80: " + seg,
		"SLL2":                   "10:44:50.2 eth0  In  IP " + seg,
		"SLL2 multicast":         "10:44:50.2 eth0  M   IP " + seg,
		"vlan -e":                "10:44:50.2 " + macs + "ethertype 802.1Q (0x8100), length 78: vlan 20, p 0, ethertype IPv4 (0x0800), " + seg,
		"vlan -e DEI":            "10:44:50.2 " + macs + "ethertype 802.1Q (0x8100), length 78: vlan 20, p 3, DEI, ethertype IPv4, " + seg,
		"vlan old":               "10:44:50.2 0:0:5e:0:53:1 0:0:5e:0:53:2 8100 78: 802.1Q vlan#20 P0 " + old,
		"vlan 4.x no -e":         "10:44:50.2 ethertype IPv4, IP " + seg,
		"vlan OpenBSD":           "10:44:50.2 802.1Q vid 20 pri 0 " + old,
		"vlan, inner IP":         "10:44:50.2 vlan 20, p 0, IP " + seg,
		"QinQ":                   "10:44:50.2 " + macs + "ethertype 802.1Q-QinQ (0x88a8), length 82: vlan 100, p 0, ethertype 802.1Q (0x8100), vlan 7, p 0, ethertype IPv4 (0x0800), " + seg,
		"PPPoE":                  "10:44:50.2 PPPoE  [ses 0x1a] IP " + seg,
		"PPPoE -e":               "10:44:50.2 " + macs + "ethertype PPPoE S (0x8864), length 82: PPPoE  [ses 0x1a] PPP-IP (0x0021), length 62: " + seg,
		"PPPoE new":              "10:44:50.2 PPPoE  [ses 0x1a] IP (0x0021), length 62: " + seg,
		"MPLS":                   "10:44:50.2 MPLS (label 16, tc 0, [S], ttl 64) IP " + seg,
		"NULL -e":                "10:44:50.2 AF IPv4 (2), length 64: " + seg,
		"raw -e":                 "10:44:50.2 ip: " + seg,
		"pflog":                  "Oct 21 04:17:50.620114 rule 12/(match) pass in on em1: " + old,
		"pflog FreeBSD":          "10:44:50.2 rule 2/0(match): block in on em0: " + seg,
		"pflog range":            "10:44:50.2 rule 0..16777216/0(match): pass out on igb0: " + seg,
		"pflog uid":              "10:44:50.2 rule 5/0(match) [uid 0, pid 99] block out on vio0: " + old,
		"pktap":                  "10:44:50.2 (en0, proc curl:4711, svc BE, out, so) IP " + seg,
		"pktap eproc":            "10:44:50.2 (pktap0, proc com.example:4711:ab, eproc kernel_task:0, in, ch) IP " + seg,
		"truncated-ip":           "10:44:50.2 IP truncated-ip - 20 bytes missing! " + seg,
		"truncated-ip old":       "10:44:50.2 truncated-ip - 20 bytes missing!" + old,
		"quoted":                 "> 10:44:50.2 IP " + seg,
		"quoted twice":           ">> > 10:44:50.2 IP " + seg,
		"a comment in C":         " * 10:44:50.2 IP " + seg,
		"a comment in a shell":   "#   10:44:50.2 IP " + seg,
		"of a commit":            "    10:44:50.2 IP " + seg,
		"a patch":                "+ 10:44:50.2 IP " + seg,
		"html":                   "10:44:50.2 IP 192.0.2.7.4107 &gt; 198.51.100.9.8443: Flags [S], seq 7712001, win 64240, length 0<br />",
		"html twice":             "<p>10:44:50.2 IP 192.0.2.7.4107 &amp;gt; 198.51.100.9.8443: Flags [S], seq 7712001, win 64240, length 0</p>",
		"html old":               "10:44:50.2 IP 192.0.2.7.4107 &gt; 198.51.100.9.8443: S 7712001:7712001(0) win 64240 &lt;mss 1460&gt; (DF)",
		"markdown":               "```\n10:44:50.2 IP " + seg + "\n```",
		"code":                   "`10:44:50.2 IP " + seg + "`",
		"bold":                   "**10:44:50.2 IP " + seg + "**",
		"colours":                "\x1b[32m10:44:50.2\x1b[0m IP " + seg,
		"windows":                "10:44:50.2 IP " + seg + "\r\n",
		"blanks of the web":      "10:44:50.2\u00a0IP\u00a0" + seg,
		"Chinese":                "抓包如下：\n10:44:50.2 IP " + seg + "\n服务器没有回应。",
		"in a sentence":          "客户端发出 10:44:50.200000 IP " + seg,
		"number":                 "   17  10:44:50.2 IP " + seg,
		"number and tab":         "   17\t10:44:50.2 IP " + seg,
		"cat -n, grep -n":        "17:10:44:50.200000 IP " + seg,
		"number with a point":    "17. 10:44:50.2 IP " + seg,
		"number in brackets":     "[17] 10:44:50.2 IP " + seg,
		"compose":                "capture_1  | 10:44:50.200000 IP " + seg,
		"syslog":                 "Nov 30 10:44:50 gw tcpdump[88]: 10:44:50.200000 IP " + seg,
		"-t":                     "IP " + seg,
		"-t -v":                  "IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60)\n    " + seg,
		"-t 3.4":                 old,
		"-tt":                    "1733011202.700111 IP " + seg,
		"-tttt":                  "2026-11-22 10:44:50.2 IP " + seg,
		"-tttt seconds":          "2026-11-22 10:44:50 IP " + seg,
		"ISO":                    "2026-11-22T10:44:50.2Z IP " + seg,
		"ISO zone":               "2026-11-22T10:44:50.200000+01:00 IP " + seg,
		"slashes":                "2026/11/22 10:44:50.2 IP " + seg,
		"seconds":                "10:44:50 IP " + seg,
		"nanoseconds":            "10:44:50.200000123 IP " + seg,
		"-ttt 3.9":               "000031 IP " + seg,
		"wrapped in a number":    "10:44:50.2 IP 192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], seq 77120\n01, win 64240, length 0",
		"wrapped in an address":  "10:44:50.2 IP 192.0.2.7.4107 > 198.51.10\n0.9.8443: Flags [S], seq 7712001, win 64240, length 0",
		"wrapped behind >":       "10:44:50.2 IP 192.0.2.7.4107 >\n198.51.100.9.8443: Flags [S], seq 7712001, win 64240, length 0",
		"wrapped behind time":    "10:44:50.2 IP\n192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], seq 7712001, win\n64240, length\n0",
		"wrapped in flags":       "10:44:50.2 IP 192.0.2.7.4107 > 198.51.100.9.8443: Fla\ngs [S], seq 7712001, win 64240, length 0",
		"wrapped and quoted":     "> 10:44:50.2 IP 192.0.2.7.4107 > 198.51.100.9.8443:\n> Flags [S], seq 7712001, win 64240, options [mss 1460,sackOK,TS\n> val 771 ecr 0,nop,wscale 7], length 0",
		"wrapped old":            "10:44:50.2 192.0.2.7.4107 > 198.51.100.9.8443: S 7712001:7712001(0) win 64240 <mss\n1460,nop,nop,sackOK> (DF)",
		"wrapped -v":             "10:44:50.2 IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto\nTCP (6), length 60)\n    192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], cksum 0x1f4c\n(correct), seq 7712001, win 64240, length 0",
		"backslash":              "10:44:50.2 IP 192.0.2.7.4107 > 198.51.100.9.8443: Flags [S], \\\n  seq 7712001, win 64240, length 0",
		"IPIP":                   "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: IP " + seg,
		"IPIP 3.9":               "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: " + old + " (ipip-proto-4)",
		"6in4":                   "10:44:50.2 IP6 2001:db8::1 > 2001:db8::2: IP " + seg,
		"GRE":                    "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: GREv0, length 88: IP " + seg,
		"GRE key":                "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: GREv0, key=0x64, length 88: IP " + seg,
		"GRE -e":                 "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: GREv0, Flags [key present], key=0x64, proto TEB (0x6558), length 102: " + macs + "ethertype IPv4 (0x0800), length 74: " + seg,
		"GRE old":                "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: gre " + old,
		"Geneve":                 "10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.6081: Geneve, Flags [none], vni 0x64: IP " + seg,
		"Geneve options":         "10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.6081: Geneve, Flags [C], vni 0x64, proto TEB (0x6558), options [class Standard (0x0) type 0x80(C) len 8 data 0001]: IP " + seg,
		"VXLAN":                  "10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.4789: VXLAN, flags [I] (0x08), vni 77\nIP " + seg,
		"VXLAN by name":          "10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.vxlan: VXLAN, flags [I] (0x08), vni 77\nIP " + seg,
		"VXLAN on 8472":          "10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.8472: OTV, flags [I] (0x08), overlay 0, instance 1\nIP " + seg,
		"VXLAN -e":               "10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.4789: VXLAN, flags [I] (0x08), vni 77\n" + macs + "ethertype IPv4 (0x0800), length 74: " + seg,
		"VXLAN -v":               "10:44:50.2 IP (tos 0x0, ttl 64, id 5, offset 0, flags [none], proto UDP (17), length 110)\n    203.0.113.1.40117 > 203.0.113.2.4789: [no cksum] VXLAN, flags [I] (0x08), vni 77\nIP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60)\n    " + seg,
		"VXLAN quoted":           "> 10:44:50.2 IP 203.0.113.1.40117 > 203.0.113.2.4789: VXLAN, flags [I] (0x08), vni 77\n> IP " + seg,
		"VXLAN on SLL2":          "10:44:50.2 eth0  Out IP 203.0.113.1.40117 > 203.0.113.2.4789: VXLAN, flags [I] (0x08), vni 77\nIP " + seg,
		"VXLAN in GRE":           "10:44:50.2 IP 203.0.113.1 > 203.0.113.2: GREv0, length 150: IP 10.0.0.1.40117 > 10.0.0.2.4789: VXLAN, flags [I] (0x08), vni 77\nIP " + seg,
		"double spaced":          "10:44:50.2 IP (tos 0x0, ttl 64, id 3301, offset 0, flags [DF], proto TCP (6), length 60)\n\n    " + seg + "\n\n",
		"16 bits":                "\xff\xfe" + wide("10:44:50.2 IP "+seg),
		"a hex dump behind":      "10:44:50.2 IP " + seg + "\n\t0x0000:  4500 003c 1c46 4000\n        0x0010:  4000 b1e6",
		"a name of its own":      "10:44:50.2 IP 192.0.2.7.4107 > 198.51.100.9.pcsync-https: Flags [S], seq 7712001, win 64240, length 0",
	} {
		tests = append(tests, kind{name, text, are(plain)})
	}
	try(t, tests)
}

func wide(s string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteByte(byte(c))
		b.WriteByte(0)
	}
	return b.String()
}
