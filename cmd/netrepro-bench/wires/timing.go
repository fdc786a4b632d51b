//go:build linux

package wires

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/trace"
)

// datagrams is a pair of nodes between which numbered datagrams go.
type datagrams struct {
	lab     *lab.Lab
	out, in int // sockets
}

const probePort = 9001

func newDatagrams(w topology.Wire) (d *datagrams, err error) {
	w.Nodes = [2]string{"a", "b"}
	s := topology.Spec{Nodes: []topology.Node{{Name: "a", Kind: topology.Host}, {Name: "b", Kind: topology.Host}},
		Wires: []topology.Wire{w}}
	p, err := plan.Of(&s)
	if err != nil {
		return nil, err
	}
	l, err := lab.Up(p, lab.Options{})
	if err != nil {
		return nil, err
	}
	d = &datagrams{lab: l, out: -1, in: -1}
	open := func(n *node.Node, fd *int) error {
		return n.NS.Do(func() (err error) {
			*fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			return err
		})
	}
	err = errors.Join(open(l.Nodes[0], &d.out), open(l.Nodes[1], &d.in))
	if err == nil {
		err = errors.Join(unix.SetsockoptInt(d.in, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			unix.SetsockoptInt(d.in, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
			unix.SetsockoptTimeval(d.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}),
			unix.Bind(d.in, &unix.SockaddrInet4{Port: probePort}),
			unix.Connect(d.out, &unix.SockaddrInet4{Port: probePort, Addr: l.Nodes[1].Primary().As4()}))
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *datagrams) close() error {
	for _, fd := range []int{d.out, d.in} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	return d.lab.Close()
}

func (d *datagrams) send(n uint32, size int) error {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, n)
	_, err := unix.Write(d.out, b)
	return err
}

// receive returns the number of the next datagram and when the node's kernel had
// it.
func (d *datagrams) receive() (n uint32, at time.Time, err error) {
	buf, oob := make([]byte, 2048), make([]byte, 128)
	k, oobn, _, _, err := unix.Recvmsg(d.in, buf, oob, 0)
	for errors.Is(err, unix.EINTR) {
		k, oobn, _, _, err = unix.Recvmsg(d.in, buf, oob, 0)
	}
	if err != nil || k < 4 {
		return 0, at, errors.Join(err, fmt.Errorf("datagram of %d bytes", k))
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return 0, at, err
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS {
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			at = time.Unix(ts.Unix())
		}
	}
	return binary.BigEndian.Uint32(buf), at, nil
}

// Delays measures how much later than asked for frames arrive: from the kernel's
// time stamp where the engine gets one to that where the node has it.
func Delays() error {
	const each, spacing = 2000, time.Millisecond
	for _, delay := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		for _, flows := range []int{1, 8} {
			late, err := delayed(delay, flows, each, spacing)
			if err != nil {
				return err
			}
			slices.Sort(late)
			at := func(q float64) float64 { return late[int(q*float64(len(late)-1))].Seconds() * 1e6 }
			fmt.Printf("delay of %s, %d flows: later than asked by %.0f µs (median), %.0f µs (99 %%), %.0f µs "+
				"(most), of %d\n",
				delay, flows, at(0.5), at(0.99), at(1), len(late))
		}
	}
	fmt.Println("  limits: waking the relay by a timer, and handing the frame to the node; the host's own " +
		"stalls show in the most")
	return nil
}

func delayed(delay time.Duration, flows, each int, spacing time.Duration) (late []time.Duration, err error) {
	d, err := newDatagrams(topology.Wire{Delay: delay})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	total := flows * each
	arrived := map[uint32]time.Time{}
	done := make(chan error, 1)
	go func() {
		for len(arrived) < total {
			n, at, err := d.receive()
			if err != nil {
				done <- err
				return
			}
			arrived[n] = at
		}
		done <- nil
	}()
	// Each flow sends a frame every spacing, the flows one after the other.
	next := time.Now()
	for i := range total {
		if err := d.send(uint32(i), 200); err != nil {
			return nil, err
		}
		next = next.Add(spacing / time.Duration(flows))
		time.Sleep(time.Until(next))
	}
	if err := <-done; err != nil {
		return nil, err
	}
	for _, p := range d.lab.Trace.Packets() {
		if p.Dir == trace.Out && p.DstPort == probePort {
			n := binary.BigEndian.Uint32(p.Payload)
			late = append(late, arrived[n].Sub(d.lab.Trace.Start.Add(p.Time))-delay)
		}
	}
	return late, nil
}

// Rates measures the rate of a wire that is kept busy, over whole frames.
func Rates() error {
	const size, seconds = 1400, 2
	for _, rate := range []int64{1e6, 10e6, 100e6} {
		frame := size + 14 + 20 + 8
		count := int(rate*seconds/8)/frame + 2
		d, err := newDatagrams(topology.Wire{Rate: rate})
		if err != nil {
			return err
		}
		// A quarter more than the wire takes, so that it is never idle.
		sent := make(chan error, 1)
		go func() {
			const tick = time.Millisecond
			next, owed := time.Now(), 0.0
			for i := 0; i < count; next = next.Add(tick) {
				for owed += 1.25 * float64(rate) * tick.Seconds() / 8 / float64(frame); owed >= 1 && i < count; owed-- {
					if err := d.send(uint32(i), size); err != nil {
						sent <- err
						return
					}
					i++
				}
				time.Sleep(time.Until(next.Add(tick)))
			}
			sent <- nil
		}()
		var first, last time.Time
		for i := range count {
			_, at, err := d.receive()
			if err != nil {
				return errors.Join(err, d.close())
			}
			if last = at; i == 0 {
				first = at
			}
		}
		if err := <-sent; err != nil {
			return errors.Join(err, d.close())
		}
		got := float64(count-1) * float64(frame) * 8 / last.Sub(first).Seconds()
		fmt.Printf("rate of %g Mbit/s: %.4f Mbit/s, %+.2f %%\n", float64(rate)/1e6, got/1e6, (got/float64(rate)-1)*100)
		if err := d.close(); err != nil {
			return err
		}
	}
	return nil
}
