package ending

import (
	"fmt"
	"net/netip"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
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

// forgotten is a connection of which nothing is answered any more after a pause.
func forgotten(f *incident.Flow) *finding.Finding {
	if !f.Established() {
		return nil
	}
	idle, after := f.Idle()
	if after == nil || idle < idleLeast || !after.IsData() && !after.Has(packet.FIN) {
		return nil
	}
	tail := []*incident.Segment{after}
	for _, g := range f.After(after, func(*incident.Segment) bool { return true }) {
		if g.Side != after.Side {
			return nil // it is answered
		}
		tail = append(tail, g)
	}
	tries := 0
	for _, g := range tail {
		if g.SeqLen() > 0 {
			tries++
		}
	}
	if tries < 3 {
		return nil
	}
	if fin := f.Sides[1-after.Side].FIN; fin != nil && fin.Time < after.Time {
		c := finding.New("half-close-timeout", f).
			Say("The %s closed its direction in frame %d; after a pause of %v what the %s still sends is not "+
				"answered any "+
				"more: what keeps state had given the half-closed connection up.", incident.Name(1-after.Side), fin.N,
				idle.Round(time.Second), incident.Name(after.Side))
		c.For(2.2, fmt.Sprintf("half closed, %v of silence, then %d tries without an answer",
			idle.Round(time.Second), tries),
			fin).Cite(tail...)
		return c.IsNot("pmtu-blackhole: it is the pause, not the size").
			IsNot("loss-one-way: it works until the pause")
	}
	c := finding.New("idle-timeout-middlebox", f).
		Say("After %v of silence nothing that the %s sends is answered any more, %d tries long: something on the "+
			"way forgot "+
			"the connection while it was idle.", idle.Round(time.Second), incident.Name(after.Side), tries)
	c.For(1.6, fmt.Sprintf("%v of silence, then %d tries without an answer", idle.Round(time.Second), tries), tail...)
	fresh := f.Others(func(o *incident.Flow) bool {
		return o.SameServer(f) && o.SYNACK != nil && o.SYN != nil && o.SYN.Time > after.Time
	})
	if len(fresh) > 0 {
		c.For(1.2, "a new connection to the same port opens at once", fresh[0].SYN, fresh[0].SYNACK)
	}
	return c.IsNot("loss-one-way: it works until the pause, and new connections do").
		IsNot("rst-no-socket-stale: nobody resets")
}

// remapped is a connection that a NAT translates to another address or port than before:
// it had forgotten the connection and made a new entry.
func remapped(f *incident.Flow) *finding.Finding {
	type end struct {
		addr netip.Addr
		port uint16
	}
	for side := range f.Sides {
		at := map[int]end{}
		for _, g := range f.Sides[side].Segments {
			for _, c := range g.Copies {
				now := end{c.Packet.Src, c.Packet.SrcPort}
				was, ok := at[c.Point]
				if at[c.Point] = now; !ok || was == now || g.Has(packet.SYN) {
					continue
				}
				if now.addr == f.Ends[side].Addr() || was.addr == f.Ends[side].Addr() {
					continue // it is not translated at all: another cause
				}
				d := finding.New("idle-timeout-middlebox", f).
					Say("From frame %d on the NAT gives the %s's packets another port (%d, it was %d): it had "+
						"forgotten the "+
						"connection.", g.N, incident.Name(side), now.port, was.port)
				d.For(2.5, "one connection is translated in two ways", g)
				if rst := f.Reset(); rst != nil {
					d.Cite(rst)
				}
				return d.IsNot("rst-no-socket-stale: the connection is known, under another port")
			}
		}
	}
	return nil
}
