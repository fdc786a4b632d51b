//go:build linux

package play

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/files"
	"netrepro/engine/kernel"
	"netrepro/engine/kernel/counters"
	"netrepro/engine/lab/firewall"
	"netrepro/engine/script/session"
)

// stateFile is where it is kept how the nodes of a case stood that did not end as
// expected.
const stateFile = "nodes.txt"

// keepState writes how the nodes stand beside the capture of a case that did not end as
// expected, and removes what an earlier run left otherwise.
func (r *run) keepState(res session.Result) error {
	if r.capture == "" {
		return nil
	}
	path := filepath.Join(filepath.Dir(r.capture), stateFile)
	if res.Verdict == session.Passed || res.Verdict == session.Skipped {
		_ = os.Remove(path) // it may not be there
		return nil
	}
	var b bytes.Buffer
	for _, n := range r.Nodes {
		fmt.Fprintf(&b, "%s %s\n", n.Kind, n.Name)
		for _, a := range n.Addrs() {
			fmt.Fprintf(&b, "  address %s\n", a)
		}
		part(&b, "route", func() ([]string, error) { return routes(n) })
		part(&b, "rule", func() ([]string, error) { return firewall.Rules(n.NS) })
		part(&b, "socket", func() ([]string, error) { return sockets(n) })
		part(&b, "counter", func() ([]string, error) { return counted(n) })
	}
	if err := os.WriteFile(path, b.Bytes(), files.Secret); err != nil {
		return fmt.Errorf("write how the nodes stand: %w", err)
	}
	return nil
}

// part writes lines, or why there are none.
func part(b *bytes.Buffer, what string, of func() ([]string, error)) {
	lines, err := of()
	if err != nil {
		lines = append(lines, "cannot be read: "+err.Error())
	}
	for _, l := range lines {
		fmt.Fprintf(b, "  %s %s\n", what, l)
	}
}

func routes(n *session.Node) (out []string, err error) {
	err = n.NS.Do(func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		rs, err := h.RouteList(nil, netlink.FAMILY_ALL)
		for _, r := range rs {
			out = append(out, strings.Trim(r.String(), "{}"))
		}
		return err
	})
	return out, err
}

func sockets(n *session.Node) (out []string, err error) {
	ss, err := kernel.ReadSockets(n.NS)
	for _, s := range ss {
		text := fmt.Sprintf("%s %s %s > %s, %d bytes not read, %d not acknowledged", s.Proto, s.State, s.Local, s.Remote,
			s.RecvQueue, s.SendQueue)
		if s.State == "LISTEN" {
			text = fmt.Sprintf("%s %s %s, %d wait to be accepted, %d may", s.Proto, s.State, s.Local, s.RecvQueue, s.SendQueue)
		}
		if s.Timer != "" {
			text += fmt.Sprintf(", timer %s in %v", s.Timer, s.Expires)
		}
		if s.Owner != "" {
			text += fmt.Sprintf(", of %s (%d)", s.Owner, s.Pid)
		}
		out = append(out, text)
	}
	return out, err
}

// counted are the counters that are not 0.
func counted(n *session.Node) (out []string, err error) {
	c, err := counters.Read(n.NS)
	for name, value := range c {
		if value > 0 {
			out = append(out, fmt.Sprintf("%s %d", name, value))
		}
	}
	slices.Sort(out)
	return out, err
}
