//go:build linux

package sysctl

import (
	"errors"
	"testing"
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

// TestHumbly has what the write said come back.
func TestHumbly(t *testing.T) {
	want := errors.New("refused")
	if got := humbly(func() error { return want }); !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
