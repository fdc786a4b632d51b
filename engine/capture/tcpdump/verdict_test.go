package tcpdump_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/view"
	"netrepro/engine/view/object"
)

// records are what the analysis says of the packets of a pasted text.
func records(t *testing.T, name string) (out []*tcp.Record) {
	t.Helper()
	s, err := capture.Open(t.Context(), filepath.Join(testdata, "pasted", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	a := tcp.New(tcp.Options{})
	for {
		var in tcp.Input
		var r tcp.Record
		if err := s.Next(&in); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return out
		}
		a.Describe(s.Points())
		a.Add(&in, &r)
		out = append(out, view.Keep(&r))
	}
}

// TestVerdicts holds what is said of packets to what the text can tell.
func TestVerdicts(t *testing.T) {
	// rst is the verdict on the last packet.
	rst := func(kind reset.Kind, cause reset.Cause, answers int, high bool, says string) func(rs []*tcp.Record) bool {
		return func(rs []*tcp.Record) bool {
			v := rs[len(rs)-1].Reset
			return v != nil && v.Kind == kind && v.May(cause) && v.Answers == answers &&
				(v.Confidence == reset.High) == high && strings.Contains(strings.Join(v.Signs, "; "), says)
		}
	}
	sent := func(causes ...string) func(rs []*tcp.Record) bool {
		return func(rs []*tcp.Record) bool {
			for i, c := range causes {
				if rs[i].Class.Cause() != c {
					return false
				}
			}
			return true
		}
	}
	tests := []struct {
		file, name string
		check      func(rs []*tcp.Record) bool
	}{
		{"synack-rexmit", "each SYN-ACK is sent again by timeout", sent("", "", "", "rto", "", "rto", "", "rto", "")},
		{"synack-rexmit", "they are counted", func(rs []*tcp.Record) bool {
			return rs[3].Resent == 1 && rs[5].Resent == 2 && rs[7].Resent == 3 && rs[3].Backoff == 1 &&
				rs[5].Backoff == 2 && rs[7].Backoff == 3
		}},
		{"synack-rexmit", "the last is answered", rst(reset.Passive, reset.NoSocket, 8, true, "gone")},
		{"late-R-answers-old", "nothing that old is answered", rst(reset.Passive, reset.NotCaptured, 0, false, "16.321s")},
		{"unNATed-synack", "the socket is there", rst(reset.Passive, reset.NoSocket, 3, true, "the socket called 203.0.113.40:8443")},
		{"pmtu-no-quote", "sent again for the message", sent("", "", "", "", "", "pmtu", "pmtu")},
		{"pmtu-no-quote", "the message is about the connection", func(rs []*tcp.Record) bool {
			return rs[4].About == rs[3].Conn && rs[3].Conn.PathMTU == 1380
		}},
		{"one-sided-R", "one direction was not captured", rst(reset.Passive, reset.DataAfterClose, 0, false, "not captured")},
		{"window-says-why", "a balancer", rst(reset.Passive, reset.Rejected, 4, false, "8201")},
		{"no-numbers", "no numbers", rst(reset.Passive, reset.DataAfterClose, 2, false, "not known")},
		{"relative-then-bare-R", "numbers that do not compare", rst(reset.Passive, reset.DataAfterClose, 1, false, "no window and no options")},
		{"tshark", "refused", rst(reset.Passive, reset.ClosedPort, 1, true, "")},
		{"e-IP-3.9", "refused", rst(reset.Passive, reset.ClosedPort, 1, true, "")},
		{"refused-twice", "refused again", rst(reset.Passive, reset.ClosedPort, 3, true, "")},
		{"handshake-time", "a handshake of which a part is missing", func(rs []*tcp.Record) bool {
			return rs[2].Conn.HandshakeRTT() == 0 && rs[1].RTT == 9*time.Microsecond && rs[4].Conn.HandshakeRTT() == 0
		}},
		{"handshake-time", "nothing is lost where the text leaves packets out", func(rs []*tcp.Record) bool { return rs[2].Flags == 0 }},
		{"any-two-interfaces", "one packet at two points", func(rs []*tcp.Record) bool {
			return rs[1].Copy == 1 && rs[1].Flags == 0 && rs[1].Class == rs[0].Class
		}},
		{"clock-goes-back", "no time runs backwards", func(rs []*tcp.Record) bool {
			return rs[1].RTT == 0 && rs[3].RTT == 0 && rs[2].Conn != rs[0].Conn
		}},
		{"cut-line", "no zero window", func(rs []*tcp.Record) bool { return rs[3].Flags == 0 && rs[3].Packet.Missing.Has(packet.NoAck) }},
		{"excerpt-without-syn", "numbers as they are printed", func(rs []*tcp.Record) bool {
			return rs[1].Seq == 1 && rs[1].Packet.PayloadLen == 159 && rs[2].Ack == 160 && rs[2].RTT > 0
		}},
		{"cut-line", "JSON leaves out what is missing", func(rs []*tcp.Record) bool {
			s := string(object.AppendJSON(nil, rs[3]))
			return !strings.Contains(s, `"ack":`) && !strings.Contains(s, `"win":`) && strings.Contains(s, `"cut":true`)
		}},
		{"cut-line", "the ladder leaves out what is missing", func(rs []*tcp.Record) bool {
			s := view.Line(rs[3], nil)
			return !strings.Contains(s, "ack") && !strings.Contains(s, "win") && strings.Contains(s, "1:212(211)")
		}},
		{"no-length", "a handshake without lengths", func(rs []*tcp.Record) bool {
			return rs[0].Packet.PayloadLen == 0 && rs[1].RTT > 0 && rs[1].Packet.Missing == 0
		}},
	}
	for _, tt := range tests {
		if rs := records(t, tt.file); !tt.check(rs) {
			t.Errorf("%s: %s: got %s", tt.file, tt.name, object.AppendJSON(nil, rs[len(rs)-1]))
		}
	}
}
