package topo

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
)

// Spec is a whole topology.
type Spec struct {
	Nodes []Node
	Wires []Wire
}

// Node is one network namespace.
type Node struct {
	Name string
	Kind Kind
	// Addr overrides derived addresses, in CIDR form, by wire name; the key
	// "" stands for the only wire of a node that has one.
	Addr map[string]string
	// Gateway is the node or address that default traffic goes to.
	Gateway string
	// Routes are added to the derived ones.
	Routes []Route
	// Sysctl values by dotted name, written after the pinned ones.
	Sysctl []Setting
	Line   int // where the script has it, 0 if nowhere
}

// Route sends traffic for a prefix to a neighbour.
type Route struct {
	To  string // CIDR, or "default"
	Via string // node name or address
}

// Setting is one sysctl.
type Setting struct{ Name, Value string }

// Wire joins two nodes.
type Wire struct {
	Name  string // derived from the nodes if empty
	Nodes [2]string
	MTU   [2]int        // bytes, at each node's device; 0 means 1500
	Delay time.Duration // one way
	// Direct makes a plain veth pair: full kernel speed, no faults, no
	// capture.
	Direct bool
	Line   int
}

// Limits of a link. 68 is the least MTU IPv4 allows (RFC 791); 65535 the most
// a veth device takes.
const (
	DefaultMTU = 1500
	MinMTU     = 68
	MaxMTU     = 65535
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

func bad(line int, word, hint, format string, args ...any) *Error {
	return &Error{Line: line, Word: word, Hint: hint, Msg: fmt.Sprintf(format, args...)}
}
