package expect

import (
	"fmt"

	"netrepro/engine/match"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// maxNear is how many packets are shown that a match nearly means, and maxSearched how many
// are looked at.
const maxNear, maxSearched = 3, 5_000

// Near are the first packets of a view that m nearly means: all its terms hold but one, which is
// named beside each. It judges nothing.
func Near(v *trace.View, m match.Match) (o Outcome) {
	ask := match.Recorded(v.Trace)
	var ps []*trace.Packet
	remarks := map[*trace.Packet]string{}
	for i, p := range v.Packets() {
		if i == maxSearched || len(ps) == maxNear {
			break
		}
		if missed := m.Missed(ask(p)); len(missed) == 1 {
			if missed[0].Key.Name == "rst" && !p.Flags.Has(packet.RST) {
				continue // what it is instead says nothing
			}
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
	o.evidence(v.Trace, ps, remarks)
	return o
}
