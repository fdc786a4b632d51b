//go:build linux

package lookupmiss

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/testutil/leaks"
)

// two are hosts with a plain wire between them.
func two(t *testing.T) (client, server *node.Node) {
	t.Helper()
	leaks.Lab(t)
	s := topology.Spec{
		Nodes: []topology.Node{{Name: "client", Kind: topology.Host}, {Name: "server", Kind: topology.Host}},
		Wires: []topology.Wire{{Nodes: [2]string{"client", "server"}, Direct: true}},
	}
	p, err := plan.Of(&s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Up(p, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Nodes[0], l.Nodes[1]
}

// need makes a rule, or skips the test where that cannot be done.
func need(t *testing.T, n *node.Node, r Rule) *Miss {
	t.Helper()
	m, err := Make(n.NS, devices(n), r)
	if errors.Is(err, ErrUnsupported) && os.Getenv("NETREPRO_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func devices(n *node.Node) []string {
	var out []string
	for _, i := range n.Ifaces {
		out = append(out, i.Dev)
	}
	return out
}

const port = 80

// listen opens a listener on the node, which is closed with the test.
func listen(t *testing.T, n *node.Node) int {
	t.Helper()
	fd := open(t, n)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: port}), unix.Listen(fd, 16)); err != nil {
		t.Fatal(err)
	}
	return fd
}

func open(t *testing.T, n *node.Node) (fd int) {
	t.Helper()
	err := n.NS.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	// No answer at all would be a mistake: no call waits for ever.
	wait := unix.NsecToTimeval(int64(10 * time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		t.Fatal(err)
	}
	return fd
}

// ask connects, sends a byte, and takes the answer of the server, which echoes: nil, or
// the error of a connection that was reset.
func ask(t *testing.T, client, server *node.Node, listener int) error {
	t.Helper()
	fd := open(t, client)
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: server.Primary().As4()}); err != nil {
		return err
	}
	peer, _, err := unix.Accept(listener)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(peer)
	b := make([]byte, 1)
	if _, err := unix.Write(fd, b); err != nil {
		return err
	}
	// A segment that missed was answered with a reset already, for the wire is
	// within the kernel.
	if n, _, err := unix.Recvfrom(peer, b, unix.MSG_DONTWAIT); n == 1 && err == nil {
		_, err = unix.Write(peer, b)
		if err != nil {
			return err
		}
	}
	_, err = unix.Read(fd, b)
	return err
}

// TestMake has the segments miss their connection that a rule means, and no others.
func TestMake(t *testing.T) {
	client, server := two(t)
	listener := listen(t, server)
	for _, tt := range []struct {
		name string
		rule Rule
		want []bool // whether each of three connections is reset
	}{
		{"the first", Rule{Port: port, Kind: Data, Times: 1}, []bool{true, false, false}},
		{"the second", Rule{Port: port, Kind: Data, Skip: 1, Times: 1}, []bool{false, true, false}},
		{"two", Rule{Port: port, Kind: Data, Times: 2}, []bool{true, true, false}},
		{"none", Rule{Port: port, Kind: Data}, []bool{false, false, false}},
		{"another port", Rule{Port: port + 1, Kind: Data, Times: 9}, []bool{false, false, false}},
		{"another peer", Rule{Port: port, Peer: 1, Kind: Data, Times: 9}, []bool{false, false, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := need(t, server, tt.rule)
			hits := 0
			for i, want := range tt.want {
				err := ask(t, client, server, listener)
				if got := errors.Is(err, unix.ECONNRESET); got != want || !got && err != nil {
					t.Errorf("connection %d: %v, want a reset: %v", i, err, want)
				}
				if want {
					hits++
				}
			}
			if got, err := m.Hits(); got != hits || err != nil {
				t.Errorf("%d missed, %v, want %d", got, err, hits)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if err := ask(t, client, server, listener); err != nil {
				t.Errorf("after it is closed: %v", err)
			}
		})
	}
}

// TestDisarm lets segments find their connections again.
func TestDisarm(t *testing.T) {
	client, server := two(t)
	listener := listen(t, server)
	m := need(t, server, Rule{Port: port, Kind: Data, Times: 9})
	defer m.Close()
	if err := ask(t, client, server, listener); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("armed: %v", err)
	}
	if err := m.Disarm(); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, client, server, listener); err != nil {
		t.Errorf("disarmed: %v", err)
	}
	if n, err := m.Hits(); n != 1 || err != nil {
		t.Errorf("%d missed, %v", n, err)
	}
}

// TestMistakes says what cannot be done, and leaves nothing behind.
func TestMistakes(t *testing.T) {
	_, server := two(t)
	need(t, server, Rule{}).Close()
	if _, err := Make(server.NS, []string{"none"}, Rule{}); err == nil || errors.Is(err, ErrUnsupported) {
		t.Errorf("a device that is not there: %v", err)
	}
	if _, err := Make(server.NS, append(devices(server), "none"), Rule{}); err == nil {
		t.Error("a device that is not there was taken beside one that is")
	}
	need(t, server, Rule{}).Close() // the first device is free again
}

// TestUnsupported says so where the kernel does not let programs be loaded.
func TestUnsupported(t *testing.T) {
	_, server := two(t)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never given back: the thread ends with its capabilities
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&head, &none[0]); err != nil {
			done <- err
			return
		}
		m, err := Make(server.NS, devices(server), Rule{Port: port, Kind: Data, Times: 1})
		if err == nil {
			err = errors.Join(errors.New("it was made"), m.Close())
		}
		done <- err
	}()
	if err := <-done; !errors.Is(err, ErrUnsupported) {
		t.Errorf("without capabilities: %v", err)
	}
}
