//go:build linux

package topo

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pair is a lab of two hosts, on a wire of the engine's or a plain veth pair.
func pair(tb testing.TB, direct bool, capture string) *Lab {
	tb.Helper()
	s := Spec{
		Nodes: []Node{{Name: "a", Kind: Host}, {Name: "b", Kind: Host}},
		Wires: []Wire{{Name: "w", Nodes: [2]string{"a", "b"}, Direct: direct}},
	}
	return up(tb, &s, capture)
}

func up(tb testing.TB, s *Spec, capture string) *Lab {
	tb.Helper()
	p, err := s.Plan()
	if err != nil {
		tb.Fatal(err)
	}
	l, err := Up(p, Options{Capture: capture})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

// peers starts one process in each end of the lab, a client and a server, that
// block in the kernel as ordinary programs do; Go's own poller would hide what
// a wake-up costs. It returns the client's input and output.
func peers(b *testing.B, l *Lab, what string) (in io.WriteCloser, out *bufio.Reader) {
	b.Helper()
	start := func(args ...string) *exec.Cmd {
		c := exec.Command("/proc/self/exe")
		c.Env = []string{"NETREPRO_BENCH_PEER=" + strings.Join(args, " ")}
		c.Stderr = os.Stderr
		return c
	}
	first, last := l.Nodes[0], l.Nodes[len(l.Nodes)-1]
	server := start("serve", what)
	ready, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := last.NS.Do(server.Start); err != nil {
		b.Fatal(err)
	}
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	client := start("dial", what, last.Primary().String())
	in, err = client.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	pipe, err := client.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := first.NS.Do(client.Start); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		for _, c := range []*exec.Cmd{client, server} {
			if err := c.Wait(); err != nil {
				b.Error(err)
			}
		}
	})
	return in, bufio.NewReader(pipe)
}

// peerMain is the process that peers starts.
func peerMain(args []string) {
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, args, err)
			os.Exit(1)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	check(err)
	buf := make([]byte, 1<<20)
	if args[0] == "serve" {
		check(unix.Bind(fd, &unix.SockaddrInet4{Port: 9000}))
		check(unix.Listen(fd, 1))
		fmt.Println("ready")
		c, _, err := unix.Accept(fd)
		check(err)
		for {
			n, err := unix.Read(c, buf)
			check(err)
			if n == 0 {
				return
			}
			if args[1] == "rtt" {
				_, err = unix.Write(c, buf[:n])
				check(err)
			}
		}
	}
	a := netip.MustParseAddr(args[2])
	check(unix.Connect(fd, &unix.SockaddrInet4{Port: 9000, Addr: a.As4()}))
	check(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() { // a line is a number of rounds
		n, err := strconv.Atoi(in.Text())
		check(err)
		for range n {
			if args[1] == "rtt" {
				_, err = unix.Write(fd, buf[:1])
				check(err)
				_, err = unix.Read(fd, buf[:1])
			} else {
				_, err = unix.Write(fd, buf)
			}
			check(err)
		}
		fmt.Println("done")
	}
}

func TestMain(m *testing.M) {
	if p := os.Getenv("NETREPRO_BENCH_PEER"); p != "" {
		peerMain(strings.Fields(p))
		return
	}
	os.Exit(m.Run())
}

// benchPeers runs rounds between two processes at the ends of a wire.
func benchPeers(b *testing.B, what string, direct bool) {
	l := pair(b, direct, b.TempDir()+"/t.pcapng")
	in, out := peers(b, l, what)
	if what == "throughput" {
		b.SetBytes(1 << 20)
	}
	rounds := func(n int) {
		if _, err := fmt.Fprintln(in, n); err != nil {
			b.Fatal(err)
		}
		if _, err := out.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
	}
	rounds(10)
	b.ResetTimer()
	rounds(b.N)
	b.StopTimer()
	if n, why := l.Relay.Lost(); n > 0 {
		b.Logf("%d frames lost: %v", n, why)
	}
}

func BenchmarkThroughputDirect(b *testing.B) { benchPeers(b, "throughput", true) }
func BenchmarkThroughputWire(b *testing.B)   { benchPeers(b, "throughput", false) }
func BenchmarkRTTDirect(b *testing.B)        { benchPeers(b, "rtt", true) }
func BenchmarkRTTWire(b *testing.B)          { benchPeers(b, "rtt", false) }

func BenchmarkChain50(b *testing.B) {
	s := chain(50)
	for b.Loop() {
		p, err := s.Plan()
		if err != nil {
			b.Fatal(err)
		}
		l, err := Up(p, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// chain is a line of n nodes, routers but for the ends.
func chain(n int) *Spec {
	s := &Spec{}
	for i := range n {
		k := Router
		if i == 0 || i == n-1 {
			k = Host
		}
		s.Nodes = append(s.Nodes, Node{Name: fmt.Sprintf("n%d", i), Kind: k})
		if i > 0 {
			s.Wires = append(s.Wires, Wire{Nodes: [2]string{fmt.Sprintf("n%d", i-1), fmt.Sprintf("n%d", i)}})
		}
	}
	return s
}
