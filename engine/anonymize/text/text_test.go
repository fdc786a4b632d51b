package text_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"netrepro/engine/anonymize/standin"
	"netrepro/engine/anonymize/text"
	"netrepro/engine/capture/pcap"
)

const marker = "zebraquokka"

// shown is what may be shown of a text, by lines.
func shown(t *testing.T, in string) []string {
	t.Helper()
	var out bytes.Buffer
	if _, err := text.Copy(standin.NewMap(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	return strings.Split(out.String(), "\n")
}

const syn = "11:05:42.5 IP 192.0.2.77.4000 > 198.51.100.88.443: Flags [S], seq 4000000000, win 64240, options " +
	"[mss 1460,sackOK,TS val 10 ecr 0,nop,wscale 7], length 0\n"

func TestCopy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		in    string
		check func(lines []string) bool
	}{
		{"a segment", syn, func(l []string) bool {
			return l[0] == strings.TrimSpace(strings.NewReplacer("192.0.2.77", "198.51.100.1", "198.51.100.88",
				"203.0.113.1").
				Replace(syn))
		}},
		{"what is said around it", marker + "@host:~$ tcpdump\n" + syn + "dear all, " + marker + " is slow\n" + syn +
			marker,
			func(l []string) bool {
				return len(l) == 6 && l[0] == "" && l[1] != "" && l[2] == "" && l[1] == l[3] && l[4] == ""
			}},
		{"payload behind the length", strings.TrimSpace(syn) + ": HTTP: GET /" + marker + " HTTP/1.1\n\tCookie: " +
			marker +
			"\n\t0x0000:  4500 0034\n", func(l []string) bool {
			return strings.HasSuffix(l[0], "length 0: HTTP: GET / HTTP/1.1") &&
				l[1] == "" && l[2] == ""
		}},
		{"names of hosts", "11:05:42.5 IP " + marker + ".example.com.4000 > www." + marker +
			".example.com.https: Flags [S], " +
			"seq 1, win 64240, length 0\n", func(l []string) bool {
			f := strings.Fields(l[0])
			return strings.HasSuffix(f[2], ".4000") && strings.HasSuffix(f[4], ".https:") &&
				strings.HasSuffix(f[4], strings.TrimSuffix(f[2], "4000")+"https:")
		}},
		{"DNS", "11:05:42.5 IP 192.0.2.77.5353 > 192.0.2.88.53: 1234+ A? www." + marker + ".com. (29)\n" +
			"11:05:42.6 IP 192.0.2.88.53 > 192.0.2.77.5353: 1234 1/0/0 A 192.0.2.99 (45)\n", func(l []string) bool {
			return strings.Contains(l[0], ": 1234+ A? ") && strings.HasSuffix(l[0], ". (29)") &&
				strings.HasSuffix(l[1], ": 1234 1/0/0 A 198.51.100.3 (45)")
		}},
		{"Ethernet addresses and interfaces", "11:05:42.5 02:de:ad:be:ef:01 > 02:de:ad:be:ef:02, ethertype IPv4 " +
			"(0x0800), " +
			"length 66: 192.0.2.77.1 > 192.0.2.88.2: Flags [.], ack 1, win 3, length 0\n" +
			"11:05:42.6 " + marker + "  Out IP 192.0.2.77.1 > 192.0.2.88.2: Flags [F], seq 1, win 3, length 0\n",
			func(l []string) bool {
				return strings.Contains(l[0], "02:00:00:00:00:00 > 02:00:00:00:00:01, ethertype IPv4 (0x0800), "+
					"length 66: 198.51.100.1.1") &&
					strings.Contains(l[1], "  Out IP 198.51.100.1.1 > 198.51.100.2.2: Flags [F]")
			}},
		{"over two lines", "11:05:42.5 IP (tos 0x0, ttl 57, id 4242, offset 0, flags [DF], proto TCP (6), length " +
			"52)\n    " +
			"192.0.2.77.4000 > 192.0.2.88.443: Flags [.], cksum 0x5c55 (correct), seq 1, ack 2, win 3, length 0\n",
			func(l []string) bool {
				return strings.Contains(l[0], "ttl 57, id 4242") && strings.HasPrefix(l[1],
					"    198.51.100.1.4000 > 198.51.100.2.443: Flags [.]")
			}},
		{"IPv6", "11:05:42.5 IP6 2001:db8:77::88.4000 > fe80::1%" + marker +
			".443: Flags [S], seq 1:275, win 64240, length 274\n",
			func(l []string) bool {
				return strings.Contains(l[0], "IP6 2001:db8::1.4000 > ") && strings.Contains(l[0], "seq 1:275,")
			}},
		{"an error, and what was lost", "11:05:42.5 IP 192.0.2.9 > 192.0.2.77: ICMP " + marker +
			" unreachable - need to frag " +
			"(mtu 1400), length 556\n7 packets dropped by kernel\n", func(l []string) bool {
			return strings.Contains(l[0], "need to frag (mtu 1400), length 556") &&
				l[1] == "7 packets dropped by kernel"
		}},
		{"a line without end", syn + strings.Repeat(marker, 5_000) + "\n" + syn,
			func(l []string) bool { return len(l) == 4 && l[0] == l[2] && l[1] == "" }},
	} {
		l := shown(t, tt.in)
		if all := strings.Join(l, "\n"); !tt.check(l) || strings.Contains(strings.ToLower(all), marker) ||
			strings.Contains(all, ".77") || strings.Contains(all, ".88") || strings.Contains(all, ":77") ||
			strings.Contains(all, "de:ad") {
			t.Errorf("%s: got\n%s", tt.name, all)
		}
	}
}

// TestNoPackets refuses text that tells of none.
func TestNoPackets(t *testing.T) {
	if _, err := text.Copy(standin.NewMap(), strings.NewReader("dear all\n"), &bytes.Buffer{}); !errors.Is(err,
		pcap.ErrFormat) {
		t.Errorf("got %v", err)
	}
}

// FuzzLine has no word left that is long enough to be known again.
func FuzzLine(f *testing.F) {
	f.Add(syn)
	f.Add("1.0 IP fe80::1%eth0.1 > a.b.c.http: Flags [P.], ack 5 \xff\x1b[31m")
	m := standin.NewMap()
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(text.Line(m, line), "\x1b\x00\x07") {
			t.Errorf("%q became %q", line, text.Line(m, line))
		}
	})
}
