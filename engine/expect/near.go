package expect

import (
	"fmt"

	"netrepro/engine/match"
	"netrepro/engine/trace"
)

// maxNear is how many packets are shown that a match nearly means, and maxSearched how many
// are looked at.
const maxNear, maxSearched = 3, 100_000

// Near are the first packets of a trace that m nearly means, of those that are asked for:
// all its terms hold but one, which is named beside each. It judges nothing.
func Near(t *trace.Trace, m match.Match, of func(*trace.Packet) bool) (o Outcome) {
	ask := match.Recorded(t)
	var ps []*trace.Packet
	remarks := map[*trace.Packet]string{}
	for i, p := range t.Packets() {
		if i == maxSearched || len(ps) == maxNear {
			break
		}
		if !of(p) {
			continue
		}
		if missed := m.Missed(ask(p)); len(missed) == 1 {
			ps = append(ps, p)
			remarks[p] = "all but " + missed[0].String()
			switch missed[0].Key.Name { // an address may be one that NAT gave it
			case "from":
				remarks[p] += fmt.Sprintf(": it comes from %s", p.Src)
			case "to":
				remarks[p] += fmt.Sprintf(": it goes to %s", p.Dst)
			}
		}
	}
	o.evidence(t, ps, remarks)
	return o
}
