//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"netrepro/cmd/netrepro-bench/figure"
	"netrepro/engine/lab"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

const chainLength = 50

// chains brings a line of nodes up and down.
func chains(rounds int) error {
	s := topology.Chain(chainLength)
	p, err := plan.Of(s)
	if err != nil {
		return err
	}
	var up, down, both []float64
	for range rounds {
		began := time.Now()
		l, err := lab.Up(p, lab.Options{})
		if err != nil {
			return err
		}
		stood := time.Now()
		if err := l.Close(); err != nil {
			return err
		}
		ended := time.Now()
		up, down = append(up, figure.Milliseconds(stood.Sub(began))),
			append(down, figure.Milliseconds(ended.Sub(stood)))
		both = append(both, figure.Milliseconds(ended.Sub(began)))
	}
	fmt.Printf("chain of %d nodes: up %s ms, down %s ms, together %s ms\n", chainLength, figure.Of(up), figure.Of(down),
		figure.Of(both))
	fmt.Println("  limits: the kernel makes namespaces and devices under one lock; closing the relay's socket " +
		"waits for two RCU grace periods")
	return nil
}

// minimal is a case that needs no waiting.
const minimal = `
scenario "minimal" {
  topology = path { host "client", wire {}, host "server" },
  run = function(net)
    local l = net.server:listen(80)
    net.client:dial { to = l }
    must(l:accept().peer.port):equals(40000)
  end,
}
`

// fixedCost times the whole program on a case that needs no waiting: until the
// capture is written, which a process that watches for it sees, and until the
// end.
func fixedCost(bin string, rounds int) error {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "minimal.lua")
	if err := os.WriteFile(file, []byte(minimal), 0o644); err != nil {
		return err
	}
	var written, ended []float64
	for i := range rounds + 1 {
		out := filepath.Join(dir, fmt.Sprint(i))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		c := exec.CommandContext(ctx, bin, "run", "-j", "1", "-o", out, file)
		began := time.Now()
		text, err := c.CombinedOutput()
		end := time.Now()
		cancel()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, text)
		}
		st, err := os.Stat(filepath.Join(out, "minimal", "trace.pcapng"))
		if err != nil || st.Size() < 1000 {
			return errors.Join(errors.New("no capture was written"), err)
		}
		if i == 0 {
			continue // reads the binary from disk
		}
		written, ended = append(written, figure.Milliseconds(st.ModTime().Sub(began))),
			append(ended, figure.Milliseconds(end.Sub(began)))
	}
	fmt.Printf("case that needs no waiting: capture written after %s ms, program ended after %s ms\n",
		figure.Of(written), figure.Of(ended))
	fmt.Println("  limits: two starts of the binary, making three namespaces, and letting go of them")
	return nil
}
