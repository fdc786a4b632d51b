package diagnosis

import (
	"fmt"
	"strings"

	"netrepro/engine/diagnose/incident"
	"netrepro/engine/diagnose/measured"
	"netrepro/engine/report/diagnosis/carries"
	"netrepro/engine/report/diagnosis/wording"
)

// jsonFacts are what is measured of a connection besides; arrays have the client first.
// What is not known is left out.
type jsonFacts struct {
	Think    *[2]jsonThink     `json:"think,omitempty"`
	Also     []string          `json:"also,omitempty"`
	Arrived  *[2]int           `json:"largest_arrived,omitempty"`
	NextHop  int               `json:"next_hop_mtu,omitempty"`
	AboveMSS *[2]int           `json:"above_mss,omitempty"`
	Initial  *[2]carries.Burst `json:"initial,omitempty"`
	Losses   *[2]jsonLosses    `json:"losses,omitempty"`
}

type jsonThink struct {
	Count   int     `json:"count"`
	Median  float64 `json:"median"` // seconds
	Largest float64 `json:"largest"`
}

type jsonLosses struct {
	Before int `json:"before"`
	After  int `json:"after"`
	Missed int `json:"missed"`
}

func factsJSON(f *incident.Flow) (j jsonFacts) {
	m := measured.Of(f)
	if m.Think[0].Count+m.Think[1].Count > 0 {
		j.Think = &[2]jsonThink{}
		for i, t := range m.Think {
			j.Think[i] = jsonThink{t.Count, t.Median.Seconds(), t.Largest.Seconds()}
		}
	}
	for _, a := range m.Also {
		j.Also = append(j.Also, a[0].String()+">"+a[1].String())
	}
	if m.Arrived != [2]int{} {
		j.Arrived = &m.Arrived
	}
	j.NextHop = m.NextHop
	if m.AboveMSS != [2]int{} {
		j.AboveMSS = &m.AboveMSS
	}
	if m.Initial != [2]measured.Burst{} {
		j.Initial = &[2]carries.Burst{}
		for i, b := range m.Initial {
			j.Initial[i] = carries.Burst{Bytes: b.Bytes, Segments: b.Segments}
		}
	}
	if m.Losses != [2]measured.Losses{} {
		j.Losses = &[2]jsonLosses{}
		for i, l := range m.Losses {
			j.Losses[i] = jsonLosses(l)
		}
	}
	return j
}

// factsText is the same in words: what is worth one.
func factsText(f *incident.Flow) (parts []string) {
	m := measured.Of(f)
	for side, t := range m.Think {
		switch {
		case t.Count == 1:
			parts = append(parts, fmt.Sprintf("the %s takes %v to go on", incident.Name(side), wording.Round(t.Largest)))
		case t.Count > 1:
			parts = append(parts, fmt.Sprintf("the %s takes %v to go on (median; %v at most)", incident.Name(side),
				wording.Round(t.Median), wording.Round(t.Largest)))
		}
	}
	for side, l := range m.Losses {
		var lost []string
		if f.From == [2]incident.From{incident.AtClient, incident.AtServer}[side] {
			l.After = 0 // all that it sends passes there
		}
		for _, p := range []struct {
			n     int
			where string
		}{{l.Before, "lost before the capture point"}, {l.After, "sent again though they had passed here"}, {l.Missed, "missed by the capture"}} {
			if p.n > 0 {
				lost = append(lost, fmt.Sprintf("%d %s", p.n, p.where))
			}
		}
		if len(lost) > 0 {
			parts = append(parts, fmt.Sprintf("of the %s's segments %s", incident.Name(side), strings.Join(lost, ", ")))
		}
	}
	for side, n := range m.AboveMSS {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d of the %s's above the MSS (offload)", n, incident.Name(side)))
		}
	}
	if m.NextHop > 0 {
		parts = append(parts, fmt.Sprintf("a router tells an MTU of %d", m.NextHop))
	}
	if len(m.Also) > 0 {
		parts = append(parts, fmt.Sprintf("also seen as %s>%s", m.Also[0][0], m.Also[0][1]))
	}
	return parts
}
