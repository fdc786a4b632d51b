//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/relay"
	"netrepro/engine/lab/relay/ring"
	"netrepro/engine/lab/stall"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/wire"
	"netrepro/engine/trace"
)

// Options of a lab.
type Options struct {
	// Capture is the pcapng file to write; empty keeps the trace in memory.
	Capture string
	// Comment goes into the head of the capture.
	Comment string
	// Engine is a namespace of the caller's for the engine's side of the
	// wires; nil makes one.
	Engine *netns.NS
	Seed   uint64 // of what is drawn by chance
}

// Lab is a live topology.
type Lab struct {
	Plan   *topology.Plan
	Nodes  []*Node
	Relay  *relay.Relay
	Trace  *trace.Trace
	Stalls *stall.Monitor

	engine *netns.NS
	socket *ring.Ring // until the relay has it
	file   *pcap.Writer
	keys   map[*topology.TunnelPlan]keyPair // of WireGuard tunnels
	taps   map[*topology.WirePlan][]int     // the engine's devices
	// excused are the frames that devices dropped while they were down.
	excused map[int]uint64
}

// Node is a node with its namespace.
type Node struct {
	*topology.NodePlan
	NS *netns.NS

	lab   *Lab
	index map[string]int // of its devices
}

// Up brings a plan to life. It needs CAP_SYS_ADMIN and CAP_NET_ADMIN in the
// current user namespace. On error nothing is left.
func Up(p *topology.Plan, o Options) (l *Lab, err error) {
	l = &Lab{Plan: p, Stalls: stall.Start(), taps: map[*topology.WirePlan][]int{}, excused: map[int]uint64{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
			l = nil
		}
	}()
	if l.engine = o.Engine; l.engine == nil {
		if l.engine, err = netns.New("engine"); err != nil {
			return l, err
		}
	}
	// What is its own must not talk on the wires either.
	if err = l.engine.Do(func() error { return pin("engine", quiet) }); err != nil {
		return l, err
	}
	// The socket takes the kernel as long as all the rest.
	var early errgroup.Group
	early.Go(l.openSocket)
	specs, points, err := l.build()
	if err := errors.Join(err, early.Wait()); err != nil {
		return l, err
	}
	start := time.Now()
	if o.Capture != "" {
		if l.file, err = pcap.Create(o.Capture, l.head(o.Comment, points)); err != nil {
			return l, err
		}
	}
	l.Trace = trace.New(start, points, l.file)
	l.Trace.Stalled = func(since time.Duration) time.Duration {
		total, _ := l.Stalls.During(start.Add(since))
		return total
	}
	socket := l.socket
	l.socket = nil
	l.Relay, err = relay.Start(relay.Config{Socket: socket, Wires: specs, Trace: l.Trace, Stalls: l.Stalls, Seed: o.Seed})
	return l, err
}

func (l *Lab) openSocket() error {
	mtu := 0
	for _, w := range l.Plan.Wires {
		mtu = max(mtu, w.Ends[0].MTU, w.Ends[1].MTU)
	}
	return l.engine.Do(func() (err error) {
		l.socket, err = ring.Open(len(l.Plan.Wires), mtu)
		return err
	})
}

// build makes the nodes and the links between them.
func (l *Lab) build() ([]wire.Spec, []*trace.Point, error) {
	l.keys = map[*topology.TunnelPlan]keyPair{}
	for _, t := range l.Plan.Tunnels {
		if t.Kind != "wireguard" {
			continue
		}
		keys, err := newKeys()
		if err != nil {
			return nil, nil, err
		}
		l.keys[t] = keys
	}
	if err := l.makeNodes(); err != nil {
		return nil, nil, err
	}
	specs, points, err := l.connect()
	if err != nil {
		return nil, nil, err
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, n := range l.Nodes {
		g.Go(n.start)
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	return specs, points, l.awaitDirect()
}

func (l *Lab) makeNodes() error {
	l.Nodes = make([]*Node, len(l.Plan.Nodes))
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i, n := range l.Plan.Nodes {
		l.Nodes[i] = &Node{NodePlan: n, lab: l}
		g.Go(func() error {
			ns, err := netns.New(n.Name)
			if err != nil {
				return err
			}
			l.Nodes[i].NS = ns
			return ns.Do(func() error { return settle(n) })
		})
	}
	return g.Wait()
}

// connect makes the links of every wire and returns those the relay serves.
func (l *Lab) connect() (specs []wire.Spec, points []*trace.Point, err error) {
	var g errgroup.Group
	made := make([][2]wire.End, len(l.Plan.Wires))
	hands := runtime.NumCPU()
	for hand := range hands {
		g.Go(func() error {
			h, err := handle(l.engine)
			if err != nil {
				return err
			}
			defer h.Close()
			for i := hand; i < len(made); i += hands {
				if made[i], err = l.link(h, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for i, w := range l.Plan.Wires {
		if w.Direct {
			continue
		}
		for side := range w.Ends {
			made[i][side].Point.Index = len(points)
			points = append(points, made[i][side].Point)
		}
		for _, e := range made[i] {
			l.taps[w] = append(l.taps[w], e.Devices()...)
		}
		specs = append(specs, wire.Spec{Name: w.Name, Ends: made[i],
			Props: wire.Props{Delay: w.Delay, Jitter: w.Jitter, Rate: w.Rate, QueueBytes: w.QueueBytes, QueuePackets: w.QueuePackets}})
	}
	return specs, points, nil
}

// link makes the links of wire number i.
func (l *Lab) link(h *netlink.Handle, i int) (ends [2]wire.End, err error) {
	w := l.Plan.Wires[i]
	if w.Direct {
		return ends, direct(w, [2]*netns.NS{l.Node(w.Nodes[0]).NS, l.Node(w.Nodes[1]).NS})
	}
	for side, f := range w.Ends {
		e := &ends[side]
		for _, d := range w.Ports(side) {
			index, err := tap(h, fmt.Sprintf("w%d%c%d", i, 'a'+side, d.VLAN), d, l.Node(f.Node.Name).NS)
			if err != nil {
				return ends, err
			}
			if d.VLAN == 0 {
				e.Ifindex = index
				continue
			}
			if e.Taps == nil {
				e.Taps = map[uint16]int{}
			}
			e.Taps[uint16(d.VLAN)] = index
		}
		var addrs []netip.Addr
		for _, d := range w.Ports(side) {
			for _, a := range d.Addrs {
				addrs = append(addrs, a.Addr())
			}
		}
		ends[side].Point = &trace.Point{Node: f.Node.Name, Wire: w.Name, Far: f.Peer().Node.Name, Hub: f.Node.Kind == topology.Switch, Dev: f.Dev, MTU: f.MTU, MAC: f.MAC, Addrs: addrs}
	}
	return ends, nil
}

func (n *Node) start() error {
	if err := n.configure(); err != nil {
		return err
	}
	for _, s := range n.Sysctl {
		if err := SetSysctl(n.NS, s); err != nil {
			return topology.Bad(n.Line, s.Name, "the name and value must be ones this kernel has for a network namespace", "node %s: %v", n.Name, err)
		}
	}
	return nil
}

// describe says what a capture point is.
func describe(p *trace.Point) string {
	s := fmt.Sprintf("%s of %s on wire %s", p.Dev, p.Node, p.Wire)
	for _, a := range p.Addrs {
		s += ", " + a.String()
	}
	return fmt.Sprintf("%s, MTU %d", s, p.MTU)
}

// head is the beginning of the capture file.
func (l *Lab) head(comment string, points []*trace.Point) []byte {
	var e pcap.Encoder
	b := e.Section(nil, comment, "Linux "+Kernel(), "netrepro")
	for _, p := range points {
		b = e.Interface(b, pcap.Interface{Name: p.Name(), MAC: p.MAC, Link: pcap.Ethernet,
			Description: describe(p)})
	}
	var names []pcap.Name
	for _, n := range l.Nodes {
		for _, a := range n.Addrs() {
			names = append(names, pcap.Name{Addr: a, Host: n.Name})
		}
	}
	return e.Names(b, names)
}

// Kernel is the release of the running kernel.
func Kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Node returns the live node of that name, nil if there is none.
func (l *Lab) Node(name string) *Node {
	i := slices.IndexFunc(l.Nodes, func(n *Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return l.Nodes[i]
}

// Lost is how many frames were lost on the wires that no fault dropped, and why:
// by the relay, or by the kernel on the way to it or from it.
func (l *Lab) Lost() (uint64, error) {
	n, why := l.Relay.Lost()
	h, err := handle(l.engine)
	if err != nil {
		return n + 1, err
	}
	defer h.Close()
	links, err := h.LinkList()
	if err != nil {
		return n + 1, fmt.Errorf("read device counters: %w", err)
	}
	for _, k := range links {
		a := k.Attrs()
		if a.Statistics == nil || a.Flags&net.FlagUp == 0 { // what a script took down drops what it is sent
			continue
		}
		if lost := a.Statistics.RxDropped + a.Statistics.TxDropped - l.excused[a.Index]; lost > 0 {
			n += lost
			why = fmt.Errorf("the kernel dropped %d frames on %s: its queue for this processor was full", lost, a.Name)
		}
	}
	return n, why
}

// Secrets adds TLS key log lines to the capture file, before any packet that
// is recorded afterwards.
func (l *Lab) Secrets(lines []byte) { l.Relay.Locked(func() { l.Trace.Secrets(lines) }) }

// Finish stops the wires and completes the capture. What the nodes do
// afterwards is not recorded. Finishing twice is harmless.
func (l *Lab) Finish() error {
	err := l.Relay.Stop()
	l.Relay.Locked(func() { err = errors.Join(err, l.file.Close()) })
	return err
}

// Close finishes the lab and lets go of every namespace. Closing twice is
// harmless.
func (l *Lab) Close() error {
	var errs []error
	if l.Relay != nil {
		errs = append(errs, l.Finish(), l.Relay.Close())
	} else {
		errs = append(errs, l.file.Close())
		l.socket.Close()
	}
	for _, n := range l.Nodes {
		if n != nil && n.NS != nil {
			errs = append(errs, n.NS.Close())
		}
	}
	if l.engine != nil {
		errs = append(errs, l.engine.Close())
	}
	l.Stalls.Close()
	return errors.Join(errs...)
}
