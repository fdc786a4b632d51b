//go:build linux

// Package need is what a scenario may need of the machine, and whether it is there.
package need

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"netrepro/engine/host/process"
	"netrepro/engine/kernel/bpf"
	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
)

// Needs a scenario has by what it asks for.
const (
	Root   = "root"   // of the machine, not of a user namespace
	Bridge = "bridge" // in the kernel
	Kernel = "kernel" // it is asked for its reasons
	// VirtualTime passes as work is done, so that hours without any cost nothing.
	VirtualTime = "virtual time"
)

// Machine is what those who run cases know of the machine.
type Machine struct {
	Ring    *bpf.Ring // nil where the kernel cannot be asked
	Virtual bool      // time passes as work is done
}

// programPrefix begins the need of a program.
const programPrefix = "program:"

// Programs are those that can be needed by their names alone.
var programs = []string{"nginx", "haproxy", "curl", "openssl", "iperf3"}

// Names lists what a scenario can say it needs, besides program:NAME.
func Names() []string {
	return slices.Concat([]string{"nftables", "conntrack", Root, Bridge, Kernel, VirtualTime}, topology.TunnelKinds, programs)
}

// Program is the program that a need is about, empty if it is about none.
func Program(n string) string {
	if p, ok := strings.CutPrefix(n, programPrefix); ok {
		return p
	}
	if slices.Contains(programs, n) {
		return n
	}
	return ""
}

// Known reports whether a scenario can say that it needs n.
func Known(n string) bool {
	return slices.Contains(Names(), n) || strings.HasPrefix(n, programPrefix) && n != programPrefix
}

// Lacking tries what a scenario needs, in a namespace made for it, and says what
// is missing; empty if nothing is.
func Lacking(needs []string, on Machine) string {
	var missing []string
	for _, n := range needs {
		if n == VirtualTime {
			if !on.Virtual {
				missing = append(missing, n+" (netrepro run --vm has it)")
			}
			continue
		}
		if n == Kernel {
			if why := mute(on.Ring); why != "" {
				missing = append(missing, fmt.Sprintf("%s (%s)", n, why))
			}
			continue
		}
		if err := try(n); err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", n, err))
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "this machine lacks " + strings.Join(missing, ", ")
}

// mute says why the kernel cannot be asked for all its reasons, empty if it can.
func mute(r *bpf.Ring) string {
	if r == nil {
		return "the kernel's own reasons need Linux 6.10, CAP_BPF and CAP_PERFMON"
	}
	names := r.Names()
	return names.Whole()
}

// try tries whether the machine has n.
func try(n string) error {
	switch {
	case n == "nftables":
		return inScratch(firewall.Probe)
	case n == "conntrack":
		return inScratch(func(ns *netns.NS) error { _, err := firewall.Conntrack(ns); return err })
	case n == Root:
		return tryRoot()
	case n == Bridge:
		return inScratch(node.ProbeBridge)
	case slices.Contains(topology.TunnelKinds, n):
		return inScratch(func(ns *netns.NS) error { return node.ProbeTunnel(ns, n) })
	}
	_, err := process.Find(strings.TrimPrefix(n, programPrefix))
	return err
}

// tryRoot tries whether this is root of the machine, not of a user namespace: its
// ids are not mapped.
func tryRoot() error {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return err
	}
	if f := strings.Fields(string(b)); os.Geteuid() != 0 || len(f) < 3 || f[1] != "0" || f[2] != "4294967295" {
		return fmt.Errorf("run as root")
	}
	return nil
}

func inScratch(f func(*netns.NS) error) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	defer ns.Close()
	return f(ns)
}
