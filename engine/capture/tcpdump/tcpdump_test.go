package tcpdump_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/capture/tcpdump"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

const testdata = "../../../testdata/capture/"

// row is what a test looks at in a packet.
type row struct {
	packet.Packet
	time     time.Duration
	seq, ack uint32 // relative, as the analysis counts
	flags    string // of the analysis
	line     int
	point    int
	dir      tcp.Direction
	carries  string // what the text says that it carries
}

func rows(t testing.TB, s *capture.Source, err error) []row {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	a := tcp.New(tcp.Options{})
	var out []row
	var in tcp.Input
	var r tcp.Record
	for {
		err := s.Next(&in)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		a.Add(&in, &r)
		said := row{Packet: *in.Packet, time: in.Time, seq: r.Seq, ack: r.Ack, flags: strings.Join(r.Flags.Names(), ",")}
		if in.Carries != nil {
			said.carries = in.Carries.String()
		}
		out = append(out, said)
	}
}

// segments are the TCP segments of a capture file.
func segments(t testing.TB, path string) (out []row) {
	t.Helper()
	file, err := capture.Open(t.Context(), path)
	for _, r := range rows(t, file, err) {
		if r.Proto == packet.ProtoTCP {
			out = append(out, r)
		}
	}
	return out
}

func read(t testing.TB, text string) []row {
	t.Helper()
	s, err := capture.New(strings.NewReader(text))
	return rows(t, s, err)
}

const (
	syn = "11:05:42.5 IP 192.0.2.1.4000 > 198.51.100.2.443: Flags [S], seq 4000000000, win 64240, options " +
		"[mss 1460,sackOK,TS val 10 ecr 0,nop,wscale 7], length 0\n"
	synack = "11:05:42.6 IP 198.51.100.2.443 > 192.0.2.1.4000: Flags [S.], seq 5000, ack 4000000001, win 65160, " +
		"options [mss 1440,sackOK,TS val 20 ecr 10,nop,wscale 9], length 0\n"
)

func TestLines(t *testing.T) {
	tests := []struct {
		name  string
		text  string
		check func(t *testing.T, ps []row)
	}{
		{"a SYN with its options", syn, func(t *testing.T, ps []row) {
			if p := ps[0]; p.MSS != 1460 || p.WScale != 7 || !p.SACKPermitted || !p.HasTS || p.TSVal != 10 ||
				p.Seq != 4000000000 || p.Window != 64240 || p.DstPort != 443 {
				t.Errorf("got %+v", p)
			}
		}},
		{"numbers count from the handshake, across the wrap", syn + synack + "11:05:42.7 IP 192.0.2.1.4000 > " +
			"198.51.100.2.443: Flags [P.], seq 294967290:294967390, ack 1, win 502, length 100\n",
			func(t *testing.T, ps []row) {
				if p := ps[2]; p.Seq != 4294967290 || p.Ack != 5001 || p.PayloadLen != 100 || p.seq != 294967290 ||
					p.ack != 1 {
					t.Errorf("got %+v", p)
				}
			}},
		{"a bare RST is printed as it is", syn + synack + "11:05:42.8 IP 192.0.2.1.4000 > 198.51.100.2.443: " +
			"Flags [R], seq 4000000001, win 0, length 0\n", func(t *testing.T, ps []row) {
			if p := ps[2]; p.Seq != 4000000001 || p.seq != 1 {
				t.Errorf("got %+v", p)
			}
		}},
		{"absolute numbers (-S)", syn + synack + "11:05:42.7 IP 192.0.2.1.4000 > 198.51.100.2.443: Flags [P.], " +
			"seq 4000000001:4000000101, ack 5001, win 502, length 100\n" +
			"11:05:42.8 IP 198.51.100.2.443 > 192.0.2.1.4000: Flags [.], ack 4000000101, win 502, length 0\n",
			func(t *testing.T, ps []row) {
				if p := ps[3]; p.Ack != 4000000101 || p.ack != 101 {
					t.Errorf("got %+v", p)
				}
			}},
		{"from the middle of a connection",
			"1.0 IP 192.0.2.1.4000 > 198.51.100.2.443: Flags [P.], seq 700:733, ack 900, win 301, length 33\n" +
				"1.1 IP 198.51.100.2.443 > 192.0.2.1.4000: Flags [.], ack 33, win 852, length 0\n" +
				"1.2 IP 192.0.2.1.4000 > 198.51.100.2.443: Flags [P.], seq 33:40, ack 1, win 301, length 7\n",
			func(t *testing.T, ps []row) {
				if ps[1].Ack != 733 || ps[1].Seq != 900 || ps[2].Seq != 733 || ps[2].Ack != 900 {
					t.Errorf("got %+v", ps)
				}
			}},
		{"SACK blocks", syn + synack + "11:05:42.9 IP 192.0.2.1.4000 > 198.51.100.2.443: Flags [.], ack 1, win " +
			"502, options [nop,nop,sack 1 {1449:2897}], length 0\n", func(t *testing.T, ps []row) {
			if s := ps[2].SACK(); len(s) != 1 || s[0] != (packet.Block{Left: 5000 + 1449, Right: 5000 + 2897}) {
				t.Errorf("got %v", s)
			}
		}},
		{"verbose: the IP header on a line before", "11:05:42.5 IP (tos 0x0, ttl 57, id 4242, offset 0, flags " +
			"[DF], proto TCP (6), length 52)\n    192.0.2.1.4000 > 198.51.100.2.443: Flags [.], cksum 0x5c55 " +
			"(correct), seq 1, ack 2, win 3, length 0\n",
			func(t *testing.T, ps []row) {
				if p := ps[0]; p.TTL != 57 || p.ID != 4242 || !p.DF {
					t.Errorf("got %+v", p)
				}
			}},
		{"IPv6 of loopback", "11:05:42.5 IP6 ::1.4000 > ::1.443: Flags [S], seq 1, win 64240, length 0\n" +
			"11:05:42.6 IP6 :: > ff02::1:ff00:2: ICMP6, neighbor solicitation, who has 2001:db8::2, length 32\n" +
			"11:05:42.7 IP6 ::.4000 > 2001:db8::2.443: Flags [S], seq 1, win 64240, length 0\n",
			func(t *testing.T, ps []row) {
				if len(ps) != 3 || ps[0].Src.String() != "::1" || ps[0].DstPort != 443 || ps[2].SrcPort != 4000 {
					t.Errorf("got %+v", ps)
				}
			}},
		{"IPv6", "11:05:42.5 IP6 2001:db8::1.4000 > 2001:db8::2.443: Flags [S], seq 1, win 64240, length 0\n",
			func(t *testing.T, ps []row) {
				if p := ps[0]; p.Src.String() != "2001:db8::1" || p.SrcPort != 4000 {
					t.Errorf("got %+v", p)
				}
			}},
		{"names, with dots", "11:05:42.5 IP client.example.com.4000 > server.example.com.https: Flags [S], seq " +
			"1, win 64240, length 0\n", func(t *testing.T, ps []row) {
			if p := ps[0]; p.Src.String() != "192.0.2.1" || p.Dst.String() != "192.0.2.2" || p.DstPort != 443 {
				t.Errorf("got %+v", p)
			}
		}},
		{"link headers, interfaces, packet numbers", "    1  11:05:42.5 02:00:00:00:00:01 > 02:00:00:00:00:02, " +
			"ethertype IPv4 (0x0800), length 66: 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length 0\n" +
			"11:05:42.6 eth0  Out IP 192.0.2.1.1 > 192.0.2.2.2: Flags [F], seq 1, win 3, length 0\n",
			func(t *testing.T, ps []row) {
				if len(ps) != 2 || ps[1].Flags != packet.FIN {
					t.Errorf("got %+v", ps)
				}
			}},
		{"the notation before tcpdump 4.1", "11:05:42.5 IP 192.0.2.1.1 > 192.0.2.2.2: S 100:100(0) win 5840 " +
			"<mss 1460,nop,wscale 2>\n11:05:42.6 IP 192.0.2.2.2 > 192.0.2.1.1: . ack 1 win 5792\n",
			func(t *testing.T, ps []row) {
				if len(ps) != 2 || ps[0].Seq != 100 || ps[0].MSS != 1460 || ps[0].Flags != packet.SYN ||
					ps[1].Flags != packet.ACK {
					t.Errorf("got %+v", ps)
				}
			}},
		{"ICMP", "11:05:42.5 IP 192.0.2.9 > 192.0.2.1: ICMP 198.51.100.2 unreachable - need to frag (mtu 1400), " +
			"length 556\n", func(t *testing.T, ps []row) {
			if m := ps[0].ICMP(); m == nil || m.Type != 3 || m.Code != 4 || m.MTU != 1400 {
				t.Errorf("got %+v", m)
			}
		}},
		{"UDP", "11:05:42.5 IP 192.0.2.9.5353 > 192.0.2.1.53: 1234+ A? example.com. (29)\n",
			func(t *testing.T, ps []row) {
				if p := ps[0]; p.Proto != packet.ProtoUDP || p.PayloadLen != 29 {
					t.Errorf("got %+v", p)
				}
			}},
		{"more than a packet: segmentation left to the device", "11:05:42.5 IP 192.0.2.1.1 > 192.0.2.2.2: Flags " +
			"[.], seq 1:70001, ack 1, win 3, length 70000\n", func(t *testing.T, ps []row) {
			if ps[0].PayloadLen != 70000 {
				t.Errorf("got %+v", ps[0])
			}
		}},
		{"past midnight", "23:59:59.9 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length " +
			"0\n00:00:00.1 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length 0\n",
			func(t *testing.T, ps []row) {
				if ps[1].time != 200*time.Millisecond {
					t.Errorf("got %v", ps[1].time)
				}
			}},
		{"dates (-tttt)", "2026-11-22 23:59:59.9 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length " +
			"0\n2026-11-23 00:00:00.1 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length 0\n",
			func(t *testing.T, ps []row) {
				if ps[1].time != 200*time.Millisecond {
					t.Errorf("got %v", ps[1].time)
				}
			}},
		{"since the line before (-ttt)", " 00:00:00.000000 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win " +
			"3, length 0\n 00:00:00.500000 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length 0\n" +
			" 00:00:00.000100 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length 0\n",
			func(t *testing.T, ps []row) {
				if ps[2].time != 500100*time.Microsecond {
					t.Errorf("got %v", ps[2].time)
				}
			}},
		{"seconds since 1970 (-tt)", "1700000000.5 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, " +
			"length 0\n1700000001.000001 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 1, win 3, length 0\n",
			func(t *testing.T, ps []row) {
				if ps[1].time != 500001*time.Microsecond {
					t.Errorf("got %v", ps[1].time)
				}
			}},
		{"payload and notes between the lines",
			"tcpdump: verbose output suppressed, use -v for full protocol decode\n" + syn +
				"\t0x0000:  4500 0034 f72d 4000\nGET / HTTP/1.1\n" + synack + "3 packets captured\n",
			func(t *testing.T, ps []row) {
				if len(ps) != 2 {
					t.Errorf("got %d packets", len(ps))
				}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.check(t, read(t, tt.text)) })
	}
}

func TestRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"prose":               "this is no capture\n",
		"a port too large":    "11:05:42.5 IP 192.0.2.1.4000 > 192.0.2.2.70000: Flags [S], seq 1, win 3, length 0\n",
		"flags that are none": "11:05:42.5 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [Q], seq 1, win 3, length 0\n",
		"a number too large":  "11:05:42.5 IP 192.0.2.1.1 > 192.0.2.2.2: Flags [S], seq 99999999999, win 3, length 0\n",
		"an endless line":     strings.Repeat("x", 100_000),
	} {
		s, err := capture.New(strings.NewReader(text))
		if err == nil {
			var in tcp.Input
			err = s.Next(&in)
		}
		if !errors.Is(err, pcap.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestIncidents reads what was pasted when things went wrong.
func TestIncidents(t *testing.T) {
	tests := []struct {
		file    string
		packets int
		lost    uint64
		rst     uint32 // relative sequence number of the last packet
	}{
		{"close-notify-after-fin.tcpdump.txt", 33, 0, 79387},
		{"rst-without-fin-seen.tcpdump.txt", 34, 0, 79387},
	}
	for _, tt := range tests {
		s, err := capture.Open(t.Context(), testdata+tt.file)
		ps := rows(t, s, err)
		last := ps[len(ps)-1]
		if len(ps) != tt.packets || last.Flags != packet.RST || last.seq != tt.rst || s.Text.Skipped != 0 ||
			s.Text.Lost != tt.lost {
			t.Errorf("%s: %d packets, last %s %d, skipped %d, lost %d", tt.file, len(ps), last.Flags, last.seq,
				s.Text.Skipped, s.Text.Lost)
		}
	}
}

// TestAsPrinted prints captures with tcpdump and reads the text: the same
// packets with the same analysis as from the file.
func TestAsPrinted(t *testing.T) {
	dirs := filepath.SplitList(os.Getenv("NETREPRO_CAPTURES"))
	if _, err := exec.LookPath("tcpdump"); err != nil || len(dirs) == 0 {
		t.Skip("tcpdump is not installed, or NETREPRO_CAPTURES names no directory with captures")
	}
	var paths []string
	for _, d := range dirs {
		found, _ := filepath.Glob(filepath.Join(d, "*.pcap"))
		paths = append(paths, found...)
	}
	for _, path := range paths {
		for _, opts := range [][]string{{"-n"}, {"-nv", "-tttt"}, {"-nS", "-tt", "-e"},
			{"-nvvA", "-ttt"}, {"-nXX", "-e", "-v", "-#"}, {"-nN", "-t"}} {
			out, err := exec.Command("tcpdump", append(opts, "-r", path, "tcp")...).Output()
			if err != nil {
				t.Fatalf("tcpdump %v -r %s: %v", opts, path, err)
			}
			if len(out) == 0 {
				continue // nothing of TCP in it
			}
			printed := read(t, string(out))
			want := segments(t, path)
			bad := 0
			for i := range min(len(want), len(printed)) {
				w, p := want[i], printed[i]
				if w.Seq != p.Seq && len(w.SACK()) == 0 && w.SeqLen() == 0 {
					continue // a bare ACK's number is not printed
				}
				if w.Flags != p.Flags || w.PayloadLen != p.PayloadLen || w.Window != p.Window || w.Src != p.Src ||
					w.DstPort != p.DstPort || w.Flags.Has(packet.ACK) && w.Ack != p.Ack && w.ack != p.ack {
					if bad++; bad < 5 {
						t.Errorf("%s %v packet %d:\nfile %+v\ntext %+v", path, opts, i+1, w, p)
					}
				}
			}
			if len(want) != len(printed) {
				t.Errorf("%s %v: %d packets in the file, %d read from the text", path, opts, len(want), len(printed))
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(syn + synack)
	for _, name := range []string{"close-notify-after-fin.tcpdump.txt", "rst-without-fin-seen.tcpdump.txt"} {
		b, err := os.ReadFile(testdata + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	texts, err := filepath.Glob(testdata + "pasted/*.txt")
	if err != nil || len(texts) == 0 {
		f.Fatal("no pasted texts", err)
	}
	for _, path := range texts {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add("1.0 IP 203.0.113.1 > 203.0.113.2: GREv0, key=0x64, length 88: IP a.1 > b.2: S 1:1(0) win 5 <mss 3\n,nop>\n")
	f.Add("listening on eth0, link\n" + syn + "...\n2 packets captured\nroot@b:~# tcpdump -ni eth1\n" + synack)
	f.Add("\xff\xfe1\x00.\x000\x00 \x00I\x00P\x00")
	f.Add("1.0 IP (tos 0x0, ttl 57, id 4242)\n    a.1 > b.2: S 1:1(0) ack 4 win 5 <mss 3,sack 1 {1:2}>\n")
	f.Add("2026-11-22 11:05:42.5 IP 192.0.2.9 > 192.0.2.1: ICMP 198.51.100.2 unreachable - need to frag (mtu " +
		"1400), length 556\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := tcpdump.NewReader(strings.NewReader(text))
		var fr pcap.Frame
		var d packet.Decoder
		var p packet.Packet
		for {
			err := r.Next(&fr)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, pcap.ErrFormat) {
					t.Errorf("error of another kind: %v", err)
				}
				return
			}
			d.Frame(packet.Link(fr.Link), fr.Data, fr.Length, &p)
			if !p.Src.IsValid() || len(fr.Data) > fr.Length {
				t.Fatalf("a packet that cannot be read back: %x: %s", fr.Data, p.Malformed())
			}
		}
	})
}
