package phrase

import (
	"fmt"

	"netrepro/engine/reproduction"
)

// Faults are the faults of a connection.
func Faults(inc *reproduction.Incident, f *reproduction.Flow) (lines []string) {
	for i, l := range f.Losses {
		k := keys(inc, f, l)
		if i > 0 && l.Seq > 0 { // kernels cut what they send again in pieces of their own
			k += ", optional = true"
		}
		lines = append(lines, fmt.Sprintf("net.wan:drop { %s }", k))
	}
	for _, l := range f.Late {
		if l.Till == nil {
			lines = append(lines, fmt.Sprintf("net.wan:delay { by = %s, %s }", Quote(l.By), keys(inc, f, l.Loss)))
			continue
		}
		till := keys(inc, l.Till.Flow, l.Till.Loss)
		if l.Before {
			till = fmt.Sprintf("%s }, optional = true, before = { %s", till, till)
		}
		lines = append(lines, fmt.Sprintf("net.wan:hold { %s, till = { %s }, most = \"2s\" }", keys(inc, f, l.Loss), till))
	}
	return lines
}

// keys are the match and the count of a fault.
func keys(inc *reproduction.Incident, f *reproduction.Flow, l reproduction.Loss) string {
	keys := fmt.Sprintf("from = %s, tcp = %q", Sides[l.Side], l.TCP)
	if l.Seq >= 0 {
		keys += fmt.Sprintf(", seq = %d", l.Seq)
	}
	if l.Ack >= 0 {
		keys += fmt.Sprintf(", ack = %d", l.Ack)
	}
	if len(inc.Flows) > 1 {
		keys += fmt.Sprintf(", port = %d", reproduction.FirstPort+f.Tuple)
	}
	if l.Nth > 1 {
		keys += fmt.Sprintf(", nth = %d", l.Nth)
	}
	switch {
	case l.Times > 0 && (l.Times > 1 || l.Nth <= 1):
		keys += fmt.Sprintf(", times = %d", l.Times)
	case l.Times == 0 && l.Nth > 1:
		keys += ", times = 1000"
	}
	return keys
}
