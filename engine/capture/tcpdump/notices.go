package tcpdump

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/packet"
)

// Skip is a line that looks like that of a packet and was not understood.
type Skip struct {
	Line int
	Why  string
}

// Notices are what a reader must know of how the text was read.
type Notices struct {
	// Skipped counts the lines that look like packets and could not be understood, and
	// Skips are the first of them.
	Skipped int
	Skips   []Skip
	// Cut counts the packets whose lines end before they should; FirstCut is the line of
	// the first, and CutWhat what is missing there.
	Cut, FirstCut int
	CutWhat       string
	// Timeless says that lines have no time: those of their packets are not known.
	Timeless bool
	// Either says that times may count from the packet before, and were taken to count from
	// the first.
	Either bool
	// Ports are services whose port is not known, with the numbers that stand for them.
	Ports map[string]uint16
}

// maxSkips is how many lines are shown that were not understood.
const maxSkips = 3

func (n *Notices) skip(line int, why string) {
	if n.Skipped++; len(n.Skips) < maxSkips {
		n.Skips = append(n.Skips, Skip{line, strings.Clone(why)})
	}
}

func (n *Notices) cut(line int, what packet.Missing) {
	if n.Cut++; n.Cut == 1 {
		n.FirstCut = line
		n.CutWhat = strings.Join(what.Names(), ", ")
	}
}

// Said are the notices, a sentence each.
func (n *Notices) Said() (out []string) {
	if n.Skipped > 0 {
		s := fmt.Sprintf("%d lines look like packets and were not understood", n.Skipped)
		if n.Skipped == 1 {
			s = "1 line looks like a packet and was not understood"
		}
		for _, k := range n.Skips {
			s += fmt.Sprintf("; line %d: %s", k.Line, k.Why)
		}
		out = append(out, s)
	}
	if n.Cut > 0 {
		s := fmt.Sprintf("%d packets are cut short in the text, the first in line %d: what is missing stays unknown",
			n.Cut, n.FirstCut)
		if n.Cut == 1 {
			s = fmt.Sprintf("1 packet is cut short in the text, in line %d: what is missing stays unknown", n.FirstCut)
		}
		if n.CutWhat != "" {
			s += ": " + n.CutWhat
		}
		out = append(out, s)
	}
	if n.Timeless {
		out = append(out, "the text has packets without a time: how far apart they are is not known")
	}
	if n.Either {
		out = append(out, "its times are taken to count from the first packet (tcpdump -ttttt); if each counts from "+
			"the packet before (-ttt), the gaps are wrong: print it with -tt")
	}
	if len(n.Ports) > 0 {
		var all []string
		for name, port := range n.Ports {
			all = append(all, fmt.Sprintf("%d for %s", port, name))
		}
		slices.Sort(all)
		out = append(out, "the numbers of some ports are not known, and others stand for them: "+
			strings.Join(all[:min(len(all), maxSkips)], ", "))
	}
	return out
}
