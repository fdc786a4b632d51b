//go:build linux

package counters

import (
	"testing"

	"netrepro/engine/lab/netns"
	"netrepro/engine/testutil/leaks"
)

func TestParseCounters(t *testing.T) {
	c := Counters{}
	for _, step := range []struct {
		read func(Counters, []byte) error
		text string
	}{
		{pairs, "Ip: InErrs Forwarding\nIp: 7 1\nTcp: MaxConn InErrs\nTcp: -1 3\nUdp: InErrs\nUdp: 4\n"},
		{pairs, "TcpExt: TCPTimeouts\nTcpExt: 18446744073709551615\n"},
		{columns, "Ip6InReceives \t 12\n"},
		{devices, "Inter-|   Receive\n face |bytes\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"},
		{conntrack, "entries insert drop\n00000002 0000000a 1\n00000002 00000001 2\n"},
		{softnet, "00000010 00000001 00000000\n00000001 00000002 00000003\n"},
	} {
		if err := step.read(c, []byte(step.text)); err != nil {
			t.Errorf("%q: %v", step.text, err)
		}
	}
	for name, want := range map[string]uint64{"IpInErrs": 7, "TcpInErrs": 3, "InErrs": 3, "UdpInErrs": 4,
		"TCPTimeouts": 1<<64 - 1, "Ip6InReceives": 12,
		"eth0 rx_dropped": 4, "eth0 tx_packets": 10, "nf_conntrack entries": 2, "nf_conntrack insert": 11,
		"nf_conntrack drop": 3, "softnet processed": 17,
		"softnet dropped": 3, "softnet time_squeeze": 3} {
		if c[name] != want {
			t.Errorf("%s: got %d, want %d", name, c[name], want)
		}
	}
	for _, bad := range []string{"Ip: A B\nIp: 1\n", "Ip: A\nTcp: 1\n", "Ip: A\nIp: x\n"} {
		if err := pairs(Counters{}, []byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRead(t *testing.T) {
	leaks.Lab(t)
	ns, err := netns.New("a")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	c, err := Read(ns)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"TCPTimeouts", "TcpOutRsts", "OutRsts", "lo rx_packets", "softnet processed"} {
		if _, ok := c[name]; !ok {
			t.Errorf("no counter %s", name)
		}
	}
	if c["OutRsts"] != 0 {
		t.Errorf("a new namespace has sent %d resets", c["OutRsts"])
	}
	if moved := c.Since(c); moved["OutRsts"] != 0 {
		t.Errorf("since itself: %v", moved)
	}
}

// FuzzCounters gives the readers of /proc any text.
func FuzzCounters(f *testing.F) {
	f.Add([]byte("TcpExt: A B\nTcpExt: 1 2\n"))
	f.Add([]byte("Ip6InReceives 5\n"))
	f.Add([]byte(" eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"))
	f.Add([]byte("entries searched\n00000001 0000000a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, read := range []func(Counters, []byte) error{pairs, columns, devices, conntrack, softnet} {
			_ = read(Counters{}, text) // whatever it says, it does not panic
		}
	})
}
