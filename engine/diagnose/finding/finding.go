// Package finding is what a diagnosis says: which causes there are, and how evidence for
// and against one becomes a confidence.
//
// It looks at no packets; the rooms with the rules do.
package finding

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"netrepro/engine/diagnose/incident"
)

// Finding is one cause that the packets of an incident speak for.
type Finding struct {
	ID   string
	Flow *incident.Flow // the connection in question; nil if it is about all
	// Summary is what happened, in a sentence or two.
	Summary string
	// Signs are what speaks for it and against it.
	Signs []Sign
	// Not are wrong leads that the packets may suggest, and why they are wrong.
	Not []string
	// Refs are the packets that prove it.
	Refs []Ref
	// Others are more flows that show the same.
	Others []*incident.Flow
}

// Connection is what the connection in question is called: with several files as the one
// that was captured at the client has it, behind a NAT too; else as the first has it. Empty
// if the finding is about all.
func (f *Finding) Connection() string {
	if f.Flow == nil {
		return ""
	}
	return called(f.Flow).String()
}

// More are what the other connections are called that show the same.
func (f *Finding) More() (out []string) {
	for _, o := range f.Others {
		if name := called(o).String(); name != f.Connection() && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// called is f in the file that was captured at its client, or else in the first.
func called(f *incident.Flow) *incident.Flow {
	best := f
	for _, t := range f.Twins {
		a, b := t.Near(incident.Client), best.Near(incident.Client)
		if a && !b || a == b && t.File.Index < best.File.Index {
			best = t
		}
	}
	return best
}

// Sign is one observation.
type Sign struct {
	Text   string
	Weight float64 // log odds; negative if it speaks against the finding
}

// Ref is a packet of a file.
type Ref struct{ File, N, Line int }

// Rule looks for one or more causes in an incident.
type Rule func(*incident.Incident) []*Finding

// New begins a finding about a flow.
func New(id string, f *incident.Flow) *Finding { return &Finding{ID: id, Flow: f} }

// Say sets the summary.
func (f *Finding) Say(format string, args ...any) *Finding {
	f.Summary = fmt.Sprintf(format, args...)
	return f
}

// For adds an observation that speaks for the finding, and the packets that show it.
// The weight is in log odds: 1 makes it 2.7 times as likely as before.
func (f *Finding) For(weight float64, text string, gs ...*incident.Segment) *Finding {
	f.Signs = append(f.Signs, Sign{Text: text, Weight: weight})
	return f.Cite(gs[:min(len(gs), maxCited)]...)
}

// maxCited is how many packets are named for one observation: the first of them show it.
const maxCited = 5

// Against adds an observation that speaks against it.
func (f *Finding) Against(weight float64, text string) *Finding {
	f.Signs = append(f.Signs, Sign{Text: text, Weight: -weight})
	return f
}

// Cite adds packets that prove the finding, nil ones left aside, with what was seen of
// them at other points.
func (f *Finding) Cite(gs ...*incident.Segment) *Finding {
	for _, g := range gs {
		if g == nil {
			continue
		}
		f.add(Ref{File: g.File.Index, N: g.N, Line: g.Line})
		for _, c := range g.Copies {
			f.add(Ref{File: g.File.Index, N: c.N, Line: c.Line})
		}
	}
	return f
}

// CiteMessages adds ICMP messages.
func (f *Finding) CiteMessages(ms ...*incident.Message) *Finding {
	for _, m := range ms {
		f.add(Ref{File: m.File.Index, N: m.N, Line: m.Line})
	}
	return f
}

// CiteDatagrams adds datagrams of UDP.
func (f *Finding) CiteDatagrams(ds ...*incident.Datagram) *Finding {
	for _, d := range ds {
		f.add(Ref{File: d.File.Index, N: d.N, Line: d.Line})
	}
	return f
}

// maxRefs bounds how many packets prove one finding.
const maxRefs = 400

func (f *Finding) add(r Ref) {
	if len(f.Refs) >= maxRefs {
		return
	}
	i, found := slices.BinarySearchFunc(f.Refs, r, Ref.compare)
	if !found {
		f.Refs = slices.Insert(f.Refs, i, r)
	}
}

func (r Ref) compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.File, o.File), cmp.Compare(r.N, o.N))
}

// In are the packets of one file that prove it, and the lines of text they are on.
func (f *Finding) In(file int) (frames, lines []int) {
	for _, r := range f.Refs {
		if r.File != file {
			continue
		}
		frames = append(frames, r.N)
		if r.Line > 0 {
			lines = append(lines, r.Line)
		}
	}
	return frames, lines
}

// IsNot names a lead that is wrong, and why.
func (f *Finding) IsNot(format string, args ...any) *Finding {
	f.Not = append(f.Not, fmt.Sprintf(format, args...))
	return f
}

// Odds is the sum of all signs.
func (f *Finding) Odds() (sum float64) {
	for _, s := range f.Signs {
		sum += s.Weight
	}
	return sum
}

// Confidence is how likely the finding is right, between 0 and 0.99: the logistic
// function of its odds.
func (f *Finding) Confidence() float64 {
	p := 1 / (1 + math.Exp(-f.Odds()))
	return math.Round(min(p, 0.99)*100) / 100
}

// Join takes in another finding of the same cause about another flow: the flow is named,
// the packets are those of the first.
func (f *Finding) Join(o *Finding) {
	f.Others = append(append(f.Others, o.Flow), o.Others...)
}
