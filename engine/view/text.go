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

func (s Style) paint(color, text string) string {
	if !s.Color || color == "" {
		return text
	}
	return color + text + normal
}

const (
	minColumn, maxColumn = 6, 24 // characters between two columns
	numbers              = 20    // characters of frame number and time
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

// column is how far apart the columns of l stand.
func (l *Ladder) column() int {
	w := minColumn
	for _, c := range l.Columns {
		w = max(w, utf8.RuneCountInString(c)+2)
	}
	return min(w, maxColumn)
}

// WriteHead writes the title and the names of the columns.
func (l *Ladder) WriteHead(w io.Writer, s Style) error {
	var b strings.Builder
	if l.Title != "" {
		fmt.Fprintf(&b, "%s\n", s.paint(bold, sanitize.Text(l.Title)))
	}
	width := l.column()
	fmt.Fprintf(&b, "%-*s", numbers, "")
	for _, c := range l.Columns {
		b.WriteString(s.paint(bold, pad(sanitize.Text(c), width)))
	}
	text := strings.TrimRight(b.String(), " ")
	_, err := io.WriteString(w, text+"\n")
	return err
}

// pad cuts or fills s to n characters.
func pad(s string, n int) string {
	c := utf8.RuneCountInString(s)
	if c >= n {
		r := []rune(s)
		return string(r[:n-2]) + "… "
	}
	return s + strings.Repeat(" ", n-c)
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

// lines writes a row, its marks behind the label as far as they fit.
func (l *Ladder) lines(r *Row, s Style) []string {
	head := fmt.Sprintf("%-7s%+11.6f  ", fmt.Sprintf("#%d", r.Frames[0]), r.Time.Seconds())
	rungs := l.rungs(r)
	at := utf8.RuneCountInString(head) + utf8.RuneCountInString(rungs) + 1
	color := ""
	switch {
	case r.Stopped && r.has(MarkDropped) || r.has(MarkReset):
		color = red
	case r.has(MarkSent):
		color = yellow
	case strings.HasPrefix(r.Label, ". ") && !strings.Contains(r.Label, "("):
		color = dim
	}
	text := sanitize.Text(r.Label)
	line := head + s.paint(color, rungs+" "+text)
	used := at + utf8.RuneCountInString(text)
	var out []string
	for _, m := range r.Marks {
		m.Text = sanitize.Text(m.Text)
		n := utf8.RuneCountInString(m.Text)
		if s.Width > 0 && used+2+n > s.Width && used > at || m.Kind == MarkSign {
			out = append(out, line)
			line = strings.Repeat(" ", at) + s.paint(markColors[m.Kind], m.Text)
			used = at + n
			continue
		}
		line += "  " + s.paint(markColors[m.Kind], m.Text)
		used += 2 + n
	}
	return append(out, strings.TrimRight(line, " "))
}

func (r *Row) has(kind string) bool {
	return slices.ContainsFunc(r.Marks, func(m Mark) bool { return m.Kind == kind })
}

// rungs draws the columns and the arrow between two of them.
func (l *Ladder) rungs(r *Row) string {
	width := l.column()
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
	line := '─'
	if r.Unseen { // on its way as far as anybody knows
		line, head = '┄', '┄'
	}
	if from != to {
		for i := from + step; i != to; i += step {
			cells[i] = line
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
