//go:build linux

package kernel

import (
	"testing"

	"netrepro/engine/lab/netns"
	"netrepro/engine/testutil/leaks"
)

func TestReadSockets(t *testing.T) {
	leaks.Lab(t)
	ns, err := netns.New("a")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if all, err := ReadSockets(ns); err != nil || len(all) != 0 {
		t.Errorf("sockets of a new namespace: %v, %v", all, err)
	}
}
