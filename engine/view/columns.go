package view

import (
	"fmt"
	"slices"
	"strings"
)

// Only is which nodes are columns: the rest is folded into columns of their own between
// them. Empty means all that packets visit.
type Only []string

// ReadOnly reads names of nodes with commas between them. All must be nodes of b.
func (b *Builder) ReadOnly(text string) (Only, error) {
	if text == "" {
		return nil, nil
	}
	if b.nodes == nil {
		return nil, fmt.Errorf("choose nodes %q: this capture does not say which nodes its packets pass", text)
	}
	only := Only(strings.Split(text, ","))
	for _, name := range only {
		if !slices.Contains(b.nodes, name) {
			return nil, fmt.Errorf("choose nodes %q: there is no node %q: there are %s", text, name,
				strings.Join(b.nodes, ", "))
		}
	}
	return only, nil
}

// visits notes which columns a sighting is at.
func (b *Builder) visits(seen []bool, row *Row, point int) {
	seen[row.From], seen[row.To], seen[b.node[point]] = true, true, true
}

// fold leaves out the columns that no packet of l visits, and makes one of those that
// stand beside each other and that b does not have to show. Rows that stay within one
// such column are left out.
func (b *Builder) fold(l *Ladder, seen []bool) {
	at := make([]int, len(l.Columns))
	var columns []string
	var folded []string // names in the last column, if it is one of several nodes
	for i, name := range l.Columns {
		switch {
		case !seen[i]:
			continue
		case len(b.Only) == 0 || slices.Contains(b.Only, name):
			columns, folded = append(columns, name), nil
		case folded == nil:
			columns, folded = append(columns, name), []string{name}
			l.Folded = append(l.Folded, len(columns)-1)
		default:
			folded = append(folded, name)
		}
		if folded != nil {
			columns[len(columns)-1] = foldedName(folded)
		}
		at[i] = len(columns) - 1
	}
	rows := l.Rows[:0]
	for _, r := range l.Rows {
		inside := slices.Contains(l.Folded, at[r.From]) && at[r.From] == at[r.To]
		if r.From, r.To = at[r.From], at[r.To]; !inside {
			rows = append(rows, r)
		}
	}
	l.Columns, l.Rows = columns, rows
}

// foldedName is the name of a column for several nodes.
func foldedName(nodes []string) string {
	if len(nodes) == 1 {
		return "(" + nodes[0] + ")"
	}
	return fmt.Sprintf("(%d nodes)", len(nodes))
}

// heads are the lines with the names of columns so far apart: on as few lines as keep them
// whole and apart, but on no more than most, where they are cut. A name that would end
// beyond room characters ends at its column instead; 0 is any room.
func heads(names []string, width, most, room int) []string {
	var lines []string
	for i, name := range names {
		at, n := i*width, len([]rune(name))
		if room > 0 && at+n > room {
			at = max(at-n+1, 0)
		}
		line := slices.IndexFunc(lines, func(l string) bool { return len([]rune(l)) <= at })
		if line < 0 && len(lines) < most {
			lines = append(lines, "")
			line = len(lines) - 1
		}
		if line < 0 { // no line has room: cut what stands in the way
			line = 0
			lines[0] = string([]rune(lines[0])[:max(at-2, 0)]) + "… "
		}
		l := lines[line]
		lines[line] = l + strings.Repeat(" ", max(at-len([]rune(l)), 0)) + name + " "
	}
	return lines
}
