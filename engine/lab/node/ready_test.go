//go:build linux

package node

import (
	"errors"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// TestNext looks again where no news comes, and gives up long after.
func TestNext(t *testing.T) {
	news, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK)
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	if err := news.SetReceiveTimeout(&unix.Timeval{Usec: 1}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for range 3 { // devices that come and go are news as well
		if err := next(news, now); err != nil {
			t.Errorf("at first: %v", err)
		}
	}
	for err = nil; err == nil; {
		err = next(news, now.Add(-2*ready))
	}
	if !errors.Is(err, ErrLate) {
		t.Errorf("long after: %v", err)
	}
}
