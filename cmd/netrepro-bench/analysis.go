//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"netrepro/cmd/netrepro-bench/figure"
	"netrepro/cmd/netrepro-bench/program"
	"netrepro/cmd/netrepro-bench/synthetic"
	"netrepro/engine/tcp/wireshark"
)

// benchPackets is how many packets are analysed.
const benchPackets = 600_000

// analysis measures the speed of trace --json against tshark's printing the
// same flags of the same file, and how much memory the analysis takes.
func analysis(bin string, rounds int) error {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is temporary
	path := filepath.Join(dir, "capture.pcap")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(synthetic.Write(f, benchPackets), f.Close()); err != nil {
		return err
	}
	var ours, theirs []float64
	args := []string{"-r", path, "-T", "fields", "-e", "frame.number"}
	for _, n := range wireshark.All.Names() {
		args = append(args, "-e", "tcp.analysis."+n)
	}
	_, missing := exec.LookPath("tshark")
	for i := range rounds {
		d, _, err := program.Timed(exec.Command(bin, "trace", "--json", path), nil)
		if err != nil {
			return err
		}
		ours = append(ours, benchPackets/d.Seconds()/1e6)
		if missing != nil || i%2 == 1 { // it takes its time
			continue
		}
		d, _, err = program.Timed(exec.Command("tshark", args...), nil)
		if err != nil {
			return err
		}
		theirs = append(theirs, benchPackets/d.Seconds()/1e6)
	}
	fmt.Printf("analysis of %d packets of %d flows: %s million packets a second\n", benchPackets, synthetic.Flows,
		figure.Of(ours))
	if missing == nil {
		fmt.Printf("  tshark %.3f million: ratio %.0f (aim 50)\n", figure.Of(theirs).Median,
			figure.Of(ours).Median/figure.Of(theirs).Median)
	} else {
		fmt.Println("  tshark is not installed: no ratio")
	}
	var peak [2]float64
	for i, n := range []int{benchPackets, 10 * benchPackets} {
		feed := func(w io.Writer) error { return synthetic.Write(w, n) }
		_, rss, err := program.Timed(exec.Command(bin, "trace", "--json", "-"), feed)
		if err != nil {
			return err
		}
		peak[i] = float64(rss) / 1024
	}
	fmt.Printf("  memory: %.0f MB for the file, %.0f MB for one ten times as long\n", peak[0], peak[1])
	return nil
}
