package diagnose

import (
	"cmp"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// least is the confidence below which a finding is not worth a reader's time.
const least = 0.5

// explains names, for each cause, those that are only its consequences, or that look
// like it: they are not said of the same connection.
var explains = map[string][]string{
	"pmtu-blackhole": {"loss-one-way", "loss-bursty", "mss-not-clamped", "slow-application", "reordering",
		"rst-linger-or-unread", "jumbo-is-tso", "rst-no-socket-stale", "zero-window", "idle-timeout-middlebox"},
	"mss-not-clamped": {"loss-one-way", "loss-bursty", "pmtu-blackhole", "slow-application", "reordering",
		"rst-linger-or-unread", "jumbo-is-tso", "zero-window"},
	"zero-window": {"loss-one-way", "loss-bursty", "slow-application", "pmtu-blackhole",
		"idle-timeout-middlebox", "bufferbloat", "delayed-ack-nagle", "keepalive-dead-peer", "reordering"},
	"wscale-stripped": {"slow-application", "zero-window", "loss-one-way", "loss-bursty", "reordering",
		"delayed-ack-nagle", "pmtu-blackhole"},
	"checksum-bad": {"wscale-stripped", "syn-unanswered-filtered", "syn-unanswered-backlog", "loss-one-way", "loss-bursty",
		"reordering", "pmtu-blackhole", "slow-application"},
	"reordering":        {"loss-one-way", "loss-bursty", "bufferbloat"},
	"loss-bursty":       {"loss-one-way", "slow-application", "bufferbloat"},
	"loss-one-way":      {"slow-application"},
	"bufferbloat":       {"slow-application", "loss-one-way", "delayed-ack-nagle"},
	"delayed-ack-nagle": {"slow-application", "bufferbloat"},
	"idle-timeout-middlebox": {"loss-one-way", "loss-bursty", "slow-application", "rst-no-socket-stale",
		"keepalive-dead-peer",
		"pmtu-blackhole", "firewall-reject"},
	"keepalive-dead-peer": {"idle-timeout-middlebox", "rst-linger-or-unread", "slow-application", "loss-one-way"},
	"tls-alert-cert":      {"rst-linger-or-unread", "slow-application", "rst-after-close-notify", "keepalive-race"},
	"tls-version":         {"rst-linger-or-unread", "slow-application", "rst-after-close-notify", "keepalive-race"},
	"rst-middlebox-injected": {"rst-linger-or-unread", "rst-no-socket-stale", "loss-one-way", "slow-application",
		"firewall-reject", "snat-missing"},
	"keepalive-race": {"rst-after-close-notify", "slow-application", "idle-timeout-middlebox"},
	"half-close-timeout": {"pmtu-blackhole", "loss-bursty", "rst-linger-or-unread", "rst-after-close-notify",
		"slow-application",
		"idle-timeout-middlebox", "loss-one-way"},
	"rst-after-close-notify": {"slow-application"},
	"rst-no-socket-stale":    {"loss-one-way", "loss-bursty", "slow-application"},
	"rst-linger-or-unread":   {"slow-application"},
	"syn-unanswered-backlog": {"rst-linger-or-unread", "pmtu-blackhole", "loss-one-way", "asymmetric-path",
		"slow-application",
		"syn-unanswered-filtered"},
	"syn-unanswered-tw-recycle": {"syn-unanswered-backlog", "syn-unanswered-filtered", "loss-one-way",
		"port-reuse-time-wait"},
	"dns-truncated-tcp-blocked": {"asymmetric-path", "syn-unanswered-filtered", "syn-unanswered-backlog",
		"firewall-reject",
		"rst-no-listener"},
	"ipv6-broken-v4-works": {"syn-unanswered-filtered", "syn-unanswered-backlog", "firewall-reject", "rst-no-listener",
		"pmtu-blackhole", "loss-one-way", "slow-application", "mss-not-clamped"},
	"port-reuse-time-wait": {"syn-unanswered-filtered", "syn-unanswered-backlog", "loss-one-way",
		"rst-no-socket-stale"},
	"nat-port-clash": {"port-reuse-time-wait", "syn-unanswered-filtered", "rst-no-socket-stale",
		"loss-one-way"},
	"snat-missing": {"syn-unanswered-backlog", "rst-linger-or-unread", "rst-no-socket-stale",
		"syn-unanswered-filtered", "asymmetric-path",
		"rst-no-listener", "conntrack-invalid-escapes-dnat"},
	"conntrack-invalid-escapes-dnat": {"bufferbloat", "rst-no-socket-stale", "rst-middlebox-injected", "asymmetric-path",
		"loss-one-way", "loss-bursty", "reordering"},
	"asymmetric-path": {"syn-unanswered-filtered", "loss-one-way", "slow-application"},
	"firewall-reject": {"syn-unanswered-filtered", "rst-no-listener", "loss-one-way", "loss-bursty"},
}

// rank joins what is said of several connections, leaves out what another finding
// explains, and sorts.
func rank(in *incident.Incident, all []*finding.Finding) []*finding.Finding {
	slices.SortStableFunc(all, func(a, b *finding.Finding) int { return cmp.Compare(b.Odds(), a.Odds()) })
	var kept, harmless []*finding.Finding
	for _, c := range all {
		switch {
		case c.Confidence() < least || explained(c, all):
		case c.ID == "jumbo-is-tso":
			harmless = append(harmless, c)
		default:
			kept = add(kept, c)
		}
	}
	kept = unclean(died(in, aside(kept, all)))
	if len(kept) == 0 || kept[0].ID == finding.Clean && len(kept) == 1 {
		var notes []*finding.Finding
		for _, h := range harmless {
			notes = add(notes, h)
		}
		if len(kept) == 0 {
			kept = append(kept, clean(in, notes[:min(len(notes), 1)]))
		}
		kept = append(kept, notes...)
		if len(notes) > 0 && kept[0].ID == finding.Clean && len(notes[0].Refs) > 2 &&
			notes[0].Confidence() >= kept[0].Confidence() && plain(in) {
			slices.Reverse(kept) // there is nothing else that a reader may wonder at
		}
	} else {
		for _, h := range harmless {
			kept[0].Not = append(kept[0].Not, "jumbo frames: "+h.Summary)
			break
		}
	}
	return kept
}

// plain reports whether no connection has anything that looks like a fault and is none: nothing odd,
// nothing that the capture missed or has twice, no window that goes down.
func plain(in *incident.Incident) bool {
	strange := false
	in.All(func(f *incident.Flow) {
		strange = strange || odd(f) > 0 || shrinks(f) ||
			slices.ContainsFunc(f.Segments, func(g *incident.Segment) bool { return len(g.Copies) > 0 })
	})
	_, missed := made(in)
	return !strange && missed == 0
}

// shrinks reports whether a side's window goes down by a third or more.
func shrinks(f *incident.Flow) bool {
	for i := range f.Sides {
		most := uint16(0)
		for _, g := range f.Sides[i].Segments {
			if g.Has(packet.SYN) || g.Missing.Has(packet.NoWindow) {
				continue
			}
			if most = max(most, g.Window); uint32(g.Window)*3 < uint32(most)*2 {
				return true
			}
		}
	}
	return false
}

// add joins a finding to one of the same cause in the same file, or appends it.
func add(kept []*finding.Finding, c *finding.Finding) []*finding.Finding {
	for _, k := range kept {
		if k.ID != c.ID {
			continue
		}
		if sooner(c, k) { // the first connection that shows it is the one to look at
			*k, *c = *c, *k
		}
		k.Join(c)
		return kept
	}
	return append(kept, c)
}

// sooner reports whether what proves a finding comes before what proves another that is
// not much surer.
func sooner(c, k *finding.Finding) bool {
	const alike = 1
	if c.Flow == nil || k.Flow == nil || k.Odds()-c.Odds() > alike || c.Flow.File != k.Flow.File {
		return false
	}
	a, b := proved(c), proved(k)
	return a > 0 && b > 0 && a < b
}

// proved is the first frame of its flow's file that proves a finding, 0 if none does.
func proved(c *finding.Finding) (first int) {
	for _, r := range c.Refs {
		if r.File == c.Flow.File.Index && (first == 0 || r.N < first) {
			first = r.N
		}
	}
	return first
}

// aside takes out a single refusal where something else went wrong for sure: that nobody
// listens was answered at once, and is seldom what a capture was made for.
func aside(kept, all []*finding.Finding) []*finding.Finding {
	const refused, sure = "rst-no-listener", 0.8
	n := 0
	for _, c := range all {
		if c.ID == refused {
			n++
		}
	}
	other := slices.ContainsFunc(kept, func(c *finding.Finding) bool {
		return c.ID != refused && c.ID != finding.Clean && c.Confidence() >= sure
	})
	if n != 1 || !other {
		return kept
	}
	return slices.DeleteFunc(kept, func(c *finding.Finding) bool { return c.ID == refused })
}

// died puts the end of a server's program before the refusals that follow it: its sockets
// reset at once, it says nothing more, and then nobody listens.
func died(in *incident.Incident, kept []*finding.Finding) []*finding.Finding {
	for i, refused := range kept {
		if refused.ID != "rst-no-listener" || refused.Flow == nil {
			continue
		}
		for j, reset := range kept {
			if reset.ID != "rst-linger-or-unread" || reset.Flow == nil || !reset.Flow.SameServer(refused.Flow) ||
				!together(in, refused.Flow, reset.Flow) {
				continue
			}
			reset.For(1, "several connections are reset within a second, and after it nobody listens: the program died")
			if i < j {
				kept[i], kept[j] = kept[j], kept[i]
			}
			return kept
		}
	}
	return kept
}

// together reports whether the last that a server said before it refused a connection are
// resets of several others within a second, that of reset among them.
func together(in *incident.Incident, refused, reset *incident.Flow) bool {
	const soon, atOnce = time.Minute, time.Second
	asked := refused.Segments[0].Time
	var resets []time.Duration
	said := time.Duration(-1) // when the server last said something else
	in.All(func(f *incident.Flow) {
		if f.File != refused.File || !f.SameServer(refused) {
			return
		}
		server := &f.Sides[incident.Server]
		for _, g := range server.Segments {
			if g.Time < asked {
				said = max(said, g.Time)
			}
		}
		if len(server.Resets) > 0 && server.Resets[0].Time < asked && f.Established() {
			resets = append(resets, server.Resets[0].Time)
		}
	})
	if len(resets) < 2 || len(reset.Sides[incident.Server].Resets) == 0 {
		return false
	}
	slices.Sort(resets)
	last, its := resets[len(resets)-1], reset.Sides[incident.Server].Resets[0].Time
	return last-resets[len(resets)-2] <= atOnce && last >= said && asked-last <= soon && its < asked &&
		last-its <= atOnce
}

// unclean takes out what says that nothing is wrong if something is.
func unclean(kept []*finding.Finding) []*finding.Finding {
	bad := slices.ContainsFunc(kept, func(c *finding.Finding) bool { return c.ID != finding.Clean })
	if !bad {
		return kept
	}
	return slices.DeleteFunc(kept, func(c *finding.Finding) bool { return c.ID == finding.Clean })
}

// explained reports whether another finding explains c: one that is about the same
// connection, or about the same ends, and that is sure enough.
func explained(c *finding.Finding, all []*finding.Finding) bool {
	const sure = 0.6
	for _, k := range all {
		if k.ID == c.ID || !slices.Contains(explains[k.ID], c.ID) || k.Confidence() < sure ||
			slices.Contains(explains[c.ID], k.ID) && c.Odds() > k.Odds() {
			continue
		}
		if k.ID == "conntrack-invalid-escapes-dnat" && c.ID == "bufferbloat" && k.Flow != c.Flow &&
			(c.Flow == nil || k.Flow == nil || !slices.Contains(k.Flow.Twins, c.Flow)) {
			continue // another connection's queue is its own matter
		}
		if k.Flow == c.Flow || k.Flow != nil && c.Flow != nil && akin(k.Flow, c.Flow) {
			return true
		}
	}
	return false
}

// akin reports whether two flows have an end in common, or are one seen twice.
func akin(a, b *incident.Flow) bool {
	return a.Ends[0] == b.Ends[0] || a.Ends[1] == b.Ends[1] || slices.Contains(a.Twins, b)
}

// quiet names keep-alives that look like a fault and are none.
func quiet(in *incident.Incident, c *finding.Finding) {
	in.All(func(f *incident.Flow) {
		if f != c.Flow {
			return
		}
		for side := range f.Sides {
			probes := f.Sides[side].Probes
			for _, g := range probes {
				if g.Class&sender.KeepAlive != 0 {
					c.Cite(g)
				}
			}
			if len(probes) > 0 {
				c.IsNot("keepalive-dead-peer: the keep-alives are answered")
			}
		}
	})
}
