//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/relay"
	"netrepro/engine/lab/relay/ring"
	"netrepro/engine/lab/stall"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology/plan"
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
	// Virtual says that time passes as work is done: no host can stall the lab then, and
	// nothing watches for it.
	Virtual bool
}

// Lab is a live topology.
type Lab struct {
	Plan   *plan.Plan
	Nodes  []*node.Node
	Relay  *relay.Relay
	Trace  *trace.Trace
	Stalls *stall.Monitor

	engine *netns.NS
	socket *ring.Ring // until the relay has it
	file   *pcap.Writer
	keys   map[*plan.Tunnel]node.Keys // of WireGuard tunnels
	taps   map[*plan.Wire][]int       // the engine's devices
	// excused are the frames that devices dropped while they were down.
	excused map[int]uint64
}

// Up brings a plan to life. It needs CAP_SYS_ADMIN and CAP_NET_ADMIN in the
// current user namespace. On error nothing is left.
func Up(p *plan.Plan, o Options) (l *Lab, err error) {
	l = &Lab{Plan: p, taps: map[*plan.Wire][]int{}, excused: map[int]uint64{}}
	if !o.Virtual {
		l.Stalls = stall.Start()
	}
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
	if err = l.engine.Do(func() error { return sysctl.Quiet("engine") }); err != nil {
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
	l.Relay, err = relay.Start(relay.Config{
		Socket: socket, Wires: specs, Trace: l.Trace, Stalls: l.Stalls, Seed: o.Seed})
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
	l.keys = map[*plan.Tunnel]node.Keys{}
	for _, t := range l.Plan.Tunnels {
		if t.Kind != "wireguard" {
			continue
		}
		keys, err := node.NewKeys()
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
		g.Go(n.Start)
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	return specs, points, l.awaitDirect()
}

func (l *Lab) makeNodes() error {
	l.Nodes = make([]*node.Node, len(l.Plan.Nodes))
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i, n := range l.Plan.Nodes {
		l.Nodes[i] = node.New(n, l.Plan, l.keys)
		g.Go(l.Nodes[i].Make)
	}
	return g.Wait()
}

// kernel is the release of the running kernel.
func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Node returns the live node of that name, nil if there is none.
func (l *Lab) Node(name string) *node.Node {
	i := slices.IndexFunc(l.Nodes, func(n *node.Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return l.Nodes[i]
}

// Lost is how many frames were lost on the wires that no fault dropped, and why:
// by the relay, or by the kernel on the way to it or from it.
func (l *Lab) Lost() (uint64, error) {
	n, why := l.Relay.Lost()
	h, err := node.Netlink(l.engine)
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
