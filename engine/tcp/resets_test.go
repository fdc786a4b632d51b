package tcp_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
)

var update = flag.Bool("update", false, "rewrite CONFUSION.md")

const ex = hs + "+5ms c P. 1:101 ack 1\n+1ms s . 1 ack 101\n+1ms s P. 1:501 ack 101\n+1ms c . 101 ack 501\n"

// situations are resets whose cause is known because they were made for it:
// what the sockets did, and the packets that Linux sends then.
var situations = []struct {
	truth  string // what happened
	cause  reset.Cause
	kind   reset.Kind
	script string
	points []tcp.Point
}{
	// Active.
	{"close with a request unread", reset.Unread, reset.Active, hs +
		"c P. 1:101 ack 1\ns . 1 ack 101\n+5ms s R. 1 ack 101", nil},
	{"close with a second request unread, the first answered", reset.Unread, reset.Active, ex +
		"c P. 101:201 ack 501\ns . 501 ack 201\n+9ms s R. 501 ack 201", nil},
	{"close with data unread after shutdown", reset.Unread, reset.Active, ex +
		"s F. 501 ack 101\nc . 101 ack 502\n+1ms c P. 101:201 ack 502\ns . 502 ack 201\n+9ms s R. 502 ack 201", nil},
	{"SO_LINGER {on, 0}, the other silent", reset.Linger, reset.Active, hs + "+5ms c R. 1 ack 1", nil},
	{"SO_LINGER {on, 0} after the answer", reset.Linger, reset.Active, ex + "+5ms s R. 501 ack 101", nil},
	{"SO_LINGER {on, 0} with data that did not fit the window", reset.Linger, reset.Active,
		hs + "c P. 1:19 ack 1\ns . 1 ack 19\ns . 1:1449 ack 19\ns . 1449:2897 ack 19\nc . 19 ack 2897 win " +
			"0\n+9ms s R. 2897 ack 19", nil},
	{"SO_LINGER {on, 0} beyond the edge of the window", reset.Linger, reset.Active,
		hs + "c P. 1:19 ack 1 win 20\ns . 1:1449 ack 19\ns . 1449:2897 ack 19\nc . 19 ack 1449 win 11\ns . " +
			"2897:4345 ack 19\n+9ms s R. 2857 ack 19", nil},
	{"connect(AF_UNSPEC)", reset.Linger, reset.Active, ex + "+5ms c R. 101 ack 501", nil},
	{"TCP_LINGER2 -1, closed in FIN-WAIT-2", reset.Linger2, reset.Active, ex +
		"s F. 501 ack 101\n+1ms c . 101 ack 502\n+9ms s R. 502 ack 101", nil},
	{"listener closed over three connections", reset.ListenerClosed, reset.Active,
		strings.ReplaceAll(hs, "\n", " port 1\n") + strings.ReplaceAll(hs, "\n", " port 2\n") +
			strings.ReplaceAll(hs, "\n", " port 3\n") +
			"+5ms s R. 1 ack 1 port 1\ns R. 1 ack 1 port 2\ns R. 1 ack 1 port 3", nil},
	{"keep-alive given up", reset.KeepAlive, reset.Active, ex +
		"+1s s . 500 ack 101\n+1s s . 500 ack 101\n+1s s R. 501 ack 101", nil},
	{"too many orphans, at the first timeout", reset.Memory, reset.Active, ex +
		"s F. 501 ack 101\n+5ms s F. 501 ack 101\n+207ms s R. 502 ack 101", nil},
	{"too many orphans, in close", reset.Memory, reset.Active, ex + "+1ms s FP. 501:601 ack 101\ns R. 602 ack 101",
		nil},
	// Passive.
	{"nobody listens", reset.ClosedPort, reset.Passive, "c S 0\ns R. 0 ack 1000000001 raw noopt", nil},
	{"nobody listens, SYN with data", reset.ClosedPort, reset.Passive, "c S 0:3\ns R. 0 ack 1000000004 raw noopt", nil},
	{"an ACK out of nowhere", reset.NoSocket, reset.Passive, "c . 5 ack 7\ns R 7", nil},
	{"a SYN-ACK out of nowhere", reset.NoSocket, reset.Passive, "s S. 0 ack 1\nc R 1", nil},
	{"a FIN without ACK out of nowhere", reset.NoSocket, reset.Passive, "c F 5\ns R. 0 ack 1000000006 raw noopt", nil},
	{"no flags at all", reset.BadFlags, reset.Passive, "c - 5:8\ns R. 0 ack 1000000008 raw noopt", nil},
	{"SYN and FIN", reset.BadFlags, reset.Passive, "c SF 5\ns R. 0 ack 1000000007 raw noopt", nil},
	{"close_notify after the FIN was acknowledged", reset.TimeWait, reset.Passive, ex +
		"s F. 501 ack 101\nc . 101 ack 502\nc P. 101:132 ack 502\n+1ms s R 502", nil},
	{"data for a closed socket, FIN lost", reset.DataAfterClose, reset.Passive, ex +
		"s F. 501 ack 101\n+1ms c P. 101:132 ack 501\n+1ms s R 501", nil},
	{"TCP_LINGER2 -1, the FIN acknowledged", reset.Linger2, reset.Passive, ex +
		"s F. 501 ack 101\n+1ms c . 101 ack 502\ns R 502", nil},
	{"a FIN after TIME-WAIT has ended", reset.TimeWait, reset.Passive, ex +
		"s F. 501 ack 101\nc . 101 ack 502\n+90s c F. 101 ack 502\ns R 502", nil},
	{"handshake race: first data meets the listener", reset.Listener, reset.Passive, hs + "c P. 1:101 ack 1\ns R 1",
		nil},
	{"accept queue full with tcp_abort_on_overflow", reset.Listener, reset.Passive,
		"c S 0\ns S. 0 ack 1\n+1ms c . 1 ack 1\ns R 1", nil},
	{"a bad acknowledgement in SYN-RECEIVED", reset.SynReceived, reset.Passive,
		"c S 0\ns S. 0 ack 1\n+1ms c . 1 ack 78\ns R 78", nil},
	{"a SYN into another's TIME-WAIT, old ACK in answer", reset.SynSent, reset.Passive,
		"c S 0\ns . 900 ack 700\nc R 700", nil},
	{"the client gave up before the SYN-ACK came", reset.NoSocket, reset.Passive, "c S 0\n+3s s S. 0 ack 1\nc R 1",
		nil},
	{"server restarted", reset.NoSocket, reset.Passive, ex + "+60s c P. 101:201 ack 501\ns R 501", nil},
	{"server gave up retransmitting", reset.TimedOut, reset.Passive,
		ex + "+1s s P. 501:601 ack 101\n+210ms s P. 501:601 ack 101\n+420ms s P. 501:601 ack 101\n+840ms s P. " +
			"501:601 ack 101\n+60s c P. 101:201 ack 501\ns R 501", nil},
	{"INVALID to conntrack, past DNAT", reset.OutOfWindow, reset.Passive, ex +
		"+1ms c P. 200000101:200000104 ack 501\ns R 501", nil},
	{"data on its way when the connection was reset", reset.AfterReset, reset.Passive, ex +
		"c P. 101:201 ack 501\n+1ms s R. 501 ack 101\n+1ms c P. 201:301 ack 501\ns R 501", nil},
	{"FIN and data are missing from the capture", reset.NotCaptured, reset.Passive, ex +
		"+1ms s . 501:1949 ack 101\nc . 101 ack 1949\n+9ms s R 2607", nil},
	// The rest.
	{"challenge ACK answered", reset.ChallengeAck, reset.Challenge, ex +
		"+1ms s R 560\n+2ms c . 101 ack 501\n+1ms s R 501", nil},
	{"SYN into an open connection, challenge ACK", reset.SynSent, reset.Passive,
		"s P. 1:501 ack 101\nc . 101 ack 501\n+9s c S 900000\ns . 501 ack 101\nc R 101", nil},
	{"injected, another distance", reset.Injected, reset.Forged, ex + "+1ms s R. 501 ack 101 ttl 57", nil},
	{"injected, another distance, bare", reset.Injected, reset.Forged, ex + "+1ms s R 701 ttl 57", nil},
	{"injected blindly, somewhere in the window", reset.Injected, reset.Forged, ex + "+1ms s R 20501", nil},
	{"injected three times with rising numbers", reset.Injected, reset.Forged, ex +
		"+1ms s R. 501 ack 101 nots\ns R. 1961 ack 101 nots\ns R. 4881 ack 101 nots", nil},
	{"injected, and the server goes on", reset.Injected, reset.Forged, ex +
		"+1ms s R. 501 ack 101\n+1ms s P. 501:601 ack 101", nil},
	{"injected without the connection's timestamps, other counter", reset.Injected, reset.Forged, ex +
		"+1ms s R. 501 ack 101 nots id 61234", nil},
	{"injected to both sides", reset.Injected, reset.Forged, ex + "+1ms s R. 501 ack 101 nots\nc R. 101 ack 501 nots",
		nil},
	{"injected, seen on the sender's wire as it arrives", reset.Injected, reset.Forged,
		strings.ReplaceAll(ex, "\n", " at 0 out\n") + "s R. 501 ack 101 at 0 in",
		[]tcp.Point{{Name: "server/wan", Addrs: addrs("198.51.100.2")}}},
	{"reject with tcp reset, one hop before", reset.Rejected, reset.Firewall, ex +
		"+1ms c P. 101:201 ack 501\n+1ms s R 501 ttl 63", nil},
	{"reject of a SYN, on a router", reset.Rejected, reset.Firewall,
		"c S 0 at 0 out\nc S 0 id 101 at 1 in\ns R. 0 ack 1000000001 raw noopt at 1 out",
		[]tcp.Point{{Name: "client/lan", Addrs: addrs("192.0.2.1")}, {Name: "edge/lan"},
			{Name: "server/wan", Addrs: addrs("198.51.100.2")}}},
}

func TestResets(t *testing.T) {
	if len(situations) < 40 {
		t.Errorf("%d situations", len(situations))
	}
	for _, s := range situations {
		t.Run(s.truth, func(t *testing.T) {
			r := lastReset(play(t, s.script, s.points...))
			if s.kind == reset.Forged && strings.Contains(s.truth, "goes on") && r.Reset.Confidence != reset.High {
				t.Errorf("confidence %s", r.Reset.Confidence)
			}
			if r.Reset.Kind != s.kind || !r.Reset.May(s.cause) {
				t.Errorf("want %s: %s, got %s\nsigns: %s", s.kind, s.cause, describe(r),
					strings.Join(r.Reset.Signs, "; "))
			}
		})
	}
}

// TestConfusion holds CONFUSION.md to what the verdicts are.
func TestConfusion(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What the packets alone tell of a reset\n\n" +
		"Each row is a reset whose cause is known, because it was made for it; each has the verdict that the packets\n" +
		"give. Where a verdict names several causes, the wire does not tell them apart and the kernel has to: " +
		"these are\n" +
		"the confusions. This file is written by the test of package tcp.\n\n" +
		"| what happened | cause | verdict | confidence |\n|---|---|---|---|\n")
	confused := map[string]int{}
	for _, s := range situations {
		v := lastReset(play(t, s.script, s.points...)).Reset
		causes := []string{string(v.Cause)}
		for _, o := range v.Or {
			causes = append(causes, string(o))
		}
		fmt.Fprintf(&b, "| %s | %s | %s: %s | %s |\n", s.truth, s.cause, v.Kind, strings.Join(causes, " or "),
			v.Confidence)
		for _, c := range causes {
			confused[string(s.cause)+" | "+c]++
		}
	}
	b.WriteString("\n## Confusion table\n\nHow often each true cause (left) was among the causes that a verdict " +
		"named (right).\n\n| cause | named | times |\n|---|---|---|\n")
	var keys []string
	for k := range confused {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, "| %s | %d |\n", k, confused[k])
	}
	const path = "reset/CONFUSION.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what the verdicts are: run go test ./engine/tcp -update (%v)", path, err)
	}
}
