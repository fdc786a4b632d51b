package compare

import (
	"slices"
	"strings"
)

// mostTable bounds the table that is made to compare what stands between two rows that both
// have once.
const mostTable = 4 << 20

// align puts the rows of a connection beside each other: first those whose key both have
// exactly once and in the same order, then, between these, as many others as can be.
func align(a, b []*Row) (out []Pair) {
	i, j := 0, 0
	for _, m := range append(anchors(a, b), [2]int{len(a), len(b)}) {
		out = append(out, between(a[i:m[0]], b[j:m[1]])...)
		if m[0] < len(a) {
			out = append(out, paired(a[m[0]], b[m[1]]))
		}
		i, j = m[0]+1, m[1]+1
	}
	return out
}

// anchors are the places of rows that both have once, in an order that is that of both.
func anchors(a, b []*Row) [][2]int {
	once := func(rows []*Row) map[string]int {
		at := map[string]int{}
		for i, r := range rows {
			if _, again := at[r.key]; again {
				i = -1
			}
			at[r.key] = i
		}
		return at
	}
	left, right := once(a), once(b)
	var both [][2]int
	for i, r := range a {
		if j, has := right[r.key]; has && j >= 0 && left[r.key] == i {
			both = append(both, [2]int{i, j})
		}
	}
	return rising(both)
}

// rising is the longest part of pairs, which rise in the first, that rises in the second.
func rising(pairs [][2]int) [][2]int {
	var tails []int // by length, the pair that such a part ends with and that is least
	before := make([]int, len(pairs))
	for i, p := range pairs {
		k, _ := slices.BinarySearchFunc(tails, p[1], func(t, want int) int { return pairs[t][1] - want })
		before[i] = -1
		if k > 0 {
			before[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	out := make([][2]int, len(tails))
	if len(tails) > 0 {
		for k, i := len(tails)-1, tails[len(tails)-1]; k >= 0; k, i = k-1, before[i] {
			out[k] = pairs[i]
		}
	}
	return out
}

// between puts rows beside each other that have no anchor among them.
func between(a, b []*Row) (out []Pair) {
	w := len(b) + 1
	if len(a) == 0 || len(b) == 0 || (len(a)+1)*w > mostTable {
		for _, r := range a {
			out = append(out, Pair{A: r})
		}
		for _, r := range b {
			out = append(out, Pair{B: r})
		}
		return out
	}
	most := make([]int32, (len(a)+1)*w) // how many are the same from here on
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].key == b[j].key {
				most[i*w+j] = most[(i+1)*w+j+1] + 1
			} else {
				most[i*w+j] = max(most[(i+1)*w+j], most[i*w+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i].key == b[j].key:
			out = append(out, paired(a[i], b[j]))
			i, j = i+1, j+1
		case most[(i+1)*w+j] >= most[i*w+j+1]:
			out = append(out, Pair{A: a[i]})
			i++
		default:
			out = append(out, Pair{B: b[j]})
			j++
		}
	}
	for ; i < len(a); i++ {
		out = append(out, Pair{A: a[i]})
	}
	for ; j < len(b); j++ {
		out = append(out, Pair{B: b[j]})
	}
	return out
}

// paired says how two rows differ that are the same by their keys.
func paired(a, b *Row) Pair {
	p := Pair{A: a, B: b}
	if a.Label != b.Label && (!a.chance || !b.chance) && sansAck(a.Label) != sansAck(b.Label) {
		p.Differs = append(p.Differs, b.Label)
	}
	for _, m := range a.Marks {
		if !slices.Contains(b.Marks, m) {
			p.Differs = append(p.Differs, "not: "+m)
		}
	}
	for _, m := range b.Marks {
		if !slices.Contains(a.Marks, m) {
			p.Differs = append(p.Differs, m)
		}
	}
	return p
}

// sansAck is a label without what it acknowledges, which is a matter of chance.
func sansAck(label string) string {
	before, after, found := strings.Cut(label, " ack ")
	if !found {
		return label
	}
	_, rest, _ := strings.Cut(after, " ")
	return before + " " + rest
}
