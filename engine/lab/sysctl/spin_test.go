//go:build linux

package sysctl

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/topology"
	"netrepro/engine/testutil/leaks"
)

// TestSpins names settings for whose writes the kernel tries its lock again and again.
func TestSpins(t *testing.T) {
	for name, want := range map[string]bool{
		"net.ipv4.ip_forward":                  true,
		"net.ipv4.conf.all.forwarding":         true,
		"net.ipv6.conf.default.addr_gen_mode":  true,
		"net.ipv6.conf.eth0.disable_ipv6":      true,
		"net.ipv6.conf.all.accept_ra":          false,
		"net.ipv4.tcp_sack":                    false,
		"net.ipv4.ip_forward_update_priority":  false,
		"net.ipv4.conf.default.send_redirects": false,
	} {
		if got := spins(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestPatiently writes a setting of a namespace of its own, and one that it may not have.
func TestPatiently(t *testing.T) {
	leaks.Lab(t)
	ns, err := netns.New("settings")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	const name = "net.ipv6.conf.all.forwarding"
	for _, value := range []string{"1", "1", "0"} {
		if err := Set(ns, topology.Setting{Name: name, Value: value}); err != nil {
			t.Fatal(err)
		}
		if got, err := Get(ns, name); err != nil || got != value {
			t.Errorf("got %q (%v), want %q", got, err, value)
		}
	}
	if err := Set(ns, topology.Setting{Name: name, Value: "much"}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a value that is none: %v", err)
	}
}
