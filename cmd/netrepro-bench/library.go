//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"netrepro/cmd/netrepro-bench/program"
)

// tookOf finds how long a case took in what run prints.
var tookOf = regexp.MustCompile(`(?m)^[✓✗?] .* (\d+\.\d\d)s  \d+ packets`)

// shipped runs the shipped library: how long it takes, what of the processors'
// time, and how many cases run at once.
func shipped(bin string) error {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := exec.Command(bin, "run", "-o", dir)
	began := time.Now()
	out, err := c.Output()
	took := time.Since(began).Seconds()
	if err := program.Measured(err); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	cases, sum := 0, 0.0
	for _, m := range tookOf.FindAllSubmatch(out, -1) {
		s, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return err
		}
		cases, sum = cases+1, sum+s
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	use, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("no resource usage")
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	fmt.Printf("library: %d cases in %.1f s (aim 30), %.1f s of processor time, %.1f cases at once; %s\n", cases, took,
		seconds(use.Utime)+seconds(use.Stime), sum/took, lines[len(lines)-1])
	fmt.Println("  limits: most of a case is waiting for timers of TCP; the longest waits for eight seconds of " +
		"them, and cases that change the machine run alone")
	return nil
}
