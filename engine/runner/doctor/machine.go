//go:build linux

package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// machine is what a trial cannot tell and a remedy depends on.
type machine struct {
	root      bool
	caps      uint64 // effective
	seccomp   bool   // system calls are filtered
	container bool
	settings  func(name string) string // a sysctl, empty if there is none
}

// Capabilities by their numbers (capability.h).
const (
	capNetAdmin = 12
	capNetRaw   = 13
	capSysAdmin = 21
	capPerfmon  = 38
	capBPF      = 39
)

func (m machine) has(capability int) bool { return m.caps&(1<<capability) != 0 }

// look reads what the kernel says of this process.
func look() machine {
	m := machine{root: os.Geteuid() == 0, settings: func(name string) string {
		return text(filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/")))
	}}
	for line := range strings.Lines(text("/proc/self/status")) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "CapEff":
			m.caps, _ = strconv.ParseUint(value, 16, 64) // as the kernel writes it
		case "Seccomp":
			m.seccomp = value == "2"
		}
	}
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv", "/var/run/secrets/kubernetes.io"} {
		if _, err := os.Stat(mark); err == nil {
			m.container = true
		}
	}
	return m
}

func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// mend finds what helps f.
func (m machine) mend(f *Finding) {
	switch f.Name {
	case Labs:
		m.mendLabs(f)
	case "kernel", "lookup_miss":
		switch {
		case !m.root:
			f.Mend = []string{"sudo netrepro run …"}
		case !m.has(capBPF) || !m.has(capPerfmon):
			f.Mend = []string{"docker run --cap-add BPF --cap-add PERFMON …  # or --privileged"}
		default:
			f.Mend = []string{"# needs Linux 6.10 or later; this is " + m.settings("kernel.osrelease")}
		}
	case "root":
		f.Mend = []string{"sudo netrepro run …"}
	default:
		module := map[string]string{"nftables": "nf_tables", "conntrack": "nf_conntrack", "gre": "ip_gre", "sit": "sit",
			"ipip": "ipip", "bridge": "bridge", "ip6gre": "ip6_gre", "ip6tnl": "ip6_tunnel"}[f.Name]
		if module == "" {
			module = f.Name
		}
		f.Mend = []string{"sudo modprobe " + module}
		if m.container {
			f.Mend[0] += "  # on the host of the container"
		} else {
			f.Fix = &Fix{Module: module}
		}
	}
}

// mendLabs finds why no namespaces can be made. The commonest causes come first.
func (m machine) mendLabs(f *Finding) {
	setting := func(name, value, unit string) {
		f.Fix = &Fix{Setting: name, Value: value}
		f.Mend = append(f.Mend, fmt.Sprintf("sudo sysctl -w %s=%s%s", name, value, unit))
	}
	switch {
	case m.root && (!m.has(capSysAdmin) || !m.has(capNetAdmin) || !m.has(capNetRaw)):
		f.Mend = append(f.Mend, "docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined "+
			"--security-opt apparmor=unconfined …  # or --privileged")
	case !m.root && m.settings("kernel.apparmor_restrict_unprivileged_userns") == "1":
		setting("kernel.apparmor_restrict_unprivileged_userns", "0", "")
	case !m.root && m.settings("kernel.unprivileged_userns_clone") == "0":
		setting("kernel.unprivileged_userns_clone", "1", "")
	case m.settings("user.max_user_namespaces") == "0":
		setting("user.max_user_namespaces", "10000", "")
	case m.settings("user.max_net_namespaces") == "0":
		setting("user.max_net_namespaces", "10000", "")
	case m.seccomp:
		f.Mend = append(f.Mend, "docker run --security-opt seccomp=unconfined …")
	}
	if !m.root {
		f.Mend = append(f.Mend, "sudo netrepro run …")
	}
}
