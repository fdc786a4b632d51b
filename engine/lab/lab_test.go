//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/packet"
	"netrepro/engine/testutil/leaks"
	"netrepro/engine/trace"
	"netrepro/engine/view"
)

func up(t *testing.T, s *topology.Spec, o Options) *Lab {
	t.Helper()
	leaks.Lab(t)
	p, err := plan.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Up(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error("closing twice:", err)
		}
	})
	return l
}

// udp sends a datagram of n bytes from the first node to the last, with don't
// fragment set, and reports whether it came.
func udp(t *testing.T, l *Lab, n int) error {
	t.Helper()
	a, b := l.Nodes[0], l.Nodes[len(l.Nodes)-1]
	var in *net.UDPConn
	var out net.Conn
	err := b.NS.Do(func() (err error) {
		in, err = net.ListenUDP("udp4", &net.UDPAddr{IP: b.Primary().AsSlice(), Port: 9})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := a.NS.Do(func() (err error) {
		out, err = net.Dial("udp4", fmt.Sprintf("%s:9", b.Primary()))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	rc, err := out.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := rc.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(make([]byte, n)); err != nil {
		return err
	}
	// What is dropped never comes: the wires being idle is the event.
	if err := l.Relay.WaitIdle(context.Background(), 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	ic, err := in.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if rerr := ic.Read(func(fd uintptr) bool {
		_, _, err = unix.Recvfrom(int(fd), make([]byte, 65536), unix.MSG_DONTWAIT)
		return true // what has come has come
	}); rerr != nil {
		t.Fatal(rerr)
	}
	return err
}

func TestPathDelivers(t *testing.T) {
	l := up(t, topology.Chain(4), Options{})
	if err := udp(t, l, 1000); err != nil {
		t.Fatal(err)
	}
	ps := l.Trace.Packets()
	if len(ps) != 6 { // three wires, both ends
		for _, p := range ps {
			t.Log(view.Line(p.Finding(), l.Trace.Hosts()))
		}
		t.Fatalf("%d packets, want 6: nothing but the datagram is on the wires", len(ps))
	}
	last := ps[0]
	for _, p := range ps {
		if p.TTL > last.TTL || p.Time < last.Time {
			t.Errorf("#%d goes back in hops or time: %s", p.N, view.Line(p.Finding(), l.Trace.Hosts()))
		}
		last = p
	}
	first, last := ps[0], ps[5]
	if first.TTL != 64 || last.TTL != 62 || first.Point.Node != "n0" || last.Point.Node != "n3" ||
		last.Dir != trace.In {
		t.Errorf("from %s ttl %d to %s ttl %d", first.Point.Node, first.TTL, last.Point.Node, last.TTL)
	}
	if n, why := l.Lost(); n > 0 {
		t.Errorf("%d frames lost: %v", n, why)
	}
}

func TestDelay(t *testing.T) {
	s := topology.Chain(2)
	s.Wires[0].Delay = 30 * time.Millisecond
	l := up(t, s, Options{})
	if err := udp(t, l, 10); err != nil {
		t.Fatal(err)
	}
	ps := l.Trace.Packets()
	if d := ps[1].Time - ps[0].Time; len(ps) != 2 || d < 30*time.Millisecond {
		t.Errorf("%d packets, %s apart; want 2, at least 30ms apart", len(ps), d)
	}
}

func TestSmallerReceiverDrops(t *testing.T) {
	s := topology.Chain(2)
	s.Wires[0].MTU = [2]int{9000, 1400}
	l := up(t, s, Options{})
	if err := udp(t, l, 1400-28); err != nil {
		t.Errorf("a packet of exactly the MTU: %v", err)
	}
	if err := udp(t, l, 1401-28); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("a packet one byte larger: got %v, want nothing to arrive", err)
	}
	ps := l.Trace.Packets()
	if p := ps[len(ps)-1]; !strings.Contains(p.Dropped, "larger than the MTU of n1/n0_n1, 1400") {
		t.Errorf("the drop is not recorded: %s", view.Line(p.Finding(), l.Trace.Hosts()))
	}
}

func TestRouterSendsFragNeeded(t *testing.T) {
	s := topology.Chain(3)
	s.Wires[1].MTU = [2]int{1300, 1300}
	l := up(t, s, Options{})
	if err := udp(t, l, 1400); err == nil {
		t.Error("a packet larger than the path came through")
	}
	found := false
	for _, p := range l.Trace.Packets() {
		if m := p.ICMP(); m != nil && m.MTU == 1300 && m.Quoted != nil && m.Quoted.Proto == packet.ProtoUDP {
			found = true
		}
	}
	if !found {
		t.Error("no fragmentation-needed with MTU 1300 in the trace")
	}
}

func TestDirectWire(t *testing.T) {
	s := topology.Chain(2)
	s.Wires[0].Direct = true
	l := up(t, s, Options{})
	if err := udp(t, l, 1000); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Trace.Packets()); n != 0 {
		t.Errorf("%d packets were captured on a direct wire", n)
	}
}

func TestSysctl(t *testing.T) {
	s := topology.Chain(3)
	s.Nodes[0].Sysctl = []topology.Setting{{Name: "net.ipv4.tcp_sack", Value: "0"}}
	l := up(t, s, Options{})
	for _, tt := range []struct{ node, name, want string }{
		{"n0", "net.ipv4.tcp_sack", "0"},
		{"n2", "net.ipv4.tcp_sack", "1"},
		{"n2", "net.ipv4.tcp_congestion_control", "reno"},
		{"n2", "net.ipv4.tcp_rmem", "4096 131072 6291456"},
		{"n0", "net.ipv4.ip_forward", "0"},
		{"n1", "net.ipv4.ip_forward", "1"},
	} {
		if got, err := sysctl.Get(l.Node(tt.node).NS, tt.name); err != nil || got != tt.want {
			t.Errorf("%s on %s: got %q, %v; want %q", tt.name, tt.node, got, err, tt.want)
		}
	}
	unknown := topology.Setting{Name: "net.ipv4.no_such", Value: "1"}
	if err := sysctl.Set(l.Nodes[0].NS, unknown); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown sysctl: got %v", err)
	}
	for _, name := range []string{"kernel.hostname", "net..ipv4", "net.ipv4/../../kernel"} {
		if err := sysctl.Set(l.Nodes[0].NS, topology.Setting{Name: name, Value: "1"}); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestBadSysctlFailsUp(t *testing.T) {
	leaks.Lab(t)
	s := topology.Chain(2)
	s.Nodes[0].Sysctl = []topology.Setting{{Name: "net.ipv4.no_such", Value: "1"}}
	s.Nodes[0].Line = 7
	p, err := plan.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Up(p, Options{})
	var te *topology.Error
	if !errors.As(err, &te) || te.Line != 7 || te.Word != "net.ipv4.no_such" {
		t.Errorf("got %#v", err)
	}
}

// TestOverflow stops the relay from running while a node floods its wire: what
// the ring cannot hold must be counted.
func TestOverflow(t *testing.T) {
	l := up(t, topology.Chain(2), Options{})
	a := l.Nodes[0]
	var out net.Conn
	if err := a.NS.Do(func() (err error) {
		out, err = net.Dial("udp4", fmt.Sprintf("%s:9", l.Nodes[1].Primary()))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	l.Relay.Locked(func() {
		for range 12000 {
			_, _ = out.Write(make([]byte, 10))
		}
	})
	if n, why := l.Lost(); n == 0 || why == nil {
		t.Errorf("%d frames lost, %v; want some", n, why)
	}
}

func TestManySideBySide(t *testing.T) {
	leaks.Lab(t)
	p, err := plan.Of(topology.Chain(3))
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	const n = 4
	for range n {
		go func() {
			l, err := Up(p, Options{})
			if err == nil {
				err = l.Close()
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
