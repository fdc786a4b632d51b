// Package similar compares what two captures mean, connection by connection, and says how
// much of the first is in the second.
//
// It compares the golden forms of package trace/golden, and lets pass what the two cannot
// have in common: the fault's name beside a loss, and how sure a verdict is.
package similar

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/pattern"
	"netrepro/engine/reproduction"
)

// Enough is the similarity from which on two captures count as similar.
const Enough = 0.8

// Result is the comparison of two captures.
type Result struct {
	Flows []Flow
	// Score is how much of both is the same, from 0 to 1.
	Score float64
}

// Flow is the comparison of two connections.
type Flow struct {
	N       int // in the capture
	Score   float64
	Lines   int // events of the capture
	Same    bool
	Differs []Difference
}

// Difference is an event that only one of the two has, or that is another one in the
// other.
type Difference struct {
	Event string // what the capture has, empty for nothing
	Run   string // what the run has
	Why   string
}

// String is the difference in a line.
func (d Difference) String() string {
	var s string
	switch {
	case d.Run == "":
		s = fmt.Sprintf("%q was not reproduced", d.Event)
	case d.Event == "":
		s = fmt.Sprintf("%q came besides", d.Run)
	default:
		s = fmt.Sprintf("%q became %q", d.Event, d.Run)
	}
	if d.Why != "" {
		s += ": " + d.Why
	}
	return s
}

// Compare compares the connections of a capture with those of a run, in their order.
func Compare(want, got *reproduction.Incident) Result {
	var r Result
	var same, all float64
	rest := append([]*reproduction.Flow(nil), got.Flows...)
	for _, w := range want.Flows {
		var g *reproduction.Flow
		for i, c := range rest {
			if c.Port == w.Port && int(c.Opener) == reproduction.FirstPort+w.Tuple {
				g = c
				rest = append(rest[:i:i], rest[i+1:]...)
				break
			}
		}
		f, a, b := compare(w, g, want.Vantage == reproduction.Everywhere)
		same, all = same+a, all+b
		r.Flows = append(r.Flows, f)
	}
	r.Score = 1
	if all > 0 {
		r.Score = same / all
	}
	return r
}

// compare compares two connections, and returns the weights of what is the same and of
// all.
func compare(w, g *reproduction.Flow, everywhere bool) (Flow, float64, float64) {
	f := Flow{N: w.N, Lines: len(w.Form)}
	a := events(w.Form)
	var b []event
	if g != nil {
		b = events(g.Form)
	}
	if w.Missed {
		excuse(a, b)
	}
	if everywhere {
		a, b = quiet(a), quiet(b)
	}
	pairs, same := align(a, b)
	all := 0.0
	for _, e := range append(append([]event(nil), a...), b...) {
		all += e.weight
	}
	same *= 2
	f.Score = 1
	if all > 0 {
		f.Score = same / all
	}
	for _, p := range pairs {
		d := Difference{}
		switch {
		case p.a >= 0 && p.b >= 0 && likeness(a[p.a], b[p.b]) == 1:
			continue
		case p.a >= 0 && p.b >= 0:
			d.Event, d.Run = a[p.a].text, b[p.b].text
		case p.a >= 0:
			d.Event = a[p.a].text
		default:
			d.Run = b[p.b].text
		}
		d.Why = why(d, w)
		f.Differs = append(f.Differs, d)
	}
	f.Same = len(f.Differs) == 0
	return f, same, all
}

// quiet leaves out what was sent again though nothing of it was lost: where both ends were
// captured that says that a host was busy, and nothing of the failure.
func quiet(es []event) (out []event) {
	lost := map[string]bool{}
	for _, e := range es {
		if e.verb == "loses" {
			lost[e.side+e.what] = true
		}
	}
	for _, e := range es {
		what, why, _ := strings.Cut(e.what, ", ")
		if e.verb == "resends" && !lost[e.side+what] && (why == "repair" || strings.HasSuffix(why, "needless")) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// excuse has what follows from packets that the capture missed count as the same: that
// the streams of the run are longer by them.
func excuse(a, b []event) {
	for i := range b {
		if b[i].verb == "FIN" && !slices.ContainsFunc(a, func(e event) bool { return e.text == b[i].text }) {
			b[i].weight = 0
		}
		b[i].excused = true
	}
	for i := range a {
		a[i].excused = true
	}
}

// event is a line of a form.
type event struct {
	excused bool
	text    string
	side    string
	verb    string
	what    string
	weight  float64
}

// dropped is what a loss says of who dropped it, repeated that there were several.
var (
	dropped  = pattern.New(`, dropped: .*$`)
	nothing  = pattern.New(`loses (\d+:\d+)$`)
	repeated = pattern.New(`, repeatedly$`)
)

// weights of events: what tells one failure from another counts more.
var weights = map[string]float64{"RST": 4, "RST,": 4, "resends": 2, "loses": 2, "FIN": 2, "is": 3, "probes": 2}

func events(form []string) (out []event) {
	for _, l := range form {
		text := dropped.ReplaceAllString(strings.TrimSpace(l), "")
		text = repeated.ReplaceAllString(text, "")
		if m := nothing.FindStringSubmatch(text); m != nil {
			if from, to, _ := strings.Cut(m[1], ":"); from == to { // its number may be chance
				text = strings.TrimSuffix(text, m[1]) + "a reset"
			}
		}
		words := strings.SplitN(text, " ", 3)
		if len(words) < 2 {
			continue
		}
		e := event{text: text, side: words[0], verb: words[1], weight: 1}
		if len(words) == 3 {
			e.what = words[2]
		}
		if w, ok := weights[e.verb]; ok {
			e.weight = w
		}
		out = append(out, e)
	}
	return out
}

// likeness of two events, from 0 to 1.
func likeness(a, b event) float64 {
	switch {
	case a.text == b.text:
		return 1
	case a.side != b.side || strings.TrimRight(a.verb, ",") != strings.TrimRight(b.verb, ","):
		return 0
	case a.excused && b.excused && (a.verb == "sends" || strings.Contains(a.what, "not-captured")):
		return 0.999
	case strings.HasPrefix(a.verb, "RST"):
		return resets(a.what, b.what)
	}
	return 0.5
}

// resets compares two verdicts: "passive: time-wait or data-after-close". They agree if
// the kind does and a cause may be that of both.
func resets(a, b string) float64 {
	ka, ca, _ := strings.Cut(a, ": ")
	kb, cb, _ := strings.Cut(b, ": ")
	if ka != kb {
		return 0.25
	}
	for _, x := range strings.Split(ca, " or ") {
		for _, y := range strings.Split(cb, " or ") {
			if x == y {
				return 1
			}
		}
	}
	return 0.75
}

// pair is an event of each, or of one alone, where the other is -1.
type pair struct{ a, b int }

// most bounds the work of comparing.
const most = 3000

// align finds the best pairs in order.
func align(a, b []event) ([]pair, float64) {
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	best := make([][]float64, len(a)+1)
	for i := range best {
		best[i] = make([]float64, len(b)+1)
	}
	value := func(i, j int) float64 { return likeness(a[i], b[j]) * min(a[i].weight, b[j].weight) }
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1], value(i, j)+best[i+1][j+1])
		}
	}
	var out []pair
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		v := value(i, j)
		switch {
		case v > 0 && best[i][j] == v+best[i+1][j+1]:
			out = append(out, pair{i, j})
			i++
			j++
		case best[i][j] == best[i+1][j]:
			out = append(out, pair{i, -1})
			i++
		default:
			out = append(out, pair{-1, j})
			j++
		}
	}
	for ; i < len(a); i++ {
		out = append(out, pair{i, -1})
	}
	for ; j < len(b); j++ {
		out = append(out, pair{-1, j})
	}
	return out, best[0][0]
}

// why says why an event is not the same, where that is known.
func why(d Difference, w *reproduction.Flow) string {
	e := d.Event + d.Run
	switch {
	case w.Missed:
		return "the capture does not have the packets that the reset answers"
	case !w.Begun && (strings.Contains(e, "SYN") || d.Event == ""):
		return "the connection began before the capture"
	case strings.Contains(d.Event, "RST") && strings.Contains(d.Run, "RST"):
		return "the packets leave the cause open"
	case strings.Contains(d.Run, "sends") && d.Event == "" || strings.Contains(d.Run, "FIN") && d.Event == "":
		return "it may be what the capture missed, or what came after its end"
	case strings.Contains(e, "resends") || strings.Contains(e, "loses"):
		return "the kernel here cuts or repairs otherwise"
	case strings.Contains(e, "probes"):
		return "the run is shorter than the capture"
	}
	return ""
}
