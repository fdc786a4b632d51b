package incident

import (
	"time"

	"netrepro/engine/tcp/sender"
)

// packets keeps the packets of the flow as they were sent, for a peer that is played
// from them.
func (f *flow) packets() {
	var before time.Duration
	for _, s := range f.segs {
		p := s.Packet
		k := Packet{Side: s.Side, Pause: max(s.sent-before, 0), Flags: p.Flags.String(), Seq: int(s.Seq),
			Ack: int(s.Ack), Len: int(p.PayloadLen), Window: int(p.Window), MSS: int(p.MSS), Scale: int(p.WScale),
			SACK: p.SACKPermitted, Stamps: p.HasTS, Data: s.Payload}
		before = s.sent
		if s.Class&sender.Rexmit != 0 && f.everywhere && s.lost {
			continue
		}
		f.Packets = append(f.Packets, k)
	}
}
