package sanitize

import "strings"

// plain are the letters of a word that a shell takes as it stands.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,+:@%"

// Command is a command line of words as a shell takes it: those that it would take
// otherwise are quoted.
func Command(words ...string) string {
	out := make([]string, len(words))
	for i, w := range words {
		special := strings.ContainsFunc(w, func(r rune) bool { return !strings.ContainsRune(plain, r) })
		if out[i] = w; special || w == "" {
			out[i] = "'" + strings.ReplaceAll(Text(w), "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
