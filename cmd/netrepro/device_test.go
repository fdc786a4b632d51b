//go:build linux

package main

import (
	"errors"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
)

// hasGRE reports whether the kernel makes devices of GRE.
func hasGRE() (bool, error) {
	ns, err := netns.New("gre")
	if err != nil {
		return false, err
	}
	defer ns.Close()
	err = ns.Do(func() error {
		return netlink.LinkAdd(&netlink.Gretun{LinkAttrs: netlink.LinkAttrs{Name: "t0"}, Local: net.IPv4(127, 0, 0, 1),
			Remote: net.IPv4(127, 0, 0, 2)})
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	return err == nil, err
}
