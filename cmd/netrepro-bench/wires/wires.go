//go:build linux

// Package wires measures the wires of a lab: throughput and round trips against a
// plain veth pair, how exact delays are, and how exact rates are.
package wires

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/cmd/netrepro-bench/figure"
	"netrepro/engine/lab"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

// The ends of a wire are processes of their own that block in the kernel, as
// ordinary programs do: Go's poller inside one process would hide what a
// wake-up costs.

// PeerArg is the first argument of a process that is one end of a wire.
const PeerArg = "peer"

const (
	chunk = 1 << 20 // bytes of one round of throughput
	// BulkRounds is how many rounds of throughput are enough.
	BulkRounds = 300
	pingRounds = 5000
)

// Peer is one end: "serve WHAT" or "dial WHAT ADDRESS"; WHAT is bulk or ping.
func Peer(args []string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	buf := make([]byte, chunk)
	if args[0] == "serve" {
		if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: 9000}), unix.Listen(fd, 1)); err != nil {
			return err
		}
		fmt.Println("ready")
		if fd, _, err = unix.Accept(fd); err != nil {
			return err
		}
		for {
			n, err := unix.Read(fd, buf)
			if n <= 0 || err != nil {
				return err
			}
			if args[1] == "ping" {
				if _, err := unix.Write(fd, buf[:n]); err != nil {
					return err
				}
			}
		}
	}
	a, err := netip.ParseAddr(args[2])
	if err != nil {
		return err
	}
	if err := errors.Join(unix.Connect(fd, &unix.SockaddrInet4{Port: 9000, Addr: a.As4()}),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); { // a line is a number of rounds
		n, err := strconv.Atoi(in.Text())
		for ; n > 0 && err == nil; n-- {
			if args[1] == "bulk" {
				_, err = unix.Write(fd, buf)
				continue
			}
			if _, err = unix.Write(fd, buf[:1]); err == nil {
				_, err = unix.Read(fd, buf[:1])
			}
		}
		if err != nil {
			return err
		}
		fmt.Println("done")
	}
	return nil
}

// Compare compares a wire of the engine's with a plain veth pair, offloads off: all
// on one processor, as a case runs, and on two.
func Compare(rounds int) error {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for _, n := range []int{1, 2} {
		if all.Count() < n {
			fmt.Printf("on %d processors: this machine has %d\n", n, all.Count())
			continue
		}
		if err := onProcessors(all, n,
			func() error { return wiresHere(fmt.Sprintf("on %d processors, ", n), rounds) }); err != nil {
			return err
		}
	}
	fmt.Println("  limits: each frame costs a copy into the ring, a record and a send, beside the TCP stacks;")
	fmt.Println("  a round trip adds two wake-ups of the relay")
	return nil
}

// onProcessors runs f with the process on the last n of its processors.
func onProcessors(all unix.CPUSet, n int, f func() error) error {
	var some unix.CPUSet
	for id := len(all)*64 - 1; id >= 0 && n > 0; id-- {
		if all.IsSet(id) {
			some.Set(id)
			n--
		}
	}
	if err := everyThread(&some); err != nil {
		return err
	}
	return errors.Join(f(), everyThread(&all))
}

// everyThread gives all threads there are these processors; those to come inherit
// them.
func everyThread(set *unix.CPUSet) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, set); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func wiresHere(where string, rounds int) error {
	for _, w := range []struct {
		what, unit string
		rounds     int
		value      func(time.Duration) float64
	}{
		{"bulk", "Gbit/s", BulkRounds,
			func(d time.Duration) float64 { return float64(BulkRounds) * chunk * 8 / d.Seconds() / 1e9 }},
		{"ping", "µs a round trip", pingRounds,
			func(d time.Duration) float64 { return d.Seconds() * 1e6 / pingRounds }},
	} {
		var direct, engine, ratio []float64
		var lost uint64
		for range rounds {
			d, _, err := Measure(w.what, w.rounds, true, nil)
			if err != nil {
				return err
			}
			e, n, err := Measure(w.what, w.rounds, false, nil)
			if err != nil {
				return err
			}
			lost += n
			direct, engine, ratio = append(direct, w.value(d)), append(engine, w.value(e)),
				append(ratio, w.value(e)/w.value(d))
		}
		fmt.Printf("%s%s: direct veth %s, wire %s %s; wire/direct %s; %d frames lost by the engine\n", where, w.what,
			figure.Of(direct), figure.Of(engine), w.unit, figure.Of(ratio), lost)
	}
	return nil
}

// Measure times rounds over a fresh lab, which arm may break, and says what the
// engine lost.
func Measure(what string, rounds int, direct bool, arm func(*lab.Lab)) (took time.Duration, lost uint64, err error) {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	s := topology.Spec{Nodes: []topology.Node{{Name: "a", Kind: topology.Host}, {Name: "b", Kind: topology.Host}},
		Wires: []topology.Wire{{Nodes: [2]string{"a", "b"}, Direct: direct}}}
	p, err := plan.Of(&s)
	if err != nil {
		return 0, 0, err
	}
	l, err := lab.Up(p, lab.Options{Capture: filepath.Join(dir, "trace.pcapng")})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if arm != nil {
		arm(l)
	}
	took, err = between(l, what, rounds)
	lost, _ = l.Lost()
	return took, lost, err
}

// between runs two peers and times rounds between them.
func between(l *lab.Lab, what string, rounds int) (took time.Duration, err error) {
	a, b := l.Nodes[0], l.Nodes[1]
	server, _, ready, err := start(b, "serve", what)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Wait()) }()
	if _, err := ready.ReadString('\n'); err != nil {
		return 0, err
	}
	client, in, out, err := start(a, "dial", what, b.Primary().String())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close(), client.Wait()) }()
	do := func(n int) error {
		if _, err := fmt.Fprintln(in, n); err != nil {
			return err
		}
		_, err := out.ReadString('\n')
		return err
	}
	if err := do(10); err != nil { // open the window, fill the caches
		return 0, err
	}
	began := time.Now()
	err = do(rounds)
	return time.Since(began), err
}

func start(n *node.Node, args ...string) (*exec.Cmd, io.WriteCloser, *bufio.Reader, error) {
	c := exec.Command("/proc/self/exe", append([]string{PeerArg}, args...)...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	return c, in, bufio.NewReader(out), n.NS.Do(c.Start)
}
