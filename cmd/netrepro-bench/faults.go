//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"netrepro/engine/lab"
	"netrepro/engine/lab/fault"
	"netrepro/engine/match"
)

// twenty are faults as scripts make them, none of which hits what a bulk transfer
// sends.
func twenty() ([]*fault.Fault, error) {
	matches := []string{"tcp=syn dport=81", "tcp=rst", "tcp=keep-alive", "icmp=frag-needed", "udp", "ttl=3", "mss=1300", "dport=443", "len>=1461", "flags=SE"}
	var out []*fault.Fault
	for _, text := range matches {
		m, err := match.Parse(text, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, fault.New(fault.Spec{Match: m, Action: fault.Drop{}, Gate: fault.Gate{Nth: 1}}),
			fault.New(fault.Spec{Match: m, Action: &fault.Delay{By: time.Second}, Gate: fault.Gate{Chance: &fault.Model{P: 0.5}}}))
	}
	return out, nil
}

// faults compares the throughput of a wire with that of one that has twenty
// faults, and of a scenario with that of one that has a function look at every
// packet.
func faults(bin string, rounds int) error {
	armed, err := twenty()
	if err != nil {
		return err
	}
	var ratio []float64
	for range rounds {
		plain, _, err := measure("bulk", bulkRounds, false, nil)
		if err != nil {
			return err
		}
		broken, _, err := measure("bulk", bulkRounds, false, func(l *lab.Lab) {
			for _, f := range armed {
				l.Relay.Wire("a_b").AddFault(f)
			}
		})
		if err != nil {
			return err
		}
		ratio = append(ratio, plain.Seconds()/broken.Seconds())
	}
	fmt.Printf("twenty faults that match nothing: throughput %s of a wire without\n", of(ratio))
	for _, kind := range []struct{ what, arm string }{
		{"a box that does nothing, of everything", "net.wan:box(function() end)"},
		{"a predicate that reads a field, of everything", "net.wan:drop { where = function(pkt) return pkt.dport == 81 end, optional = true }"},
		{"a predicate behind a match, of none", "net.wan:drop { dport = 81, where = function(pkt) return true end, optional = true }"},
	} {
		ratio = nil
		for range rounds {
			plain, err := transfer(bin, "")
			if err != nil {
				return err
			}
			lua, err := transfer(bin, kind.arm)
			if err != nil {
				return err
			}
			ratio = append(ratio, plain/lua)
		}
		fmt.Printf("%s: throughput %s of a scenario without\n", kind.what, of(ratio))
	}
	fmt.Println("  limits: a frame costs a decode and a record before any fault sees it; a call of Lua takes the interpreter's lock")
	return nil
}

// transfer times the transfer of a scenario.
func transfer(bin, arm string) (seconds float64, err error) {
	r, err := say(bin, `scenario "transfer" {
  topology = path { host "client", wire { name = "wan" }, host "server" },
  run = function(net)
    `+arm+`
    local file = net.server:serve { port = 80, body = ("x"):rep(64 * 1024 * 1024) }
    local got = net.client:fetch { from = file, timeout = "60s" }
    must(got.bytes):equals(64 * 1024 * 1024)
    print("said", got.time)
  end,
}`)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(r.said, 64)
}

// inconclusive is the exit code of a run that proves nothing.
const inconclusive = 4

// saying is what a scenario printed, and what running it took.
type saying struct {
	said string
	took time.Duration
	// memory is in kilobytes at its peak, of the program or its worker, whichever
	// had more.
	memory int64
}

// say runs a scenario by itself that prints "said" and something.
func say(bin, text string) (saying, error) {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return saying{}, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bench.lua")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return saying{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, bin, "run", "-v", "-j", "1", "-o", dir, file)
	peak, err := alone(c)
	if err != nil {
		return saying{}, err
	}
	began := time.Now()
	out, err := c.CombinedOutput()
	s := saying{took: time.Since(began)}
	var ee *exec.ExitError
	if errors.As(err, &ee) && ee.ExitCode() == inconclusive {
		err = nil // the host was busy; what was measured still counts
	}
	if err != nil {
		return s, fmt.Errorf("%w\n%s", err, out)
	}
	if s.memory, err = peak(); err != nil {
		return s, err
	}
	for line := range bytes.Lines(out) {
		if _, rest, ok := strings.Cut(string(line), "said\t"); ok {
			s.said = strings.TrimSpace(rest)
			return s, nil
		}
	}
	return s, fmt.Errorf("the scenario did not say what it measured:\n%s", out)
}
