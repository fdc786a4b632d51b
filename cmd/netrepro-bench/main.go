//go:build linux

// Command netrepro-bench measures the engine: pairs of runs in turn, so that
// what is printed is a ratio of one machine's speed at one moment. It needs the
// right to make network namespaces.
package main

import (
	"flag"
	"fmt"
	"os"

	"netrepro/cmd/netrepro-bench/program"
	"netrepro/cmd/netrepro-bench/wires"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == wires.PeerArg {
		if err := wires.Peer(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 2 && os.Args[1] == program.AloneArg {
		os.Exit(program.RunAlone(os.Args[2:]))
	}
	bin := flag.String("bin", "bin/netrepro", "the binary to measure a case's fixed cost with")
	only := flag.String("only", "",
		"measure this alone: wires, chains, fixed, analysis, delay, rate, faults, load, races, library, cases")
	rounds := flag.Int("rounds", 5, "runs of each, in turn")
	flag.Parse()
	for _, m := range []struct {
		name string
		run  func() error
	}{
		{"wires", func() error { return wires.Compare(*rounds) }},
		{"chains", func() error { return chains(*rounds) }},
		{"fixed", func() error { return fixedCost(*bin, 2**rounds) }},
		{"analysis", func() error { return analysis(*bin, *rounds) }},
		{"delay", wires.Delays},
		{"rate", wires.Rates},
		{"faults", func() error { return faults(*bin, *rounds) }},
		{"races", races},
		{"library", func() error { return shipped(*bin) }},
		{"cases", func() error { return many(*bin) }},
		{"load", func() error { return crowds(*bin, *rounds) }},
	} {
		if *only != "" && *only != m.name {
			continue
		}
		if err := m.run(); err != nil {
			fmt.Fprintln(os.Stderr, "netrepro-bench:", err)
			os.Exit(1)
		}
	}
}
