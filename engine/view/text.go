package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"netrepro/engine/sanitize"
)

// Sequences are the escape sequences of a ladder with colours.
var Sequences = []string{normal, red, yellow, cyan, dim, bold}

// Style says how a ladder is written.
type Style struct {
	Color bool
	// Width is how many characters a line may have; what does not fit goes on
	// the next. 0 is no bound.
	Width int
}

const (
	normal = "\x1b[0m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	dim    = "\x1b[2m"
	bold   = "\x1b[1m"
)

var markColors = map[string]string{MarkSent: yellow, MarkFlag: yellow, MarkDropped: red, MarkFault: red, MarkReset: red,
	MarkApp: cyan, MarkNote: cyan, MarkSign: dim}

// Paint has text in the colour of a kind of mark.
func (s Style) Paint(kind, text string) string { return s.paint(markColors[kind], text) }

func (s Style) paint(color, text string) string {
	if !s.Color || color == "" {
		return text
	}
	return color + text + normal
}

const (
	minColumn, maxColumn = 6, 24 // characters between two columns
	numbers              = 20    // characters of frame number and time
	labels               = 40    // characters that what is said of a packet should have
	tightColumn          = 3     // where the terminal is too narrow for anything else
	maxHeads             = 6     // lines with the names of columns
)

// short writes a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// column is how far apart the columns of l stand, so that a line of so many characters,
// 0 for any, has room for what is said of a packet.
func (l *Ladder) column(line int) int {
	w := minColumn
	for _, c := range l.Columns {
		w = max(w, utf8.RuneCountInString(c)+2)
	}
	w = min(w, maxColumn)
	if n := len(l.Columns) - 1; line > 0 && n > 0 {
		if most := max((line-numbers-labels)/n, minColumn); w > most {
			w = most
		}
		if numbers+n*w+labels > line { // tight, and the text below if even that is too wide
			w = max((line-numbers-2)/n, tightColumn)
			w = min(w, minColumn)
		}
	}
	return w
}

// WriteHead writes the title and the names of the columns.
func (l *Ladder) WriteHead(w io.Writer, s Style) error {
	var b strings.Builder
	if l.Title != "" {
		fmt.Fprintf(&b, "%s\n", s.paint(bold, sanitize.Text(l.Title)))
	}
	names := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		names[i] = sanitize.Text(c)
		if r := []rune(names[i]); len(r) >= maxColumn {
			names[i] = string(r[:maxColumn-2]) + "…"
		}
	}
	lines := heads(names, l.column(s.Width), maxHeads, max(s.Width-numbers, 0))
	if len(lines) == 0 {
		lines = []string{""}
	}
	for _, line := range lines {
		line = strings.TrimRight(line, " ")
		if line == "" {
			b.WriteString("\n")
			continue
		}
		fmt.Fprintf(&b, "%-*s%s\n", numbers, "", s.paint(bold, line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteRow writes one packet.
func (l *Ladder) WriteRow(w io.Writer, r *Row, s Style) error {
	_, err := io.WriteString(w, strings.Join(l.lines(r, s), "\n")+"\n")
	return err
}

// Lines are all of l, head and rows.
func (l *Ladder) Lines(s Style) []string {
	var b strings.Builder
	_ = l.Write(&b, s) // a builder takes everything
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// Write writes all of l.
func (l *Ladder) Write(w io.Writer, s Style) error {
	if err := l.WriteHead(w, s); err != nil {
		return err
	}
	for i := range l.Rows {
		if err := l.WriteRow(w, &l.Rows[i], s); err != nil {
			return err
		}
	}
	return nil
}

// lines writes a row, its marks behind the label as far as they fit; below the row where
// there is no room beside it.
func (l *Ladder) lines(r *Row, s Style) []string {
	head := fmt.Sprintf("%-7s%+11.6f  ", fmt.Sprintf("#%d", r.Frames[0]), r.Time.Seconds())
	rungs := l.rungs(r, s.Width)
	color := ""
	switch {
	case r.Stopped && r.has(MarkDropped) || r.has(MarkReset):
		color = red
	case r.has(MarkSent):
		color = yellow
	case strings.HasPrefix(r.Label, ". ") && !strings.Contains(r.Label, "("):
		color = dim
	}
	f := &flow{width: s.Width, at: utf8.RuneCountInString(head) + utf8.RuneCountInString(rungs) + 1}
	f.line = head + s.paint(color, rungs)
	f.used = f.at - 1
	if s.Width > 0 && f.at+least > s.Width { // below it
		f.at = max(min(numbers, s.Width/4), 1)
		f.next()
	}
	f.say(sanitize.Text(r.Label), 1, func(t string) string { return s.paint(color, t) })
	for _, m := range r.Marks {
		if m.Kind == MarkSign {
			f.next()
		}
		f.say(sanitize.Text(m.Text), 2, func(t string) string { return s.paint(markColors[m.Kind], t) })
	}
	return append(f.out, strings.TrimRight(f.line, " "))
}

// least is how many characters beside the columns are worth using.
const least = 24

// flow puts texts behind each other, and on lines of their own where they do not fit.
type flow struct {
	width, at int // of a line; where what is said begins
	used      int // of the line
	line      string
	out       []string
}

// next begins another line.
func (f *flow) next() {
	if f.used > f.at-1 || len(f.out) == 0 {
		f.out = append(f.out, strings.TrimRight(f.line, " "))
	}
	f.line, f.used = strings.Repeat(" ", f.at-1), f.at-1
}

// say writes a text so many spaces behind what is there.
func (f *flow) say(text string, gap int, paint func(string) string) {
	n := utf8.RuneCountInString(text)
	fresh := f.used == f.at-1
	if fresh {
		gap = 1
	}
	if !fresh && f.width > 0 && f.used+gap+n > f.width {
		f.next()
		gap = 1
	}
	for f.width > 0 && f.used+gap+n > f.width {
		part, rest := cut(text, max(f.width-f.used-gap, 8))
		if rest == "" {
			break
		}
		f.line += strings.Repeat(" ", gap) + paint(part)
		f.used += gap + utf8.RuneCountInString(part)
		f.next()
		text, n, gap = rest, utf8.RuneCountInString(rest), 1
	}
	f.line += strings.Repeat(" ", gap) + paint(text)
	f.used += gap + n
}

// cut takes so many characters off the beginning of s, at a space if there is one.
func cut(s string, n int) (part, rest string) {
	r := []rune(s)
	if len(r) <= n {
		return s, ""
	}
	for i := n; i > n/2; i-- {
		if r[i] == ' ' {
			return string(r[:i]), strings.TrimLeft(string(r[i:]), " ")
		}
	}
	return string(r[:n]), string(r[n:])
}

func (r *Row) has(kind string) bool {
	return slices.ContainsFunc(r.Marks, func(m Mark) bool { return m.Kind == kind })
}

// rungs draws the columns and the arrow between two of them.
func (l *Ladder) rungs(r *Row, line int) string {
	width := l.column(line)
	if len(l.Columns) == 0 {
		return ""
	}
	cells := []rune(strings.Repeat(" ", width*(len(l.Columns)-1)+1))
	for i := range l.Columns {
		cells[i*width] = '│'
	}
	from, to := r.From*width, r.To*width
	step, head := 1, '▶'
	if from > to {
		step, head = -1, '◀'
	}
	shaft := '─'
	if r.Unseen { // on its way as far as anybody knows
		shaft, head = '┄', '┄'
	}
	if from != to {
		for i := from + step; i != to; i += step {
			cells[i] = shaft
		}
		cells[to-step] = head
	}
	if r.Stopped && from != to {
		half := width / 2
		for i := 1; i < half; i++ {
			cells[to-step*i] = ' '
		}
		cells[to-step*half] = '╳'
	}
	return string(cells)
}
