package tcpdump_test

import (
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
		{"no row says how long headers are", open + "4 0.021 192.0.2.1 → 192.0.2.2 TLSv1 583 Client Hello\n",
			func(t *testing.T, ps []row) {
				if p := ps[2]; !p.Missing.Has(packet.NoSeq | packet.NoLength) {
					t.Errorf("it is said to have %d bytes from %d", p.PayloadLen, p.seq)
				}
			}},
		{"frames that Ethernet fills up", "1 0.00 192.0.2.1 → 192.0.2.2 TCP 62 4000 → 80 [SYN] Seq=0 Win=64240 Len=0 MSS=1460\n" +
			"2 0.01 192.0.2.2 → 192.0.2.1 TCP 62 80 → 4000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460\n" +
			"3 0.02 192.0.2.1 → 192.0.2.2 TCP 60 4000 → 80 [ACK] Seq=1 Ack=1 Win=64256 Len=0\n" +
			"4 0.03 192.0.2.1 → 192.0.2.2 HTTP 121 GET / HTTP/1.1\n",
			func(t *testing.T, ps []row) {
				if p := ps[3]; p.PayloadLen != 67 || p.carries != "http GET /" {
					t.Errorf("%d bytes, %q", p.PayloadLen, p.carries)
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
