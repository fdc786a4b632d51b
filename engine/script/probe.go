//go:build linux

package script

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

// lacking tries what a scenario needs, in a namespace made for it, and says what
// is missing; empty if nothing is.
func lacking(needs []string, o RunOptions) string {
	var missing []string
	for _, n := range needs {
		if n == needKernel {
			if why := mute(o.Ring); why != "" {
				missing = append(missing, fmt.Sprintf("%s (%s)", n, why))
			}
			continue
		}
		if err := tryNeed(n); err != nil {
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

// programPrefix begins the need of a program.
const programPrefix = "program:"

// Programs are those that can be needed by their names alone.
var programs = []string{"nginx", "haproxy", "curl", "openssl", "iperf3"}

// knownNeed reports whether a scenario can say that it needs n.
func knownNeed(n string) bool {
	return slices.Contains(Needs, n) || strings.HasPrefix(n, programPrefix) && n != programPrefix
}

// tryNeed tries whether the machine has n.
func tryNeed(n string) error {
	if probe := probes[n]; probe != nil {
		return probe()
	}
	_, err := process.Find(strings.TrimPrefix(n, programPrefix))
	return err
}

// needKernel is the need of scenarios that ask the kernel for its reasons.
const needKernel = "kernel"

var probes = map[string]func() error{
	"nftables": func() error { return inScratch(firewall.Probe) },
	"conntrack": func() error {
		return inScratch(func(ns *netns.NS) error { _, err := firewall.Conntrack(ns); return err })
	},
	"root": func() error {
		// Root of the machine, not of a user namespace: its ids are not mapped.
		b, err := os.ReadFile("/proc/self/uid_map")
		if err != nil {
			return err
		}
		if f := strings.Fields(string(b)); os.Geteuid() != 0 || len(f) < 3 || f[1] != "0" || f[2] != "4294967295" {
			return fmt.Errorf("run as root")
		}
		return nil
	},
}

func init() {
	for _, kind := range topology.TunnelKinds {
		probes[kind] = func() error {
			return inScratch(func(ns *netns.NS) error { return node.ProbeTunnel(ns, kind) })
		}
	}
	probes[needKernel] = func() error { return nil } // what runs the case knows
	probes["bridge"] = func() error { return inScratch(node.ProbeBridge) }
}

func inScratch(f func(*netns.NS) error) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	defer ns.Close()
	return f(ns)
}
