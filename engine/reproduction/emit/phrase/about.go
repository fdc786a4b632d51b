package phrase

import (
	"fmt"
	"strings"

	"netrepro/engine/reproduction"
)

// About says what was imported.
func About(inc *reproduction.Incident) (out []string) {
	n := len(inc.Flows)
	what := "One connection"
	if n > 1 {
		what = fmt.Sprintf("%d connections", n)
	}
	seen := "as the " + string(inc.Vantage) + " saw " + map[bool]string{true: "it", false: "them"}[n == 1]
	if inc.Vantage == reproduction.Everywhere {
		seen = "as both ends saw " + map[bool]string{true: "it", false: "them"}[n == 1]
	}
	out = append(out, what+", "+seen+".")
	if inc.Others > 0 {
		out = append(out, fmt.Sprintf("The capture has %d connections more that are not imported.", inc.Others))
	}
	if inc.Hosts > 2 {
		out = append(out, fmt.Sprintf("The %d hosts of the capture are two here: who opened and who was called.",
			inc.Hosts))
	}
	for i, f := range inc.Flows {
		if i == 6 {
			out = append(out, "and so on.")
			break
		}
		out = append(out, sum(i, f))
	}
	return out
}

// sum is a connection in a sentence.
func sum(i int, f *reproduction.Flow) string {
	s := fmt.Sprintf("Connection %d to port %d: %s", i+1, f.Port, f.Opening)
	if f.Opening == reproduction.Opened {
		s += fmt.Sprintf(", %d bytes up and %d down", f.Bytes[reproduction.Client], f.Bytes[reproduction.Server])
	}
	if n := len(f.Losses); n > 0 {
		s += fmt.Sprintf(", losses of %d kinds", n)
	}
	for _, r := range f.Resets {
		s += fmt.Sprintf(", reset by the %s (%s: %s)", Sides[r.Side], r.Kind, r.Cause)
		break
	}
	return s + "."
}

// Handshake are the options of the played side's SYN.
func Handshake(f *reproduction.Flow, side int) string {
	for _, p := range f.Packets {
		if p.Side != side || !strings.Contains(p.Flags, "S") {
			continue
		}
		text := fmt.Sprintf("win = %d", p.Window)
		if p.MSS > 0 {
			text += fmt.Sprintf(", mss = %d", p.MSS)
		}
		if p.Scale >= 0 {
			text += fmt.Sprintf(", wscale = %d", p.Scale)
		}
		if p.SACK {
			text += ", sack_permitted = true"
		}
		if p.Stamps {
			text += ", timestamps = true, tsval = 1000"
		}
		return text
	}
	return "win = 64240, mss = 1460"
}
