//go:build linux

package main

import (
	"fmt"
	"strconv"
	"time"

	"netrepro/cmd/netrepro-bench/figure"
	"netrepro/cmd/netrepro-bench/program"
	"netrepro/cmd/netrepro-bench/wires"
	"netrepro/engine/lab"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/match"
)

// twenty are faults as scripts make them, none of which hits what a bulk transfer
// sends.
func twenty() ([]*fault.Fault, error) {
	matches := []string{"tcp=syn dport=81", "tcp=rst", "tcp=keep-alive", "icmp=frag-needed", "udp", "ttl=3", "mss=1300",
		"dport=443", "len>=1461", "flags=SE"}
	var out []*fault.Fault
	for _, text := range matches {
		m, err := match.Parse(text, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, fault.New(fault.Spec{Match: m, Action: fault.Drop{}, Gate: fault.Gate{Nth: 1}}),
			fault.New(fault.Spec{Match: m, Action: &fault.Delay{By: time.Second},
				Gate: fault.Gate{Chance: &chance.Model{P: 0.5}}}))
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
		plain, _, err := wires.Measure("bulk", wires.BulkRounds, false, nil)
		if err != nil {
			return err
		}
		broken, _, err := wires.Measure("bulk", wires.BulkRounds, false, func(l *lab.Lab) {
			for _, f := range armed {
				l.Relay.Wire("a_b").AddFault(f)
			}
		})
		if err != nil {
			return err
		}
		ratio = append(ratio, plain.Seconds()/broken.Seconds())
	}
	fmt.Printf("twenty faults that match nothing: throughput %s of a wire without\n", figure.Of(ratio))
	for _, kind := range []struct{ what, arm string }{
		{"a box that does nothing, of everything", "net.wan:box(function() end)"},
		{"a predicate that reads a field, of everything",
			"net.wan:drop { where = function(pkt) return pkt.dport == 81 end, optional = true }"},
		{"a predicate behind a match, of none",
			"net.wan:drop { dport = 81, where = function(pkt) return true end, optional = true }"},
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
		fmt.Printf("%s: throughput %s of a scenario without\n", kind.what, figure.Of(ratio))
	}
	fmt.Println("  limits: a frame costs a decode and a record before any fault sees it; a call of Lua takes " +
		"the interpreter's lock")
	return nil
}

// transfer times the transfer of a scenario.
func transfer(bin, arm string) (seconds float64, err error) {
	r, err := program.Say(bin, `scenario "transfer" {
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
	return strconv.ParseFloat(r.Said, 64)
}
