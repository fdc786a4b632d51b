package compare

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"netrepro/engine/sanitize"
	"netrepro/engine/view"
)

// around is how many pairs that are the same are shown beside one that is not.
const around = 2

// Text writes c for a terminal: "-" before what only the first capture has, "+" before what
// only the second has, "~" before what became something else.
func (c *Comparison) Text(to io.Writer, style view.Style) error {
	w := bufio.NewWriter(to)
	for i := range c.Flows {
		f := &c.Flows[i]
		fmt.Fprintf(w, "%s\n", sanitize.Text(f.Title))
		same := 0
		for k := range f.Pairs {
			if f.Pairs[k].Same() && !near(f.Pairs, k) {
				same++
				continue
			}
			fold(w, &same)
			f.Pairs[k].text(w, style)
		}
		fold(w, &same)
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, c.Summary())
	return w.Flush()
}

// Summary says how many packets differ.
func (c *Comparison) Summary() string {
	if c.OnlyA+c.OnlyB+c.Changed == 0 {
		return fmt.Sprintf("no difference in %d packets", c.Same)
	}
	return fmt.Sprintf("%d only in the first, %d only in the second, %d changed, %d the same", c.OnlyA, c.OnlyB, c.Changed,
		c.Same)
}

func fold(w io.Writer, same *int) {
	if *same > 0 {
		fmt.Fprintf(w, "      … %d the same\n", *same)
	}
	*same = 0
}

// near reports whether a pair that differs is near.
func near(pairs []Pair, k int) bool {
	for i := max(k-around, 0); i <= min(k+around, len(pairs)-1); i++ {
		if !pairs[i].Same() {
			return true
		}
	}
	return false
}

func (p *Pair) text(w io.Writer, style view.Style) {
	line := func(sign string, kind string, r *Row, more []string) {
		text := fmt.Sprintf("%s %5s  %s: %s", sign, fmt.Sprintf("#%d", r.Frame), r.Way, r.Label)
		if len(more) > 0 {
			text += "  " + strings.Join(more, ", ")
		}
		fmt.Fprintln(w, style.Paint(kind, sanitize.Text(text)))
	}
	switch {
	case p.A == nil && p.Same():
		line(" ", "", p.B, []string{"(only in the second)"})
	case p.B == nil && p.Same():
		line(" ", "", p.A, []string{"(only in the first)"})
	case p.A == nil:
		line("+", view.MarkApp, p.B, p.B.Marks)
	case p.B == nil:
		line("-", view.MarkDropped, p.A, p.A.Marks)
	case p.Same():
		line(" ", "", p.A, p.A.Marks)
	default:
		line("~", view.MarkSent, p.A, p.A.Marks)
		there := fmt.Sprintf("  %5s  there: %s", fmt.Sprintf("#%d", p.B.Frame), strings.Join(p.Differs, ", "))
		fmt.Fprintln(w, style.Paint(view.MarkSent, sanitize.Text(there)))
	}
}
