// Package near finds the word that was meant by one that nobody knows.
//
// It knows no language. Invariant: it says nothing rather than what is far away.
package near

import (
	"fmt"
	"slices"
	"strings"
)

// Word is the one of known that word was probably meant to be, empty if none is near:
// one edit away, or two in words of at least six letters, and never for words under three.
func Word(word string, known []string) string {
	n := len([]rune(word))
	if n < 3 {
		return ""
	}
	best, least := "", 2
	if n >= 6 {
		least = 3
	}
	for _, k := range known {
		d := distance(word, k)
		if strings.EqualFold(word, k) || bare(word) == bare(k) {
			d = min(d, 1)
		}
		if d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// bare is a word without what is between its parts: to_addr, toAddr and to-addr are one.
func bare(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(s))
}

// Hint asks whether the nearest of known is meant; empty if none is near.
func Hint(word string, known []string) string {
	if n := Word(word, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// Many is how many names a list shows; of longer ones only those that are like the word.
const Many = 15

// Of is a list of names for a message about a word that is none of them. Of a long list it
// has those that are like the word, and where the others are.
func Of(word string, names []string, rest string) string {
	names = unique(names)
	if len(names) <= Many {
		return strings.Join(names, ", ")
	}
	var like []string
	for _, n := range names {
		if alike(word, n) {
			like = append(like, n)
		}
	}
	if len(like) == 0 || len(like) > Many {
		like = names[:Many/2]
	}
	return fmt.Sprintf("%s and %d more: %s", strings.Join(like, ", "), len(names)-len(like), rest)
}

// alike reports whether two words have a part of at least four letters in common, begin
// the same, or are near.
func alike(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) >= 3 && strings.Contains(b, a) || len(b) >= 3 && strings.Contains(a, b) {
		return true
	}
	const part = 4
	for i := 0; i+part <= len(a); i++ {
		if strings.Contains(b, a[i:i+part]) {
			return true
		}
	}
	return Word(a, []string{b}) != ""
}

// unique are names without those that were there before.
func unique(names []string) (out []string) {
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours between a and b.
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
