// Package diagnose says what happened in captures: which causes the packets speak for,
// how surely, and which packets prove it.
//
// The table of rules is Rules; each rule gathers evidence for and against one cause. A
// confidence is the logistic function of the evidence's weights. Incidents whose cause is
// known hold them to it: testdata/incidents.
//
// Invariant: a claim names the packets that it was drawn from.
package diagnose

import (
	"context"
	"fmt"
	"slices"

	"netrepro/engine/diagnose/application"
	"netrepro/engine/diagnose/carried/keylog"
	"netrepro/engine/diagnose/delay"
	"netrepro/engine/diagnose/ending"
	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/idle"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/diagnose/measured"
	"netrepro/engine/diagnose/opening"
	"netrepro/engine/diagnose/pathmtu"
	"netrepro/engine/diagnose/reading"
	"netrepro/engine/diagnose/transfer"
	"netrepro/engine/diagnose/translation"
	"netrepro/engine/packet"
)

// Rules are all rules.
var Rules = slices.Concat(opening.Rules, translation.Rules, pathmtu.Rules, transfer.Rules, delay.Rules, ending.Rules,
	idle.Rules, application.Rules)

// Report is what is known of an incident.
type Report struct {
	Incident *incident.Incident
	// Findings are the causes, the likeliest first; there is always one.
	Findings []*finding.Finding
}

// Files diagnoses the captures at paths as one incident. Errors are those of opening
// and reading them.
func Files(ctx context.Context, paths []string) (*Report, error) {
	return FilesWithKeys(ctx, paths, "")
}

// FilesWithKeys is [Files] with the secrets of TLS that the key log at a path holds.
func FilesWithKeys(ctx context.Context, paths []string, keyLog string) (*Report, error) {
	keys, err := keylog.Read(ctx, keyLog)
	if err != nil {
		return nil, err
	}
	in, err := reading.Files(ctx, paths, keys)
	if err != nil {
		return nil, err
	}
	found := rank(in, candidates(in))
	for _, f := range found {
		mixed(f)
	}
	return &Report{Incident: in, Findings: found}, nil
}

// mixed adds to what a finding says that the two ends do not speak the same.
func mixed(f *finding.Finding) {
	if f.Flow == nil {
		return
	}
	a, b, apart := f.Flow.Carried.Apart()
	switch {
	case !apart:
	case f.ID == finding.Clean:
		f.Summary = fmt.Sprintf("The network does its work: what was sent arrived. But the client speaks %s and the server %s: "+
			"the port is the wrong one, or what it is called with.", a, b)
	default:
		f.Summary += fmt.Sprintf(" Look there first: the client speaks %s and the server %s, so that the port is "+
			"the wrong one, or what it is called with.", a, b)
	}
}

func candidates(in *incident.Incident) (found []*finding.Finding) {
	for _, rule := range Rules {
		found = append(found, rule(in)...)
	}
	return found
}

// clean is said when no rule finds anything, with what looks odd and is not.
func clean(in *incident.Incident, excused []*finding.Finding) *finding.Finding {
	whole, partial, well := 0, 0, 0
	var first *incident.Flow
	in.All(func(f *incident.Flow) {
		if first == nil || odd(f) > odd(first) {
			first = f
		}
		switch {
		case again(f):
		case !complete(f) && !slices.ContainsFunc(f.Twins, complete):
			if partial++; echoed(f) {
				well++
			}
		default:
			whole++
		}
	})
	if first == nil {
		c := finding.New(finding.Unclear, nil).Say("The capture has no TCP connection that could be judged.")
		if slices.ContainsFunc(in.Files, func(f *incident.File) bool { return f.Unread > 0 }) {
			return c.For(1, "no TCP segment could be read")
		}
		return c.For(1, "no TCP segment was captured")
	}
	if whole == 0 && well == partial {
		return finding.New(finding.Clean, first).
			Say("Nothing is wrong in the one direction that was captured: nothing is sent again, and its acknowledgements "+
				"tell that the other end answers.").
			For(1.2, fmt.Sprintf("%s without loss or refusal", count(well, "connection")))
	}
	if whole == 0 {
		c := finding.New(finding.Unclear, first).
			Say("The capture has too little of its connections to tell: capture both directions, from before they " +
				"open.")
		return c.For(0.5, "captured in part only: "+count(partial, "connection"))
	}
	c := finding.New(finding.Clean, first)
	switch lost, missed := made(in); {
	case lost > 0:
		c.Say("Nothing is wrong here that TCP did not make good: what was sent arrived and was acknowledged. %s had to be sent "+
			"more than once.", count(lost, "segment"))
		c.For(1.2, fmt.Sprintf("%s without stall or refusal", count(whole, "connection")))
	case missed > 0:
		c.Say("Nothing is wrong here: what was sent arrived and was acknowledged. The capture itself has %s: what is missing "+
			"there was acknowledged too.", count(missed, "gap"))
		c.For(1.6, fmt.Sprintf("%s without loss, stall or refusal", count(whole, "connection")))
	default:
		c.Say("Nothing is wrong here: what was sent arrived and was acknowledged.")
		c.For(1.6, fmt.Sprintf("%s without loss, stall or refusal", count(whole, "connection")))
	}
	if partial == 0 {
		c.For(0.6, "each of them was captured in both directions")
	}
	for _, e := range excused {
		if len(e.Refs) > 1 && sent(e.Flow) {
			c.Flow = e.Flow
			c.Refs = append(c.Refs, e.Refs...)
		}
		c.Not = append(c.Not, e.Not...)
	}
	quiet(in, c)
	return c
}

// echoed reports whether only one end's segments were captured, and they tell that all goes well: it
// sends nothing again, misses nothing, and acknowledges more and more that the other end sent.
func echoed(f *incident.Flow) bool {
	if !f.OneSided() {
		return false
	}
	const enough = 3
	for i := range f.Sides {
		s := &f.Sides[i]
		var said []*incident.Segment
		for _, g := range s.Segments {
			if len(g.SACK()) > 0 {
				return false // something did not arrive, or not in order
			}
			if g.Has(packet.ACK) && !g.Has(packet.SYN) && !g.Missing.Has(packet.NoAck) {
				said = append(said, g)
			}
		}
		if len(said) < enough {
			continue
		}
		return len(s.Resent) == 0 && len(s.Resets) == 0 && len(s.SYNs) < 2 && len(s.Zero) == 0 &&
			packet.After(said[len(said)-1].Ack, said[0].Ack)
	}
	return false
}

// made is how many segments were lost and made good, and how many gaps are in the capture alone.
func made(in *incident.Incident) (lost, missed int) {
	in.All(func(f *incident.Flow) {
		for side := range f.Sides {
			n, gaps := madeGood(f, side)
			missed += gaps
			if again(f) {
				continue
			}
			for _, t := range f.Twins { // each capture may have seen it
				other, _ := madeGood(t, side)
				n = max(n, other)
			}
			lost += n
		}
	})
	return lost, missed
}

// madeGood is how many segments of a side had to be sent more than once, as one capture shows
// it, and how many it has not got.
func madeGood(f *incident.Flow, side int) (lost, missed int) {
	l := measured.Lost(f, side)
	data := 0 // that was sent again: a FIN may only have crossed the other's
	for _, g := range f.Sides[side].Resent {
		if g.PayloadLen > 0 {
			data++
		}
	}
	return l.Before + min(l.After, data), l.Missed
}

// complete reports whether a capture has both directions of a connection that opened.
func complete(f *incident.Flow) bool { return !f.OneSided() && f.Established() }

// again reports whether an earlier file has the same connection.
func again(f *incident.Flow) bool {
	return slices.ContainsFunc(f.Twins, func(t *incident.Flow) bool { return t.File.Index < f.File.Index })
}

// count is a number of things in a sentence.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// odd is how much of a connection looks like a fault and is none.
func odd(f *incident.Flow) (n int) {
	for i := range f.Sides {
		s := &f.Sides[i]
		n += len(s.Resent) + len(s.Probes) + len(s.Zero) + len(s.Resets) + max(len(s.SYNs)-1, 0)
	}
	return n
}

// sent reports whether it is the capturing host that sent frames above the MSS.
func sent(f *incident.Flow) bool {
	c, s := &f.Sides[incident.Client], &f.Sides[incident.Server]
	return f.From == incident.AtClient && s.MSS > 0 && c.Largest > s.MSS ||
		f.From == incident.AtServer && c.MSS > 0 && s.Largest > c.MSS
}
