package tcp_test

import (
	"strings"
	"testing"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// TestCauses is why a segment was sent again.
func TestCauses(t *testing.T) {
	const four = hs + "s . 1:1001 ack 1\ns . 1001:2001 ack 1\ns . 2001:3001 ack 1\ns P. 3001:4001 ack 1\n"
	tests := []struct {
		name, script, cause string
		backoff             int
	}{
		{"timeout", four + "+220ms s . 1:1001 ack 1", "rto", 1},
		{"the third timeout in a row", four +
			"+220ms s . 1:1001 ack 1\n+440ms s . 1:1001 ack 1\n+880ms s . 1:1001 ack 1", "rto", 3},
		{"a tail loss probe first: the series starts anew", four +
			"+220ms s . 1:1001 ack 1\n+225ms s . 1:1001 ack 1\n+450ms s . 1:1001 ack 1", "rto", 2},
		{"tail loss probe", four + "+1ms c . 1 ack 3001\n+20ms s P. 3001:4001 ack 1", "tlp", 0},
		{"three duplicates", four + "c . 1 ack 1\nc . 1 ack 1\nc . 1 ack 1\ns . 1:1001 ack 1", "fast", 0},
		{"one duplicate and RACK's clock", four + "c . 1 ack 1\n+5ms s . 1:1001 ack 1", "rack", 0},
		{"let out by an acknowledgement after a timeout", four +
			"+220ms s . 1:1001 ack 1\n+1ms c . 1 ack 1001\ns . 1001:2001 ack 1", "recovery", 0},
		{"SYN", "c S 0\n+1s c S 0", "rto", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := play(t, tt.script)
			last := rs[len(rs)-1]
			if last.Class.Cause() != tt.cause || last.Backoff != tt.backoff {
				t.Errorf("got %q, timeout %d in a row; want %q, %d", last.Class.Cause(), last.Backoff, tt.cause,
					tt.backoff)
			}
		})
	}
}

var twoPoints = []tcp.Point{{Name: "client/wan", Addrs: addrs("192.0.2.1")},
	{Name: "server/wan", Addrs: addrs("198.51.100.2")}}

// TestOriginal is what became of what is sent again, captured at both ends.
func TestOriginal(t *testing.T) {
	// Both ends see the handshake.
	const open = "c S 0 id 1 at 0 out\nc S 0 id 1 at 1 in\ns S. 0 ack 1 id 1 at 1 out\ns S. 0 ack 1 id 1 at 0 " +
		"in\nc . 1 ack 1 id 2 at 0 out\nc . 1 ack 1 id 2 at 1 in\n"
	for want, script := range map[string]string{
		"lost": open + "s P. 1:101 ack 1 id 2 at 1 out\n+220ms s P. 1:101 ack 1 id 3 at 1 out",
		"arrived": open +
			"s P. 1:101 ack 1 id 2 at 1 out\ns P. 1:101 ack 1 id 2 at 0 in\n+220ms s P. 1:101 ack 1 id 3 at 1 out",
	} {
		rs := play(t, script, twoPoints...)
		if last := rs[len(rs)-1]; last.Original != want || last.Copy != 0 {
			t.Errorf("got %q, want %q: copy of %d", last.Original, want, last.Copy)
		}
		if rs[1].Copy != 1 || rs[3].Copy != 3 || !rs[1].AtDestination || rs[0].AtDestination {
			t.Errorf("the second sightings are not known: %d %d", rs[1].Copy, rs[3].Copy)
		}
	}
}

// TestNAT joins a connection from before and after an address translation.
func TestNAT(t *testing.T) {
	ins := parseScript(t, "c S 0 id 1 at 0\nc S 0 id 1 at 1\ns S. 0 ack 1 id 1 at 1\ns S. 0 ack 1 id 1 at 0")
	for i := range ins[1:3] { // what is seen behind the NAT
		p := ins[1+i].Packet
		if p.Src == client {
			p.Src, p.SrcPort = addrs("203.0.113.9")[0], 5000
		} else {
			p.Dst, p.DstPort = addrs("203.0.113.9")[0], 5000
		}
	}
	a := tcp.New(tcp.Options{})
	a.Describe([]tcp.Point{{Name: "inside"}, {Name: "outside"}})
	var rs []tcp.Record
	for i := range ins {
		var r tcp.Record
		a.Add(&ins[i], &r)
		rs = append(rs, r)
	}
	if rs[1].Conn.Nat != rs[0].Conn || rs[1].Copy != 1 || rs[3].Copy != 3 {
		t.Errorf("not joined: %+v, copies %d %d", rs[1].Conn.Nat, rs[1].Copy, rs[3].Copy)
	}
	if n := strings.Join(rs[1].Notes,
		""); n != "NAT: 192.0.2.1:40000 > 198.51.100.2:443 became 203.0.113.9:5000 > 198.51.100.2:443" {
		t.Errorf("note %q", n)
	}
}

func TestNotes(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"path MTU", hs + "c P. 1:101 ack 1\ns P. 1:201 ack 101\nc . 101 ack 201\ns . 201:1649 ack 101\n+220ms " +
			"s . 201:1649 ack 101\n+440ms s . 201:1649 ack 101",
			"path MTU: 1448 bytes time out again, while 200 got through; no ICMP message said so; MSS 1460 and 1460"},
		{"segmentation", hs + "s . 1:4001 ack 1",
			"larger than the MSS of 1460: segments are cut or joined by the device, this is not what crossed the wire"},
	}
	for _, tt := range tests {
		rs := play(t, tt.script)
		if got := strings.Join(rs[len(rs)-1].Notes, "; "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMeasures(t *testing.T) {
	late := play(t, hs+"s P. 1:101 ack 1\nc . 1 ack 101\ns P. 101:201 ack 1\n+40ms c . 1 ack 201")
	if d := late[len(late)-1].AckDelay; d.Milliseconds() != 39 {
		t.Errorf("acknowledgement delayed by %s, want 39 ms", d)
	}
	rs := play(t, hs+"s . 1:1001 ack 1\ns . 1001:2001 ack 1\n+5ms c . 1 ack 2001\n")
	if n := rs[4].InFlight; n != 2000 {
		t.Errorf("%d bytes in flight, want 2000", n)
	}
	if d := rs[5].RTT; d.Milliseconds() != 5 {
		t.Errorf("round trip %s, want 5 ms", d)
	}
}

// TestMemory holds the analysis to a bound on what it follows.
func TestMemory(t *testing.T) {
	const limit = 100
	a := tcp.New(tcp.Options{MaxConns: limit})
	p := packet.Packet{Proto: packet.ProtoTCP, Src: client, Dst: server, DstPort: 80, Flags: packet.SYN, WScale: -1}
	var r tcp.Record
	for i := range 10 * limit {
		p.SrcPort, p.Seq = uint16(1000+i), uint32(i)
		a.Add(&tcp.Input{N: i + 1, Packet: &p}, &r)
	}
	if n := a.Following(); n != limit {
		t.Errorf("%d connections are followed, want %d", n, limit)
	}
	p.SrcPort, p.Flags = 1000+10*limit-1, packet.ACK
	a.Add(&tcp.Input{N: 1, Packet: &p}, &r)
	if r.Conn.ID != 10*limit-1 {
		t.Error("the connection used last was forgotten")
	}
}
