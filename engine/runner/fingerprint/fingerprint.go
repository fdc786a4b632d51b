// Package fingerprint says what a run depends on and a script does not say: the kernel,
// its settings, processors, the program.
//
// It changes nothing on the machine.
//
// Invariant: two machines with one fingerprint differ in nothing that is known to matter.
package fingerprint

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Machine is what a run depends on.
type Machine struct {
	Kernel     string            `json:"kernel"`
	Arch       string            `json:"arch"`
	Program    string            `json:"program"` // version of netrepro
	Processors int               `json:"processors"`
	Root       bool              `json:"root"`
	Settings   map[string]string `json:"settings"` // sysctls
	Commit     string            `json:"commit,omitempty"`
}

// settings are the sysctls that what a host does depends on and that the engine does not
// pin: it pins those that each namespace has of its own.
var settings = []string{
	"net.core.default_qdisc", "net.core.netdev_budget", "net.core.netdev_max_backlog", "net.core.optmem_max",
	"net.core.rmem_default", "net.core.rmem_max", "net.core.somaxconn", "net.core.wmem_default", "net.core.wmem_max",
	"net.ipv4.tcp_available_congestion_control", "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_max_orphans",
	"net.ipv4.tcp_mem", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.netfilter.nf_conntrack_max",
	"user.max_net_namespaces", "user.max_user_namespaces", "kernel.apparmor_restrict_unprivileged_userns",
}

// Take takes the fingerprint of this machine. folder is where the commit is looked for.
// settled calls what reads the settings, unless somebody has them changed for a while;
// they are left out then.
func Take(folder string, settled func(read func())) Machine {
	m := Machine{Kernel: read("/proc/sys/kernel/osrelease"), Arch: runtime.GOARCH, Processors: runtime.NumCPU(),
		Root: os.Geteuid() == 0, Settings: map[string]string{}, Commit: Commit(folder), Program: "unknown"}
	if b, ok := debug.ReadBuildInfo(); ok {
		m.Program = b.Main.Version + " " + b.GoVersion
	}
	settled(func() {
		for _, s := range settings {
			if v := read(filepath.Join("/proc/sys", strings.ReplaceAll(s, ".", "/"))); v != "" {
				m.Settings[s] = v
			}
		}
	})
	return m
}

// read is the text of a file without white space around and within it, empty if it cannot
// be read.
func read(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

// Differs says in what now is not as before, empty if in nothing. That the commit is
// another is said last.
func Differs(before, now Machine) string {
	var out []string
	say := func(what, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s was %s, is %s", what, shown(a), shown(b)))
		}
	}
	say("kernel", before.Kernel, now.Kernel)
	say("architecture", before.Arch, now.Arch)
	say("netrepro", before.Program, now.Program)
	say("processors", fmt.Sprint(before.Processors), fmt.Sprint(now.Processors))
	say("root", fmt.Sprint(before.Root), fmt.Sprint(now.Root))
	var names []string
	for _, all := range []map[string]string{before.Settings, now.Settings} {
		for name := range all {
			names = append(names, name)
		}
	}
	if len(before.Settings) == 0 || len(now.Settings) == 0 {
		names = nil // one of them could not be read
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		say(name, before.Settings[name], now.Settings[name])
	}
	say("commit", before.Commit, now.Commit)
	return strings.Join(out, "; ")
}

func shown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
