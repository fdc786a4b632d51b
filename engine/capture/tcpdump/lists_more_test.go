package tcpdump_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/packet"
)

// TestWhatListsLeaveOut reads rows that say only what a segment carries: their numbers follow
// from those around them, their lengths from the column of lengths.
func TestWhatListsLeaveOut(t *testing.T) {
	const open = "1 0.000 192.0.2.1 → 192.0.2.2 TCP 74 4000 → 443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 TSval=1 TSecr=0 WS=128\n" +
		"2 0.010 192.0.2.2 → 192.0.2.1 TCP 74 443 → 4000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460 TSval=9 TSecr=1 WS=128\n"
	const ack = "3 0.020 192.0.2.1 → 192.0.2.2 TCP 66 4000 → 443 [ACK] Seq=1 Ack=1 Win=64256 Len=0 TSval=2 TSecr=9\n"
	tests := []struct {
		name, text string
		check      func(t *testing.T, ps []row)
	}{
		{"numbers and lengths", open + ack + "4 0.021 192.0.2.1 → 192.0.2.2 TLSv1 583 Client Hello\n" +
			"5 0.030 192.0.2.2 → 192.0.2.1 TLSv1.2 705 Server Hello\n" +
			"6 0.031 192.0.2.1 → 192.0.2.2 TLSv1.2 159 Application Data\n",
			func(t *testing.T, ps []row) {
				for i, want := range [][2]int{3: {1, 517}, 4: {1, 639}, 5: {518, 93}} {
					if p := ps[i]; i > 2 && (int(p.seq) != want[0] || int(p.PayloadLen) != want[1]) {
						t.Errorf("row %d: %d bytes from %d, want %d from %d", i+1, p.PayloadLen, p.seq, want[1], want[0])
					}
				}
			}},
		{"no row says how long headers are", "3 0.020 192.0.2.1 → 192.0.2.2 TCP 78 4000 → 443 [ACK] Seq=9 Ack=7 Win=64 Len=0 " +
			"SLE=1 SRE=2\n4 0.021 192.0.2.1 → 192.0.2.2 TLSv1 583 Client Hello\n",
			func(t *testing.T, ps []row) {
				if p := ps[1]; !p.Missing.Has(packet.NoSeq | packet.NoLength) {
					t.Errorf("it is said to have %d bytes from %d", p.PayloadLen, p.seq)
				}
			}},
		{"frames that Ethernet fills up", "1 0.00 192.0.2.1 → 192.0.2.2 TCP 62 4000 → 80 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 SACK_PERM\n" +
			"2 0.01 192.0.2.2 → 192.0.2.1 TCP 62 80 → 4000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460 SACK_PERM\n" +
			"3 0.02 192.0.2.1 → 192.0.2.2 TCP 60 4000 → 80 [ACK] Seq=1 Ack=1 Win=64256 Len=0\n" +
			"4 0.03 192.0.2.1 → 192.0.2.2 HTTP 121 GET / HTTP/1.1\n",
			func(t *testing.T, ps []row) {
				if p := ps[3]; p.PayloadLen != 67 || p.carries != "http GET /" {
					t.Errorf("%d bytes, %q", p.PayloadLen, p.carries)
				}
			}},
		{"two connections of the same hosts", open + ack + strings.ReplaceAll(open+ack, "4000", "4002") +
			"7 0.021 192.0.2.1 → 192.0.2.2 TLSv1 583 Client Hello\n",
			func(t *testing.T, ps []row) {
				if p := ps[6]; !p.Missing.Has(packet.NoSeq | packet.NoLength) {
					t.Errorf("it is said to have %d bytes from %d, of port %d", p.PayloadLen, p.seq, p.SrcPort)
				}
			}},
		{"a host that talks with itself", strings.ReplaceAll(open+ack, "192.0.2.2", "192.0.2.1") +
			"4 0.021 192.0.2.1 → 192.0.2.1 TLSv1 583 Client Hello\n5 0.022 192.0.2.1 → 192.0.2.1 TLSv1.2 705 Server Hello\n" +
			"6 0.023 192.0.2.1 → 192.0.2.1 TLSv1.2 159 Application Data\n",
			func(t *testing.T, ps []row) {
				if a, b, c := ps[3], ps[4], ps[5]; a.SrcPort != 4000 || a.PayloadLen != 517 || b.SrcPort != 443 ||
					b.PayloadLen != 639 || !c.Missing.Has(packet.NoSeq) {
					t.Errorf("got %+v\n%+v\n%+v", a, b, c)
				}
			}},
		{"a request in two segments is said once", open + ack +
			"4 0.021 192.0.2.1 → 192.0.2.2 TCP 166 POST /x HTTP/1.1  [TCP segment of a reassembled PDU]\n" +
			"5 0.022 192.0.2.1 → 192.0.2.2 HTTP 266 POST /x HTTP/1.1\n",
			func(t *testing.T, ps []row) {
				if ps[3].carries == "" || ps[4].carries != "" || ps[4].PayloadLen != 200 || ps[4].seq != 101 {
					t.Errorf("%q, %q, %d from %d", ps[3].carries, ps[4].carries, ps[4].PayloadLen, ps[4].seq)
				}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.check(t, read(t, tt.text)) })
	}
}

// TestListsAsPrinted has tshark print captures and reads the list: what it works out of rows
// that say only what they carry is so in the capture. Devices that add to some frames and not
// to others mislead it, one row in five hundred at most.
func TestListsAsPrinted(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	total, open, wrong := 0, 0, 0
	for _, dir := range filepath.SplitList(os.Getenv("NETREPRO_CAPTURES")) {
		paths, _ := filepath.Glob(filepath.Join(dir, "*.pcap*"))
		for _, path := range paths {
			out, err := exec.Command("tshark", "-n", "-r", path, "-Y", "tcp && !icmp && !icmpv6").Output()
			if err != nil || len(out) == 0 {
				continue // nothing of TCP in it
			}
			printed := read(t, string(out))
			want := segments(t, path)
			if len(printed) != len(want) {
				t.Errorf("%s: %d packets in the file, %d read from the list", path, len(want), len(printed))
				continue
			}
			for i, p := range printed {
				total++
				switch w := want[i]; {
				case p.Missing.Has(packet.NoSeq):
					open++
				case p.seq != w.seq || p.PayloadLen != w.PayloadLen || p.SrcPort != w.SrcPort:
					wrong++
					t.Logf("%s, packet %d: %d bytes from %d, not %d from %d", path, i+1, p.PayloadLen, p.seq, w.PayloadLen, w.seq)
				}
			}
		}
	}
	if wrong > total/500 {
		t.Errorf("of %d rows %d are read wrongly", total, wrong)
	}
	t.Logf("%d rows, %d of them without a number, %d wrong", total, open, wrong)
}
