//go:build linux

// Package alone has a host that talks to itself, for tests of what stands on hosts.
package alone

import (
	"errors"
	"testing"

	"netrepro/engine/host/socket"
	"netrepro/engine/lab"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/testutil/leaks"
)

// Host is one that talks to itself. It is closed when the test ends, which is skipped
// where there can be no labs.
func Host(t *testing.T) *socket.Host {
	t.Helper()
	leaks.Lab(t)
	s := topology.Spec{
		Nodes: []topology.Node{{Name: "a", Kind: topology.Host}, {Name: "b", Kind: topology.Host}},
		Wires: []topology.Wire{{Nodes: [2]string{"a", "b"}}},
	}
	p, err := plan.Of(&s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Up(p, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := socket.NewHost("a", l.Nodes[0].NS, l.Nodes[0].Primary())
	t.Cleanup(func() {
		if err := errors.Join(h.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}
