package topology

import (
	"fmt"
	"time"
)

// Kind is what a node does with packets that are not its own.
type Kind string

// Kinds of node.
const (
	Host   Kind = "host"   // endpoints live here; does not forward
	Router Kind = "router" // forwards, filters, rewrites
	Switch Kind = "switch" // bridges its wires: one segment, or one for each VLAN
)

// Family says which IP versions a topology has.
type Family string

// Families.
const (
	IPv4 Family = "4"
	IPv6 Family = "6"
	Dual Family = "dual"
)

// Has4 reports whether there is IPv4.
func (f Family) Has4() bool { return f != IPv6 }

// Has6 reports whether there is IPv6.
func (f Family) Has6() bool { return f == IPv6 || f == Dual }

// Spec is a whole topology.
type Spec struct {
	IP      Family // empty is IPv4
	Nodes   []Node
	Wires   []Wire
	Tunnels []Tunnel
}

// Node is one network namespace.
type Node struct {
	Name string
	Kind Kind
	// Addr overrides derived addresses, in CIDR form, by wire name; the key
	// "" stands for the only wire of a node that has one. The first of an IP
	// version decides the subnet, the others are further addresses.
	Addr map[string][]string
	// Gateway is the node or address that default traffic goes to.
	Gateway string
	// Routes are added to the derived ones.
	Routes []Route
	// Sysctl values by dotted name, written after the pinned ones.
	Sysctl []Setting
	Line   int // where the script has it, 0 if nowhere
}

// Route says where traffic for a prefix goes.
type Route struct {
	To string // CIDR, or "default"
	// Via are neighbours, by node name or address: several share the traffic,
	// each as often as its weight says, which is 1 if Weights is empty.
	Via     []string
	Weights []int
	Wire    string // by which wire the neighbour is meant; empty is the first
	Kind    string // "blackhole", "unreachable" or "prohibit" instead of Via; empty else
	MTU     int    // MTU of what is sent along the route, 0 is the device's
	Lock    bool   // path MTU discovery does not change MTU, and it is not done
	Src     string // preferred source address, empty is the kernel's choice
	Table   int    // 0 is the main table
	Metrics Metrics
}

// Metrics are what TCP is told by a route (ip-route(8)); zero values leave it to the kernel.
type Metrics struct {
	RTOMin     time.Duration // the least retransmission timeout, in whole milliseconds
	AdvMSS     int           // the MSS that is announced
	InitCwnd   int           // the first congestion window, in segments
	InitRwnd   int           // the first receive window, in segments
	QuickAck   bool          // no acknowledgement is delayed
	Congestion string        // congestion control
}

// Policy says which routing table is asked (ip-rule(8)).
type Policy struct {
	From, To string // CIDR, empty is any
	Mark     int    // of the packet, 0 is any
	Wire     string // by which it came, empty is any
	Table    int
	Priority int // rules are asked in this order; 0 is the kernel's choice
	// LongerThan has the table's routes count only whose prefixes are at least
	// so long; 0 lets all count.
	LongerThan int
	Only       Family // of which IP version; empty is those that From and To allow
}

// Tunnel is a link between two nodes through the network between them.
type Tunnel struct {
	Name    string // derived from the nodes if empty
	Kind    string // "ipip", "gre", "vxlan" or "wireguard"
	Between [2]string
	MTU     int // 0 is what fits a path of 1500
	ID      int // VXLAN network identifier or GRE key, 0 is the tunnel's number for VXLAN and none for GRE
	Line    int
}

// Setting is one sysctl.
type Setting struct{ Name, Value string }

// Wire joins two nodes.
type Wire struct {
	Name  string // derived from the nodes if empty
	Nodes [2]string
	MTU   [2]int        // bytes, at each node's device; 0 means 1500
	Delay time.Duration // one way
	// Jitter is at most how much more or less Delay is for each frame; Rate is
	// in bits a second, 0 for no limit; QueueBytes and QueuePackets bound what
	// waits for it, 0 for no bound.
	Jitter                   time.Duration
	Rate                     int64
	QueueBytes, QueuePackets int
	Loss                     float64 // the share of frames that are lost by chance
	// Direct makes a plain veth pair: full kernel speed, no faults, no
	// capture.
	Direct bool
	// VLAN is that of the wire's frames at a switch, which see no tag; 0 is the
	// segment of wires without one. Trunk are those that cross it with a tag.
	VLAN  int
	Trunk []int
	Line  int
}

// Limits of a link. 68 is the least MTU IPv4 allows (RFC 791); 65535 the most
// a veth device takes.
const (
	DefaultMTU = 1500
	MinMTU     = 68
	MaxMTU     = 65535
	MinMTU6    = 1280
)

// Error is a fault in a specification.
type Error struct {
	Line int    // of the part at fault, 0 if unknown
	Word string // the word at fault, as the script has it
	Msg  string
	Hint string
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return fmt.Sprintf("%s (%s)", e.Msg, e.Hint)
}

// Bad makes an error in a specification.
func Bad(line int, word, hint, format string, args ...any) *Error {
	return &Error{Line: line, Word: word, Hint: hint, Msg: fmt.Sprintf(format, args...)}
}

// Chain is a line of n nodes, n0 and on, routers but for the ends.
func Chain(n int) *Spec {
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
