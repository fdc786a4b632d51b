package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/diagnose/incident"
	"netrepro/engine/report/diagnosis/wording"
)

// facts says in a line what the capture tells of a connection whatever is wrong.
func facts(f *incident.Flow) string {
	if f == nil {
		return ""
	}
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch f.From {
	case incident.AtUnknown:
	case incident.AtBoth:
		say("seen from both ends")
	default:
		say("seen from the %s", f.From)
	}
	if f.RTT > 0 {
		say("round trip %v", wording.Round(f.RTT))
	}
	c, s := &f.Sides[incident.Client], &f.Sides[incident.Server]
	if c.MSS > 0 && s.MSS > 0 {
		say("MSS %d and %d", c.MSS, s.MSS)
	}
	if f.Opened() {
		say("window scale %s and %s", incident.Scale(c.Scale), incident.Scale(s.Scale))
	}
	if n := max(c.LargestAcked, s.LargestAcked); n > 0 && seen(f, n) {
		say("the largest payload that arrived has %d bytes", n)
	}
	say("the client sent %d bytes and the server %d", c.Bytes, s.Bytes)
	if n := len(c.Resent) + len(s.Resent); n > 0 {
		say("%d sent again", n)
	}
	parts = append(parts, factsText(f)...)
	say("%s", closed(f))
	return strings.Join(parts, ", ")
}

// seen reports whether a segment of the flow has n bytes: the pieces that a device cuts are not seen.
func seen(f *incident.Flow, n int) bool {
	return slices.ContainsFunc(f.Segments, func(g *incident.Segment) bool { return int(g.PayloadLen) == n })
}

// closed says how the connection ended.
func closed(f *incident.Flow) string {
	names := [2]string{"client", "server"}
	if rst := f.Reset(); rst != nil {
		return "reset by the " + names[rst.Side]
	}
	a, b := f.Sides[incident.Client].FIN, f.Sides[incident.Server].FIN
	switch {
	case a == nil && b == nil:
		return "not closed"
	case b == nil:
		return "closed by the client only"
	case a == nil:
		return "closed by the server only"
	case a.Time <= b.Time:
		return "closed by the client first"
	}
	return "closed by the server first"
}
