//go:build linux

package main

import (
	"errors"
	"net"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// hasGRE reports whether the kernel makes devices of GRE, in a namespace that ends with it.
func hasGRE() (has bool, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine, and the namespace with that
		ns, e := netns.New()
		if e != nil {
			err = e
			return
		}
		defer ns.Close()
		e = netlink.LinkAdd(&netlink.Gretun{LinkAttrs: netlink.LinkAttrs{Name: "t0"}, Local: net.IPv4(127, 0, 0, 1),
			Remote: net.IPv4(127, 0, 0, 2)})
		has = e == nil
		if e != nil && !errors.Is(e, unix.EOPNOTSUPP) && !errors.Is(e, unix.ENODEV) {
			err = e
		}
	}()
	<-done
	return has, err
}
