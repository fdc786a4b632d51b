package tcpdump_test

import (
	"os"
	"path/filepath"
	"testing"

	"netrepro/engine/capture"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// pasted are texts as people paste them, in the folder of that name.
var pasted = map[string]func(*testing.T, *capture.Source, []row){
	"no-IP":                are("0.000000 A:1044 > B:7807 S 910221 win 5840"),
	"vlan":                 are(plain),
	"truncated-ip":         are("0.000000 A:4107 > B:8443 . 1 ack 1 win 1024 len 1448 floating", "0.000013 A:4107 > B:8443 P. 1449 ack 1 win 1024 len 445 floating", "0.041769 B:8443 > A:4107 . 1 ack 1894 win 501 floating"),
	"tab-number":           are("0.000000 A:4107 > B:8443 S 7712001 win 65535", "0.012419 B:8443 > A:4107 S. 551 ack 7712002 win 65535"),
	"quoted":               are("0.000000 A:4107 > B:8443 S 7712001 win 29200", "0.030587 B:8443 > A:4107 R. 0 ack 7712002 win 0"),
	"service-www":          are("0.000000 A:4107 > B:80 S 7712001 win 29200"),
	"cksum-4.0":            are("0.000000 A:4107 > B:8080 S 7712001 win 5840"),
	"ethertype-IPv4-IP":    are(plain),
	"e-IP-3.9":             are("0.000000 A:4107 > B:8443 S 7712001 win 5840", "0.000556 B:8443 > A:4107 R. 0 ack 7712002 win 0"),
	"vxlan-inner":          are(plain),
	"ipip":                 are(plain),
	"dns-tcp":              are("0.000000 A:33801 > 198.51.100.53:53 P. 7712002 ack 991 win 502 len 46"),
	"after-length":         are("0.000000 B:8443 > A:4107 R. 41 ack 1 win 4380 len 18 floating"),
	"AE-flag":              are("0.000000 A:4107 > B:8443 SWEe 7712001 win 65535"),
	"wrapped":              are("0.000000 A:4107 > B:8443 S 7712001 win 65535", "0.000509 B:8443 > A:4107 S. 551 ack 7712002 win 64240"),
	"cut-line":             are("0.000000 A:4107 > B:8443 S 7712001 win 64240", "0.011117 B:8443 > A:4107 S. 551 ack 7712002 win 65160", "0.011160 A:4107 > B:8443 . 7712002 ack 552 win 502", "0.011884 A:4107 > B:8443 P. 7712002 ack - win - len 211"),
	"no-numbers":           are("0.000000 2001:db8::7:4107 > 2001:db8::9:50112 F. - ack - win -", "0.000000 2001:db8::9:50112 > 2001:db8::7:4107 P. - ack - win -", "0.000000 2001:db8::7:4107 > 2001:db8::9:50112 R - win -"),
	"relative-then-bare-R": are("0.000000 B:8443 > A:4107 P. 0 ack 1 win 501 len 191 floating", "0.000018 A:4107 > B:8443 R 3310224871 win 0"),
	"ttt-excerpt":          are("0.000000 A:4107 > B:8443 S 7712001 win 65535", "0.000112 B:8443 > A:4107 S. 551 ack 7712002 win 65535", "0.051916 A:4107 > B:8443 . 7712002 ack 552 win 457", "2.151916 A:4107 > B:8443 P. 7712002 ack 552 win 457 len 20"),
	"any-two-interfaces": func(t *testing.T, s *capture.Source, got []row) {
		are("0.000000 A:4107 > B:8443 S 7712001 win 64860", "0.000015 A:4107 > B:8443 S 7712001 win 64860")(t, s, got)
		ps := s.Points()
		if len(ps) != 2 || ps[0].Name != "lxc4" || ps[1].Name != "vxlan0" || got[1].point != 1 || got[0].dir != tcp.In ||
			got[1].dir != tcp.Out {
			t.Errorf("points %v, packets %v", ps, got)
		}
	},
	"dash-number-no-time": are("0.000000 A:4107 > B:8443 S 7712001 win 29200", "0.000000 B:8443 > A:4107 S. 551 ack 7712002 win 28960"),
	"big-frames": func(t *testing.T, s *capture.Source, got []row) {
		are("0.000000 2001:db8::7:4107 > 2001:db8::9:8443 . 1 ack 1 win 501 len 131072 floating")(t, s, got)
		if got[0].Checksum != packet.BadSum {
			t.Error("the checksum is said to be wrong")
		}
	},
	"lost-indent":         are(plain, "0.000522 B:8443 > A:4107 R. 0 ack 7712002 win 0"),
	"html":                are(plain, "0.011483 B:8443 > A:4107 S. 551 ack 7712002 win 65160"),
	"tcp-frag":            are("0.000000 2001:db8::7:8443 > 2001:db8::9:5011 . 1 ack 1 win 510 len 1428 floating", "0.000377 2001:db8::7 > 2001:db8::9 proto 6", "0.084913 A > B proto 6", "0.084925 A > B proto 6"),
	"pflog":               are("0.000000 A:4107 > B:8443 S 7712001 win 16384"),
	"pktap":               are("0.000000 A:4107 > B:8443 S 7712001 win 65535"),
	"old-icmp":            are("0.000000 203.0.113.5 > B icmp 3 4 mtu 1380 of B:0 > A:0"),
	"seconds-only":        are("0.000000 A:4107 > B:8443 S 7712001 win 29200", "1.000000 A:4107 > B:8443 S 7712001 win 29200"),
	"tshark":              are("0.000000 A:4107 > B:8443 S 0 win 64240 floating", "0.011483 B:8443 > A:4107 R. 1 ack 1 win 0 floating"),
	"qinq":                are(plain),
	"refused-twice":       are("0.000000 A:4107 > B:810 S 123777 win 8192", "0.003310 B:810 > A:4107 R. 0 ack 123778 win 0", "0.506100 A:4107 > B:810 S 123777 win 8192", "0.509400 B:810 > A:4107 R. 0 ack 123778 win 0"),
	"no-length":           are("0.000000 A:4107 > B:8443 S 123777 win 8192", "0.003310 B:8443 > A:4107 S. 551 ack 123778 win 8192"),
	"excerpt-without-syn": are("0.000000 A:40221 > B:8443 . - ack 1 win 106 floating", "0.000210 A:40221 > B:8443 P. 1 ack 1 win 106 len 159 floating", "0.000240 B:8443 > A:40221 . 1 ack 160 win 219 floating"),
	"clock-goes-back":     are("0.000000 A:5011 > B:1240 S 7712001 win 43690", "0.000000 B:1240 > A:5011 S. 551 ack 7712002 win 43690", "0.000261 A:5011 > B:1240 S 7716733 win 43690", "0.000261 B:1240 > A:5011 S. 66101 ack 7716734 win 43690"),
}

func TestPasted(t *testing.T) {
	var tests []kind
	for name, check := range pasted {
		b, err := os.ReadFile(filepath.Join(testdata, "pasted", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, kind{name, string(b), check})
	}
	try(t, tests)
}
