//go:build linux

package firewall

import (
	"errors"
	"net"
	"os"
	"testing"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/lab/netns"
)

// TestTracked hears what connection tracking does with a datagram that is answered, and
// when it took it up.
func TestTracked(t *testing.T) {
	ns, table := alone(t)
	if events, lost, err := table.Tracked(); len(events) > 0 || lost || err != nil {
		t.Errorf("before a rule: %v, %v, %v", events, lost, err)
	}
	if _, err := table.Add(Spec{Chain: "prerouting", Text: "ct state new"}); err != nil {
		t.Skipf("this kernel tracks no connections: %v", err)
	}
	to, from := exchanged(t, ns)
	events, lost, err := table.Tracked()
	if err != nil || lost || len(events) < 2 {
		t.Fatalf("got %v, %v, %v", events, lost, err)
	}
	taken, answered := events[0], events[1]
	if taken.Kind != tracking.New || taken.Orig.Src.Port() != from || taken.Orig.Dst.Port() != to ||
		taken.Reply != taken.Orig.Reversed() || taken.Status&tracking.SeenReply != 0 {
		t.Errorf("taken up: %+v", taken)
	}
	if answered.Kind != tracking.Update || answered.ID != taken.ID || answered.Status&tracking.SeenReply == 0 {
		t.Errorf("answered: %+v", answered)
	}
	has := false
	err = ns.Do(func() error {
		_, err := os.Stat("/proc/sys/net/netfilter/nf_conntrack_timestamp")
		has = err == nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if taken.Start.IsZero() == has {
		t.Errorf("taken up at %v, the kernel has times: %v", taken.Start, has)
	}
	if events, _, err := table.Tracked(); len(events) > 0 || err != nil {
		t.Errorf("told again: %v, %v", events, err)
	}
	if n, err := Forget(ns, func(*Entry) bool { return true }); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	events, _, err = table.Tracked()
	if err != nil || len(events) == 0 || events[0].Kind != tracking.Destroy || events[0].Stop.IsZero() == has {
		t.Errorf("forgotten: %+v, %v", events, err)
	}
}

// exchanged sends a datagram over lo, and one back; it returns the ports.
func exchanged(t *testing.T, ns *netns.NS) (to, from uint16) {
	t.Helper()
	err := ns.Do(func() (err error) {
		server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		client, err := net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, client.Close()) }()
		to, from = server.LocalAddr().(*net.UDPAddr).AddrPort().Port(), client.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		if _, err := client.Write([]byte("ask")); err != nil {
			return err
		}
		b := make([]byte, 16)
		_, peer, err := server.ReadFromUDPAddrPort(b)
		if err != nil {
			return err
		}
		if _, err := server.WriteToUDPAddrPort([]byte("answer"), peer); err != nil {
			return err
		}
		_, err = client.Read(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return to, from
}
