//go:build linux

package sysctl

import (
	"errors"
	"fmt"
	"io/fs"

	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

// pinned are the values every node starts with, whatever the machine's own
// are. The first group is what a new namespace inherits from the machine, the
// second what kernels or distributions are known to differ in. A kernel that
// has no such setting is left alone.
var pinned = []topology.Setting{
	{Name: "net.ipv4.tcp_congestion_control", Value: "reno"},
	{Name: "net.ipv4.tcp_rmem", Value: "4096\t131072\t6291456"},
	{Name: "net.ipv4.tcp_wmem", Value: "4096\t16384\t4194304"},

	// A closed socket that its peer never acknowledges keeps its namespace
	// alive, long after every process and device of it is gone: 100 s by the
	// kernel's default of 8 retries (0 means 8), 3 s so.
	{Name: "net.ipv4.tcp_orphan_retries", Value: "3"},
	{Name: "net.ipv4.tcp_syn_linear_timeouts", Value: "4"},
	{Name: "net.ipv4.tcp_ecn", Value: "2"},
	{Name: "net.ipv4.tcp_fastopen", Value: "1"},
	{Name: "net.ipv4.tcp_mtu_probing", Value: "0"},
	{Name: "net.ipv4.tcp_base_mss", Value: "1024"},
	{Name: "net.ipv4.tcp_timestamps", Value: "1"},
	{Name: "net.ipv4.tcp_sack", Value: "1"},
	{Name: "net.ipv4.tcp_early_retrans", Value: "3"},
	{Name: "net.ipv4.tcp_recovery", Value: "1"},
	{Name: "net.ipv4.tcp_no_metrics_save", Value: "1"},
	{Name: "net.ipv4.tcp_shrink_window", Value: "0"},
	{Name: "net.ipv4.ip_no_pmtu_disc", Value: "0"},
	{Name: "net.ipv4.ip_local_port_range", Value: "32768\t60999"},
	{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"},
	{Name: "net.ipv4.conf.all.rp_filter", Value: "0"},
	{Name: "net.ipv4.conf.default.rp_filter", Value: "0"},
	{Name: "net.ipv4.conf.all.accept_redirects", Value: "0"},
	{Name: "net.ipv4.conf.default.accept_redirects", Value: "0"},
	{Name: "net.ipv4.conf.all.send_redirects", Value: "0"},
	{Name: "net.ipv4.conf.default.send_redirects", Value: "0"},
}

// quiet keeps IPv6 from talking on links that no script gave it.
var quiet = []topology.Setting{
	{Name: "net.ipv6.conf.all.disable_ipv6", Value: "1"},
	{Name: "net.ipv6.conf.default.disable_ipv6", Value: "1"},
}

// pinned6 is IPv6 that is configured by topologies alone and is silent where they
// say nothing.
var pinned6 = []topology.Setting{
	{Name: "net.ipv6.conf.all.disable_ipv6", Value: "0"},
	{Name: "net.ipv6.conf.default.disable_ipv6", Value: "0"},
	{Name: "net.ipv6.conf.all.accept_ra", Value: "0"},
	{Name: "net.ipv6.conf.default.accept_ra", Value: "0"},
	{Name: "net.ipv6.conf.default.autoconf", Value: "0"},
	{Name: "net.ipv6.conf.default.addr_gen_mode", Value: "1"}, // no link-local address
	{Name: "net.ipv6.conf.default.accept_dad", Value: "0"},
	{Name: "net.ipv6.conf.default.dad_transmits", Value: "0"},
	{Name: "net.ipv6.conf.default.router_solicitations", Value: "0"},
	{Name: "net.ipv6.conf.all.accept_redirects", Value: "0"},
	{Name: "net.ipv6.conf.default.accept_redirects", Value: "0"},
	{Name: "net.ipv6.auto_flowlabels", Value: "0"},
}

// Settle writes the sysctls that a new node starts with, in the calling thread's namespace.
func Settle(n *plan.Node) error {
	settings := append([]topology.Setting(nil), pinned...)
	if n.Family.Has6() && n.Kind != topology.Switch {
		settings = append(settings, pinned6...)
	} else {
		settings = append(settings, quiet...)
	}
	if n.Forward {
		settings = append(settings, topology.Setting{Name: "net.ipv4.ip_forward", Value: "1"})
	}
	return pin("node "+n.Name, settings)
}

// Quiet keeps IPv6 silent, in the calling thread's namespace; who names it in errors.
func Quiet(who string) error { return pin(who, quiet) }

// Forward6 makes a node an IPv6 router, in the calling thread's namespace; who names
// it in errors. It is done once the node's devices are no longer able to join groups,
// which routers do.
func Forward6(who string) error {
	return pin(who, []topology.Setting{{Name: "net.ipv6.conf.all.forwarding", Value: "1"},
		{Name: "net.ipv6.conf.default.forwarding", Value: "1"}})
}

// pin writes sysctls, as far as the kernel has them, in the calling thread's
// namespace.
func pin(who string, settings []topology.Setting) error {
	for _, s := range settings {
		if err := write(s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", who, err)
		}
	}
	return nil
}
