// Package reproduction is a capture as what its hosts did: who opened a connection, who
// wrote how much when and after what, what was lost, and who closed or reset it.
//
// This package is the plain data. In the rooms below it, read makes it of a capture, with
// what segment, program and path find out; emit writes it as a scenario; similar compares
// two. They judge nothing and run nothing.
//
// Invariant: but for Names, an incident has no address and no name, and no payload unless
// that was asked for.
package reproduction

import "time"

// Sides of a connection.
const (
	Client = 0 // opened it
	Server = 1
)

// Vantage is where a capture was made.
type Vantage string

// Vantages.
const (
	AtClient   Vantage = "client"
	AtServer   Vantage = "server"
	Everywhere Vantage = "everywhere" // both ends have capture points
)

// FirstPort is the client's port of the first connection of a scenario: those with the n-th
// pair of addresses and ports of the capture have the n-th from there.
const FirstPort = 40000

// Incident is what a capture tells, ready to be written as a scenario.
type Incident struct {
	Flows []*Flow
	// Others is how many TCP connections the capture has besides, and Hosts how many
	// addresses those in Flows have.
	Others, Hosts int
	Vantage       Vantage
	IPv6          bool
	// Delay is one way, from one end to the other.
	Delay time.Duration
	// MTU is that of the device of each side, as its MSS says; 0 if that was not seen.
	MTU [2]int
	// Plain says of each side what its SYN did not offer.
	Plain [2]Plain
	// Offload says that segments larger than the MSS were captured.
	Offload bool
	// Narrow is a part of the path that takes smaller packets, nil if there is none.
	Narrow *Narrow
	// Reject is a firewall that refuses, nil if there is none.
	Reject *Reject
	// Kept says that the flows have the payload of the capture.
	Kept bool
	// Asked says that kernels were asked for their reasons when it was made.
	Asked bool
	// Names are the addresses and names of the capture, which nothing that is written may
	// hold.
	Names []string
}

// Plain is what a host does without.
type Plain struct{ NoTimestamps, NoSACK, NoScaling bool }

// Narrow is a part of the path with a smaller MTU than the ends have.
type Narrow struct {
	MTU int
	// Guess says that no packet names the MTU: it lies between what passed and what
	// did not.
	Guess bool
	// Side is whose packets are too big.
	Side int
	// Said is what became of the routers' words to the sender.
	Said Said
	// Probing says that the sender finds out by itself, with segments of Base bytes.
	Probing bool
	Base    int
}

// Reject is a firewall that refuses connections to a port aloud.
type Reject struct {
	Port uint16
	With string // as host:reject has it, or "time-exceeded"
}

// Flow is one connection.
type Flow struct {
	N    int // its number in the ladder
	Port uint16
	// Opener is the client's port.
	Opener uint16
	Start  time.Duration // since the first flow began
	End    time.Duration
	// Begun says that the capture has the SYN.
	Begun bool
	// Missed says that a reset answers packets that the capture does not have.
	Missed bool
	// Opening is what came of the SYN.
	Opening Opening
	// Attempts is how often the SYN was sent.
	Attempts int
	// Tuple tells flows with the same addresses and ports from others.
	Tuple int
	Steps [2][]Step
	// NoDelay says of each side that it does not gather small writes.
	NoDelay [2]bool
	// Window is the receive buffer of a side that did not read in time, 0 if it did.
	Window [2]int
	// Overflow says that the server's accept queue was full, and that it resets then.
	Overflow bool
	// Strange says that the first packet is none that a kernel sends.
	Strange bool
	// KeepAlive of a side that asked its idle peer.
	KeepAlive [2]KeepAlive
	// Silence is the longest time in which nothing came.
	Silence time.Duration
	// TTL is that of the client's packets, if they did not live to the server; else 0.
	TTL    int
	Misses []Missing
	// GivesUp is after how long a side gave up what was not acknowledged, 0 if it did
	// not.
	GivesUp [2]time.Duration
	Losses  []Loss
	Late    []Late
	// Stays is how long TCP went on by itself after the last step.
	Stays time.Duration
	// Resets are those of the capture, in order.
	Resets []Reset
	// Resent are the segments that were sent again.
	Resent []Resent
	// Bytes is how many of each side's bytes the other received in order.
	Bytes [2]int
	// Form is what the connection means, see package golden, as this package compares
	// it.
	Form []string
	// Packets are those of the capture, for a peer that is played from them.
	Packets []Packet
}

// Opening is what came of a SYN.
type Opening string

// Openings.
const (
	Opened   Opening = "opened"
	Refused  Opening = "refused"  // by the host: nobody listens
	Rejected Opening = "rejected" // by a firewall
	Silent   Opening = "silent"   // no answer came
)

// Kind of a step.
type Kind string

// Kinds of steps.
const (
	Take     Kind = "take"     // read so many bytes
	TakeEnd  Kind = "end"      // read to the end of the stream
	Write    Kind = "write"    // write so many bytes
	Shutdown Kind = "shutdown" // close for writing
	Close    Kind = "close"
	Unread   Kind = "unread"  // close with data unread
	Linger   Kind = "linger"  // close with SO_LINGER 0
	Linger2  Kind = "linger2" // close in FIN-WAIT-2 with TCP_LINGER2 below 0
	Abort    Kind = "abort"
	Vanish   Kind = "vanish"   // as a machine that loses its power
	Forge    Kind = "forge"    // something on the way sends a reset in this side's name
	Readable Kind = "readable" // wait until something can be read, and leave it
	Await    Kind = "await"    // wait until the other side has vanished
)

// Step is one thing that a side does.
type Step struct {
	Kind  Kind
	Pause time.Duration // before it
	// Was is how long the pause was in the capture, if it is shortened.
	Was   time.Duration
	Bytes int
	Data  []byte // of a write, if payload is kept
	Flags string // of a forged packet; Bytes is its payload
	Seq   int    // of a forged packet: relative, -1 for what fits
	Note  string // what was inferred or guessed
	// Mended says that it is done only where the failure is mended.
	Mended bool
	// Cause says that without this step the failure is gone.
	Cause bool
}

// Loss is a fault that drops packets, by their count.
type Loss struct {
	Side     int
	TCP      string // what segments, as matches have it
	Seq, Ack int    // relative; -1 for any
	Nth      int    // the first of them that is lost
	Times    int    // how many are; 0 for all from there on
}

// KeepAlive is how a side asks its idle peer whether it is there.
type KeepAlive struct {
	Idle, Every time.Duration // 0 if it does not
	Count       int           // after so many without an answer it gives up; 0 if it did not
}

// Missing is a segment that the kernel of the server gave to the listener of its port,
// as if it knew no connection.
type Missing struct {
	TCP string
	Nth int
}

// Late is a fault that delays a packet beyond others.
type Late struct {
	Loss
	By time.Duration
	// Till is the last packet that overtook it: it is held until that passes. Nil if there is
	// none.
	Till *Overtaker
	// Before says that it is held only if that has not passed yet.
	Before bool
}

// Overtaker is a packet that passes the wire before one that was sent earlier.
type Overtaker struct {
	Flow *Flow
	Loss // as a match: its counts mean nothing
}

// Reset is a reset of the capture.
type Reset struct {
	Side        int
	Kind, Cause string
	Or          bool // other causes look the same
}

// Resent is a segment that was sent again.
type Resent struct {
	Side, Seq, Len int
	Timeout        bool
}

// Packet is one packet of a flow as its sender sent it.
type Packet struct {
	Side     int
	Pause    time.Duration // since the packet before, of either side
	Flags    string
	Seq, Ack int
	Len      int
	Window   int
	MSS      int
	Scale    int // -1 for none
	SACK     bool
	Stamps   bool
	Data     []byte
}

// Said is what became of what a router said to the sender of a packet that is too big.
type Said string

// What may become of it.
const (
	Heard   Said = "heard"   // the sender heeds it
	Ignored Said = "ignored" // it reaches the sender's host, which does not heed it
	Strayed Said = "strayed" // it is lost on the way
	Unsaid  Said = "unsaid"  // it is not there at all
)
