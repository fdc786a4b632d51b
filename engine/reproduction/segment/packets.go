package segment

import (
	"time"

	"netrepro/engine/reproduction"
	"netrepro/engine/tcp/sender"
)

// Play keeps the packets of the flow as they were sent, for a peer that is played
// from them.
func (f *Flow) Play() {
	var before time.Duration
	for _, s := range f.Segs {
		p := s.Packet
		k := reproduction.Packet{Side: s.Side, Pause: max(s.Sent-before, 0), Flags: p.Flags.String(), Seq: int(s.Seq),
			Ack: int(s.Ack), Len: int(p.PayloadLen), Window: int(p.Window), MSS: int(p.MSS), Scale: int(p.WScale),
			SACK: p.SACKPermitted, Stamps: p.HasTS, Data: s.Payload}
		before = s.Sent
		if s.Class&sender.Rexmit != 0 && f.Everywhere && s.Lost {
			continue
		}
		f.Packets = append(f.Packets, k)
	}
}
