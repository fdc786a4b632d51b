package incident

import (
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
)

// All calls f for each flow of each file.
func (in *Incident) All(f func(*Flow)) {
	for _, file := range in.Files {
		for _, fl := range file.Flows {
			if len(fl.Segments) > 0 {
				f(fl)
			}
		}
	}
}

// Others are the flows of f's file, f left aside, for which is holds.
func (f *Flow) Others(is func(*Flow) bool) (found []*Flow) {
	for _, o := range f.File.Flows {
		if o != f && len(o.Segments) > 0 && is(o) {
			found = append(found, o)
		}
	}
	return found
}

// Answered reports whether the server sent anything but a refusal.
func (f *Flow) Answered() bool { return f.SYNACK != nil || len(f.Sides[Server].Segments) > 0 }

// Silent reports whether the client asked to open the connection and nothing at all
// came back.
func (f *Flow) Silent() bool {
	return f.SYN != nil && len(f.Sides[Server].Segments) == 0 && len(f.Sides[Server].Resets) == 0 &&
		len(f.Messages) == 0 && len(f.Sides[Client].Segments) == len(f.Sides[Client].SYNs)
}

// Both reports whether the capture was made at both ends at once.
func (f *Flow) Both() bool { return f.Reached[Client] && f.Reached[Server] }

// Near reports whether the capture was made on the host of a side.
func (f *Flow) Near(side int) bool {
	return f.From == [2]From{Client: AtClient, Server: AtServer}[side]
}

// Travelled reports whether all packets of a side have passed a router where they were
// captured: their time to live is none that a host begins with.
func (s *Side) Travelled() bool {
	n := 0
	for _, g := range s.Segments {
		switch g.TTL {
		case 0: // not known
		case 1, 30, 32, 60, 64, 128, 255:
			return false
		default:
			n++
		}
	}
	return n > 0
}

// SameServer reports whether both call the same port of the same address.
func (f *Flow) SameServer(o *Flow) bool { return f.Ends[Server] == o.Ends[Server] }

// Siblings is how many other connections to the same port the client confirmed.
func (f *Flow) Siblings() int {
	return len(f.Others(func(o *Flow) bool { return o.SameServer(f) && o.Confirm != nil }))
}

// SamePorts reports whether both have the same ends.
func (f *Flow) SamePorts(o *Flow) bool { return f.Ends == o.Ends }

// Predecessor is the flow on the same ends before f, nil if there is none.
func (f *Flow) Predecessor() *Flow {
	var found *Flow
	for _, o := range f.File.Flows {
		if o == f {
			break
		}
		if len(o.Segments) > 0 && (f.SamePorts(o) || f.Ends[0] == o.Ends[1] && f.Ends[1] == o.Ends[0]) {
			found = o
		}
	}
	return found
}

// HostRTT is the least round trip to an address seen in other flows of the file; 0 if
// none was seen.
func (f *Flow) HostRTT(host netip.Addr) (least time.Duration) {
	for _, o := range f.File.Flows {
		if o != f && o.SYNACK != nil && o.Ends[Server].Addr() == host && o.RTT > 0 && (least == 0 || o.RTT < least) {
			least = o.RTT
		}
	}
	return least
}

// HostTTLs are the times to live of an address's packets, resets left aside, in all
// flows of the file.
func (f *File) HostTTLs(host netip.Addr) map[uint8]int {
	found := map[uint8]int{}
	for _, o := range f.Flows {
		for side := range o.Ends {
			if o.Ends[side].Addr() == host {
				for t, n := range o.Sides[side].TTLs {
					found[t] += n
				}
			}
		}
	}
	return found
}

// Distant is how many hops off the reset's time to live is from those of its sender's
// other packets; 0 if that is not known.
func (g *Segment) Distant(ttls map[uint8]int) int {
	if g.TTL == 0 || len(ttls) == 0 {
		return 0
	}
	least := 256
	for t := range ttls {
		least = min(least, max(int(g.TTL)-int(t), int(t)-int(g.TTL)))
	}
	return least
}

// RTO is the least pause after which a segment counts as sent again by a timer.
const RTO = 180 * time.Millisecond

// Unanswered are the segments at the end of the flow that side sent after the other
// side was heard last, with sequence space.
func (f *Flow) Unanswered(side int) (tail []*Segment) {
	for i := len(f.Segments) - 1; i >= 0; i-- {
		g := f.Segments[i]
		if g.Side != side {
			break
		}
		if g.SeqLen() > 0 || g.Has(packet.RST) || len(tail) > 0 {
			tail = append(tail, g)
		}
	}
	slices.Reverse(tail)
	return tail
}

// Idle is the longest pause between two segments of the flow, and the segment after it;
// pauses before what is sent again by a timer are left aside.
func (f *Flow) Idle() (longest time.Duration, after *Segment) {
	for i := 1; i < len(f.Segments); i++ {
		g := f.Segments[i]
		if g.Again() || g.Has(packet.SYN) {
			continue
		}
		if d := g.Time - f.Segments[i-1].Time; d > longest {
			longest, after = d, g
		}
	}
	return longest, after
}

// Translated reports whether two flows of a file are one connection before and after a
// NAT: one initial sequence number, and one end or port in common.
func (f *Flow) Translated(o *Flow) bool {
	return f.SYN != nil && o.SYN != nil && f.SYN.Seq == o.SYN.Seq && f.SYN.TSVal == o.SYN.TSVal && f.Ends != o.Ends &&
		(f.Ends[0] == o.Ends[0] || f.Ends[1] == o.Ends[1] || f.Ends[0].Port() == o.Ends[0].Port()) &&
		(f.SYN.Time-o.SYN.Time).Abs() < time.Second
}

// AnsweredAs is the connection in whose name the server answers the SYNs of f: one from the
// same address and port of the client to another port of the same host, which is open and
// acknowledges nothing new right after each SYN. The answers come with it; nil if there is none.
func (f *Flow) AnsweredAs() (*Flow, []*Segment) {
	if !f.Silent() {
		return nil, nil
	}
	for _, o := range f.Others(func(o *Flow) bool {
		return o.Ends[Client] == f.Ends[Client] && o.Ends[Server].Addr() == f.Ends[Server].Addr() && o.Established() &&
			!o.Closed()
	}) {
		soon := max(2*o.RTT, 5*time.Millisecond)
		var acks []*Segment
		for _, syn := range f.Sides[Client].SYNs {
			var before *Segment // the last of o before the SYN
			for _, g := range o.Segments {
				if g.Time < syn.Time {
					before = g
					continue
				}
				if g.Side == Server && g.SeqLen() == 0 && g.Has(packet.ACK) && g.Time-syn.Time <= soon &&
					before != nil && syn.Time-before.Time > soon {
					acks = append(acks, g)
				}
				break
			}
		}
		if n := len(f.Sides[Client].SYNs); len(acks) > 1 && len(acks)*4 >= n*3 || len(acks) == n && n > 0 {
			return o, acks
		}
	}
	return nil, nil
}
