//go:build linux

// Package counters reads what the kernel counts of a network namespace.
//
// Invariant: a counter that a kernel does not have is not there, and is never taken for 0.
package counters

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	"netrepro/engine/lab/netns"
)

// Counters are a namespace's counters by the names the kernel gives them. The
// protocol stands before the names of /proc/net/snmp where they would clash:
// both "InErrs" and "TcpInErrs" name the counter of TCP.
type Counters map[string]uint64

// Read reads all counters of a namespace: /proc/net/netstat, snmp and
// snmp6 (Documentation/networking/snmp_counter.rst), every device's ("eth0
// rx_dropped"), conntrack's and those of the receive queues ("softnet dropped").
// Softnet's are those of the whole machine.
func Read(ns *netns.NS) (Counters, error) {
	c := Counters{}
	for _, f := range []struct {
		name string
		read func(Counters, []byte) error
		may  bool // the kernel may lack it
	}{
		{"net/netstat", pairs, false},
		{"net/snmp", pairs, false},
		{"net/snmp6", columns, true},
		{"net/dev", devices, false},
		{"net/stat/nf_conntrack", conntrack, true},
		{"net/softnet_stat", softnet, true},
	} {
		text, err := text(ns, f.name)
		if err == nil {
			err = f.read(c, text)
		} else if f.may && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read counters of %s: %s: %w", ns.Name(), f.name, err)
		}
	}
	return c, nil
}

// Since is how much each counter grew from before to c. Counters that are
// levels (CurrEstab) may have shrunk; the difference is then negative.
func (c Counters) Since(before Counters) map[string]int64 {
	out := make(map[string]int64, len(c))
	for name, n := range c {
		out[name] = int64(n - before[name])
	}
	return out
}

// pairs reads lines of names, each followed by a line of values, both with the
// protocol before them.
func pairs(c Counters, text []byte) error {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) != len(values) || len(names) == 0 || names[0] != values[0] {
			return fmt.Errorf("line %d has %d names and %d values", i+1, len(names), len(values))
		}
		proto := strings.TrimSuffix(names[0], ":")
		for j, name := range names[1:] {
			// MaxConn is -1 where it is dynamic (RFC 1213).
			n, err := strconv.ParseInt(values[j+1], 10, 64)
			if err != nil {
				u, uerr := strconv.ParseUint(values[j+1], 10, 64)
				if uerr != nil {
					return err
				}
				n = int64(u)
			}
			c[proto+name] = uint64(n)
			switch proto {
			case "TcpExt", "IpExt", "MPTcpExt", "Tcp": // a bare name is TCP's before it is another's
				c[name] = uint64(n)
			default:
				if _, known := c[name]; !known {
					c[name] = uint64(n)
				}
			}
		}
	}
	return nil
}

// columns reads lines of a name and a value.
func columns(c Counters, text []byte) error {
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) != 2 {
			continue
		}
		n, err := strconv.ParseUint(f[1], 10, 64)
		if err != nil {
			return err
		}
		c[f[0]] = n
	}
	return nil
}

// deviceColumns are those of /proc/net/dev (net/core/net-procfs.c), named as
// under /sys/class/net/*/statistics.
var deviceColumns = []string{"rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "rx_fifo_errors", "rx_frame_errors",
	"rx_compressed", "multicast",
	"tx_bytes", "tx_packets", "tx_errors", "tx_dropped", "tx_fifo_errors", "collisions", "tx_carrier_errors",
	"tx_compressed"}

func devices(c Counters, text []byte) error {
	for line := range bytes.Lines(text) {
		dev, rest, ok := strings.Cut(string(line), ":")
		values := strings.Fields(rest)
		if !ok || len(values) < len(deviceColumns) {
			continue
		}
		for i, name := range deviceColumns {
			n, err := strconv.ParseUint(values[i], 10, 64)
			if err != nil {
				return err
			}
			c[strings.TrimSpace(dev)+" "+name] = n
		}
	}
	return nil
}

// conntrack reads a line of names and one line of hexadecimal values for each
// processor.
func conntrack(c Counters, text []byte) error {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	names := strings.Fields(lines[0])
	for i, line := range lines[1:] {
		for j, v := range strings.Fields(line) {
			n, err := strconv.ParseUint(v, 16, 64)
			if err != nil {
				return err
			}
			if j >= len(names) || names[j] == "entries" && i > 0 { // the same on every line
				continue
			}
			c["nf_conntrack "+names[j]] += n
		}
	}
	return nil
}

// softnet reads one line of hexadecimal values for each processor
// (softnet_seq_show).
func softnet(c Counters, text []byte) error {
	names := map[int]string{0: "processed", 1: "dropped", 2: "time_squeeze", 9: "received_rps", 10: "flow_limit_count"}
	for line := range bytes.Lines(text) {
		for i, v := range strings.Fields(string(line)) {
			n, err := strconv.ParseUint(v, 16, 64)
			if err != nil {
				return err
			}
			if name := names[i]; name != "" {
				c["softnet "+name] += n
			}
		}
	}
	return nil
}

// extensions are the counters of Linux that came with time (net/ipv4/proc.c,
// net/mptcp/mib.c), as Linux 6.18 has them.
//
//go:embed extensions.txt
var extensions string

var counted = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for name := range strings.FieldsSeq(extensions) {
		out[name] = true
	}
	return out
})

// Counts reports whether some kernel has a counter of that name, if perhaps not
// this one.
func Counts(name string) bool { return counted()[name] }

// text is what stands in a file of /proc as threads in a namespace see it.
func text(ns *netns.NS, name string) (b []byte, err error) {
	err = ns.Do(func() (err error) {
		b, err = os.ReadFile("/proc/thread-self/" + name)
		return err
	})
	return b, err
}

// SentResets is how many resets the TCP of a namespace has sent by its own count (RFC 4022,
// tcpOutRsts).
func SentResets(ns *netns.NS) (uint64, error) {
	c := Counters{}
	text, err := text(ns, "net/snmp")
	if err == nil {
		err = pairs(c, text)
	}
	if err != nil {
		return 0, fmt.Errorf("count resets of %s: %w", ns.Name(), err)
	}
	return c["TcpOutRsts"], nil
}
