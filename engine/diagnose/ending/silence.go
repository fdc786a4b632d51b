package ending

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/tcp/sender"
)

// fallen is a peer that does not answer keep-alives any more.
func fallen(f *incident.Flow) *finding.Finding {
	if f.Reset() != nil {
		return nil // the rule of resets looks at it
	}
	for side := range f.Sides {
		if c := dead(f, side, nil); c != nil {
			return c
		}
	}
	return nil
}

// isProbe reports whether a segment only asks whether the peer is there: a keep-alive,
// or an acknowledgement of nothing new after a pause, where the text has no sequence
// number. Owed says that the peer sent something since its sender's last segment, before.
func isProbe(g, before *incident.Segment, owed bool) bool {
	if g.Class&sender.KeepAlive != 0 {
		return true
	}
	const pause = 900 * time.Millisecond // the shortest interval that programs set is a second
	if before != nil && !owed && g.File.Text && g.Class&sender.PureAck != 0 && g.Ack == before.Ack &&
		g.Time-before.Time > pause {
		return true
	}
	return before != nil && g.Class&sender.PureAck != 0 && before.Class&(sender.PureAck|sender.KeepAlive) != 0 &&
		g.Ack == before.Ack && g.Window == before.Window && g.Time-before.Time > time.Second
}

// dead looks for keep-alives of a side at the end of the flow, or before a reset of its
// own, that nobody answers.
func dead(f *incident.Flow, side int, rst *incident.Segment) *finding.Finding {
	if !f.Established() {
		return nil
	}
	var probes []*incident.Segment
	var before *incident.Segment
	answered, owed := 0, false
	for _, g := range f.Segments {
		if g == rst {
			break
		}
		switch {
		case g.Side != side:
			if len(probes) > 0 {
				answered++
			}
			probes, owed = probes[:0], owed || g.SeqLen() > 0
		case isProbe(g, before, owed):
			probes = append(probes, g)
		case g.SeqLen() > 0 && len(probes) > 0:
			probes = probes[:0]
		}
		if g.Side == side {
			before, owed = g, false
		}
	}
	if len(probes) < 2 {
		return nil
	}
	if len(probes) < 3 && rst == nil {
		return nil
	}
	c := finding.New("keepalive-dead-peer", f).
		Say("The last %d keep-alives of the %s are not answered: the %s, or the way to it, is gone.", len(probes),
			incident.Name(side),
			incident.Name(1-side))
	c.For(1.8, fmt.Sprintf("%d keep-alives in a row without an answer", len(probes)), probes...)
	if answered > 0 {
		c.For(0.6, fmt.Sprintf("%d before were answered", answered))
	}
	if rst != nil {
		c.For(1.2, fmt.Sprintf("the %s's kernel then gives the connection up with a reset", incident.Name(side)), rst)
	}
	return c.IsNot("rst-linger-or-unread: the kernel gives up, not the program").
		IsNot("rst-middlebox-injected: the reset is the %s's own", incident.Name(side))
}
