// Package incident is what can be measured in the captures of one incident: who talks to
// whom, from where it was captured, what was acknowledged when.
//
// It judges nothing; the rooms beside it do.
package incident

import (
	"time"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/diagnose/carried/dns"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/wireshark"
)

// Incident is what all captures of it show.
type Incident struct {
	Files []*File
}

// File is one capture.
type File struct {
	Name    string
	Index   int // among the files of the incident
	Packets int // how many it has
	Text    bool
	Flows   []*Flow
	// Messages are ICMP messages, Datagrams those of UDP that are kept.
	Messages  []*Message
	Datagrams []*Datagram
	Points    []tcp.Point
	// Names are the names of hosts that a text has in place of addresses, and the addresses
	// that stand for them.
	Names []pcap.Name
	// Lost is how many packets the capturing program lost, Unread how many lines or
	// frames could not be read, Beyond how many came after the bound, Backward how many have a time
	// before that of one before them.
	Lost, Unread, Beyond, Backward int
	// Skipped is what was not read, a sentence each: lines of text, frames of an unknown link.
	Skipped []string
	// Cut says why the file ends early; empty if it does not.
	Cut string
	// Start is when the first packet was captured, zero if the capture does not tell the
	// date; End is the time of the last.
	Start time.Time
	End   time.Duration
	// Timeless says that nothing is known of when packets came but which came first.
	Timeless bool
	// DNS are the questions that were asked.
	DNS *dns.Log
	// Owned says that the capture tells itself whose wires it was made on.
	Owned bool
}

// Segment is one TCP segment. What was seen of it at other points of the same file is
// in Copies.
type Segment struct {
	packet.Packet
	File      *File
	N, Line   int
	Time      time.Duration
	Side      int // which end of its flow sent it
	Point     int
	Direction tcp.Direction
	Class     sender.Class
	Wire      wireshark.Flags
	Resent    int // how often its sequence space was sent before
	Backoff   int
	Gap       time.Duration // since it was sent last
	RTT       time.Duration
	AckDelay  time.Duration
	InFlight  uint32
	Reset     *reset.Verdict
	App       []payload.Event
	// Acked is the segment that acknowledges all of it, Sacked the one that says that
	// it arrived out of order; nil if there is none.
	Acked, Sacked *Segment
	// Dsack says that one of its SACK blocks reports what had arrived before
	// (RFC 2883).
	Dsack bool
	// Dropped is what dropped it, where the capture says so; Original what became of the
	// first try of what is sent again here: "lost", "arrived", empty if not known.
	Dropped, Original string
	Copies            []Sighting
}

// Sighting is a packet at another point of the same capture.
type Sighting struct {
	N, Line, Point int
	Direction      tcp.Direction
	Packet         packet.Packet
}

// Message is an ICMP message.
type Message struct {
	packet.Packet
	File    *File
	N, Line int
	Time    time.Duration
	About   *Flow // nil if it is about none that the file has
	Side    int   // which end of About sent what it is about
}

// Datagram is one of UDP whose beginning is kept.
type Datagram struct {
	packet.Packet
	File    *File
	N, Line int
	Time    time.Duration
	Data    []byte // of the payload, its beginning
}
