package opening

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// refusedByAnother is a SYN that is refused in the server's name although the server answers it,
// later: who refuses is nearer.
func refusedByAnother(f *incident.Flow) *finding.Finding {
	if f.SYN == nil || f.SYNACK == nil {
		return nil
	}
	var forged []*incident.Segment
	for _, r := range f.Sides[incident.Server].Resets {
		if r.Time >= f.SYN.Time && r.Time < f.SYNACK.Time && r.Has(packet.ACK) && f.SYNACK.Ack == f.SYN.End() &&
			(r.Ack == f.SYN.End() || r.Missing.Has(packet.NoAck)) {
			forged = append(forged, r)
		}
	}
	if len(forged) == 0 || len(f.Sides[incident.Client].SYNs) > 1 {
		return nil // the SYN that came again may have met a listener
	}
	c := finding.New("rst-middlebox-injected", f).
		Say("A reset in the server's name answers the SYN after %v, and the server's own SYN-ACK comes after %v: something "+
			"on the way refused in its name.", (forged[0].Time - f.SYN.Time).Round(10*time.Microsecond),
			(f.SYNACK.Time - f.SYN.Time).Round(10*time.Microsecond))
	c.For(2, fmt.Sprintf("%d resets come before the SYN-ACK, which a host that refuses does not send", len(forged)),
		forged...).Cite(f.SYN, f.SYNACK)
	ttls := map[uint8]int{}
	if f.SYNACK.TTL > 0 {
		ttls[f.SYNACK.TTL] = 1
	}
	if d := forged[0].Distant(ttls); d > 0 {
		c.For(1.2, fmt.Sprintf("their time to live is %d, that of the SYN-ACK %d", forged[0].TTL, f.SYNACK.TTL))
	}
	return c.IsNot("rst-no-listener: the server listens, and answers").
		IsNot("rst-no-socket-stale: the connection is new")
}
