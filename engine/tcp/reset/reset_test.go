package reset_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
)

// Numbers of the connections here: a client that begins at 1000 and a server that
// begins at 5000.
const (
	clientISN, serverISN = 1000, 5000
	ms                   = time.Millisecond
)

// talk is a connection as one capture point sees it.
type talk struct {
	client, server reset.Side
	n              int
	now            time.Duration
}

// segment makes one as an ordinary host sends it.
func segment(flags packet.TCPFlags, seq, ack uint32, size int32) *packet.Packet {
	p := &packet.Packet{Seq: seq, Ack: ack, Flags: flags, PayloadLen: size, Window: 500, TTL: 64, WScale: -1}
	if flags.Has(packet.SYN) {
		p.WScale = 7
	}
	return p
}

// from has a side send a segment, a millisecond after the last.
func (k *talk) from(s *reset.Side, p *packet.Packet) {
	k.n, k.now = k.n+1, k.now+ms
	s.Note(p, k.n, k.now, false, false)
	if s == &k.client {
		k.server.Heard(p)
	} else {
		k.client.Heard(p)
	}
}

func (k *talk) fromClient(flags packet.TCPFlags, seq, ack uint32, size int32) {
	k.from(&k.client, segment(flags, clientISN+seq, serverISN+ack, size))
}

func (k *talk) fromServer(flags packet.TCPFlags, seq, ack uint32, size int32) {
	k.from(&k.server, segment(flags, serverISN+seq, clientISN+ack, size))
}

func (k *talk) syn() { k.from(&k.client, segment(packet.SYN, clientISN, 0, 0)) }

// open makes the handshake: frames 1 to 3.
func (k *talk) open() {
	k.syn()
	k.fromServer(packet.SYN|packet.ACK, 0, 1, 0)
	k.fromClient(packet.ACK, 1, 1, 0)
}

// rst is a reset of the server's: with ACK, or as a kernel answers.
func rst(flags packet.TCPFlags, seq, ack uint32) *packet.Packet {
	p := segment(flags|packet.RST, seq, ack, 0)
	if !flags.Has(packet.ACK) {
		p.Window, p.NoOptions = 0, true
	}
	return p
}

// judge judges a reset in the server's name.
func (k *talk) judge(p *packet.Packet, change func(*reset.Situation)) *reset.Verdict {
	s := reset.Situation{Packet: p, N: k.n + 1, Now: k.now + ms, Sender: &k.server, Peer: &k.client}
	if change != nil {
		change(&s)
	}
	return reset.Judge(s)
}

// TestJudge names kind, cause, how sure that is, the packet that is answered, and how
// far the connection was.
func TestJudge(t *testing.T) {
	ask := func(k *talk) { k.open(); k.fromClient(packet.PSH|packet.ACK, 1, 1, 100) }
	active := rst(packet.ACK, serverISN+1, clientISN+101)
	refuses := rst(packet.ACK, 0, clientISN+1)
	refuses.Window, refuses.NoOptions = 0, true
	windowed := rst(packet.ACK, 0, clientISN+1)
	windowed.Window = 500
	forged := rst(packet.ACK, serverISN+1, clientISN+101)
	forged.TTL = 200
	for _, tt := range []struct {
		name    string
		before  func(*talk)
		rst     *packet.Packet
		change  func(*reset.Situation)
		want    string
		answers int
		stage   string
	}{
		{"a SYN that nobody wants", (*talk).syn, refuses, nil, "passive: closed-port (inferred, high)", 1, "post-syn"},
		{"a SYN that another system refuses", (*talk).syn, windowed, nil, "passive: closed-port (inferred, medium)", 1,
			"post-syn"},
		{"a SYN that is refused with a number", (*talk).syn, rst(packet.ACK, serverISN, clientISN+1), nil,
			"passive: closed-port (inferred, medium)", 1, "post-syn"},
		{"data for the listener", ask, rst(0, serverISN+1, 0), nil, "passive: listener (inferred, high)", 4,
			"post-data"},
		{"unread, or lingering", ask, active, nil, "active: unread or linger or listener-closed (inferred, high)", 0,
			"post-data"},
		{"another distance", ask, forged, nil, "forged: injected (inferred, medium)", 0, "post-data"},
		{"not on the sender's wire", ask, active, func(s *reset.Situation) { s.Elsewhere = "the edge" },
			"forged: injected (inferred, certain)", 0, "post-data"},
		{"an answer that is not on the sender's wire", (*talk).syn, refuses,
			func(s *reset.Situation) { s.Elsewhere = "the edge" }, "firewall: rejected (inferred, certain)", 1,
			"post-syn"},
		{"a number out of nowhere", ask, rst(0, serverISN+1<<30, 0), nil, "forged: injected (inferred, medium)", 0,
			"post-data"},
		{"nothing was captured", func(*talk) {}, rst(0, 7, 0), nil, "passive: not-captured (inferred, low)", 0,
			"later"},
		{"the kernel says why", ask, active, func(s *reset.Situation) {
			s.Asked, s.Kernel = true, &reset.Kernel{Reason: "TCP_ABORT_ON_CLOSE"}
		}, "active: unread (kernel: TCP_ABORT_ON_CLOSE)", 0, "post-data"},
		{"the kernel knows nothing of it", ask, active, func(s *reset.Situation) { s.Asked = true },
			"forged: injected (kernel)", 0, "post-data"},
		{"the kernel knows nothing of an answer", (*talk).syn, refuses, func(s *reset.Situation) { s.Asked = true },
			"firewall: rejected (kernel)", 1, "post-syn"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var k talk
			tt.before(&k)
			v := k.judge(tt.rst, tt.change)
			if v.String() != tt.want || v.Answers != tt.answers || v.Stage != tt.stage {
				t.Errorf("got %s, answers %d, %s\nwant %s, answers %d, %s\nsigns: %q",
					v, v.Answers, v.Stage, tt.want, tt.answers, tt.stage, v.Signs)
			}
			if len(v.Signs) == 0 && v.Confidence != reset.Low {
				t.Error("it names nothing that it was drawn from")
			}
		})
	}
}

// TestConfidence never makes a verdict surer by an odd packet.
func TestConfidence(t *testing.T) {
	rank := []reset.Confidence{reset.Low, reset.Medium, reset.High, reset.Certain}
	var k talk
	k.open()
	k.fromClient(packet.PSH|packet.ACK, 1, 1, 100)
	plain := k.judge(rst(packet.ACK, serverISN+1, clientISN+101), nil)
	odd := rst(packet.ACK, serverISN+1, clientISN+101)
	odd.Window = 0
	if v := k.judge(odd, nil); slices.Index(rank, v.Confidence) >= slices.Index(rank, plain.Confidence) {
		t.Errorf("with window 0 it is %s, without %s", v.Confidence, plain.Confidence)
	}
}

// TestGoesOn takes back what a sender cannot have meant that goes on.
func TestGoesOn(t *testing.T) {
	for _, kind := range reset.Kinds {
		v := reset.Verdict{Kind: kind, Cause: reset.Unread, Or: []reset.Cause{reset.Linger}}
		v.GoesOn(9)
		forged := kind == reset.Active
		if (v.Kind != kind) != forged || forged && (v.Kind != reset.Forged || v.Or != nil) {
			t.Errorf("%s became %s", kind, &v)
		}
		if len(v.Signs) != 1 || !strings.Contains(v.Signs[0], "frame 9") {
			t.Errorf("%s: signs %q", kind, v.Signs)
		}
	}
}

// TestMay knows the cause and those that look the same.
func TestMay(t *testing.T) {
	v := reset.Verdict{Cause: reset.Unread, Or: []reset.Cause{reset.Linger}}
	for _, c := range reset.Causes {
		if got, want := v.May(c), c == reset.Unread || c == reset.Linger; got != want {
			t.Errorf("%s: %v", c, got)
		}
	}
}

// TestThrough finds functions as compilers leave their names.
func TestThrough(t *testing.T) {
	k := reset.Kernel{Stack: []string{"tcp_send_active_reset", "__tcp_close.constprop.0", "tcp_close_more"}}
	for name, want := range map[string]bool{"__tcp_close": true, "tcp_send_active_reset": true, "tcp_close": false} {
		if got := k.Through(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestSide counts what a side sent, and forgets a connection when another begins.
func TestSide(t *testing.T) {
	var k talk
	k.open()
	if k.client.Count() != 2 || k.server.Count() != 1 {
		t.Errorf("counted %d and %d", k.client.Count(), k.server.Count())
	}
	if _, ok := k.server.LastReset(); ok {
		t.Error("there is a reset before one")
	}
	k.server.Reset(rst(packet.ACK, serverISN+1, clientISN+1), 4, k.now, 3)
	if r, ok := k.server.LastReset(); !ok || r.N != 4 || r.Seq != serverISN+1 {
		t.Errorf("the last reset is %+v, %v", r, ok)
	}
	k.from(&k.server, segment(packet.SYN|packet.ACK, 77, clientISN+1, 0))
	if _, ok := k.server.LastReset(); ok || k.server.Count() != 1 {
		t.Error("a new connection has the resets of the old one")
	}
}
