//go:build linux

package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/kernel/counters"
	"netrepro/engine/lab"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

const (
	handshakes = 100000
	racers     = 8 // clients side by side, each with a port of the server's
)

// races opens connections with data right behind the last segment of the
// handshake, as fast as the machine can, over a plain veth pair, and counts
// resets: how often the kernel itself loses the race for the socket.
func races() error {
	s := topology.Spec{Nodes: []topology.Node{{Name: "client", Kind: topology.Host},
		{Name: "server", Kind: topology.Host}},
		Wires: []topology.Wire{{Nodes: [2]string{"client", "server"}, Direct: true}}}
	p, err := plan.Of(&s)
	if err != nil {
		return err
	}
	l, err := lab.Up(p, lab.Options{})
	if err != nil {
		return err
	}
	// Each port of the server's has fewer connections than there are client
	// ports, so that none meets a TIME_WAIT, which would be a reset of another kind.
	return errors.Join(race(l.Nodes[0], l.Nodes[1]), l.Close())
}

func race(client, server *node.Node) error {
	var reset, failed atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 2*racers)
	began := time.Now()
	for i := range racers {
		port := 9000 + i
		listener, err := listenAt(server, port)
		if err != nil {
			return err
		}
		wg.Go(func() { errs <- errors.Join(answer(listener, handshakes/racers), unix.Close(listener)) })
		wg.Go(func() {
			for range handshakes / racers {
				switch err := ask(client, server, port); {
				case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
					reset.Add(1)
				case err != nil:
					failed.Add(1)
				}
			}
			errs <- nil
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	took := time.Since(began)
	of, err := counters.Read(server.NS)
	if err != nil {
		return err
	}
	fmt.Printf("handshakes: %d with data right behind, %.0f a second: %d resets sent by the server's kernel, %d "+
		"connections reset, %d failed otherwise\n",
		handshakes, handshakes/took.Seconds(), of["OutRsts"], reset.Load(), failed.Load())
	return nil
}

func listenAt(n *node.Node, port int) (fd int, err error) {
	err = n.NS.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: port}), unix.Listen(fd, 128))
	})
	return fd, err
}

// answer takes n connections, reads what they say and closes.
func answer(listener, n int) error {
	buf := make([]byte, 16)
	for range n {
		fd, _, err := unix.Accept(listener)
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		_, _ = unix.Read(fd, buf) // a reset is counted where it was sent
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// ask opens a connection, writes at once and waits for the other side to close.
func ask(client, server *node.Node, port int) error {
	var fd int
	err := client.NS.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd) // the connection has ended
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: server.Primary().As4()}); err != nil {
		return err
	}
	buf := []byte("GET /")
	if _, err := unix.Write(fd, buf); err != nil {
		return err
	}
	_, err = unix.Read(fd, buf)
	return err
}
