package reference

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// rows lists keys in columns: name, type and what it is.
func rows(keys []Key) string {
	name, typ := 0, 0
	for _, k := range keys {
		name = max(name, utf8.RuneCountInString(k.Name))
		if n := utf8.RuneCountInString(k.Type); n <= maxType {
			typ = max(typ, n)
		}
	}
	if typ > 0 {
		typ += 2
	}
	var b strings.Builder
	pad := strings.Repeat(" ", 2+name+2+typ)
	for _, k := range keys {
		head := fmt.Sprintf("  %-*s  %-*s", name, k.Name, typ, k.Type)
		if utf8.RuneCountInString(k.Type) > maxType {
			start := fmt.Sprintf("  %-*s  ", name, k.Name)
			b.WriteString(hang(start, strings.ReplaceAll(k.Type, `"|"`, `" | "`), strings.Repeat(" ", len(start))))
			head = pad
		}
		b.WriteString(hang(head, Doc(k), pad))
	}
	return b.String()
}

// maxType is the widest type that stands in a column.
const maxType = 24

// Doc is what a key is, with what it is unless given.
func Doc(k Key) string {
	s := k.Doc
	switch {
	case k.Default != "":
		s += " (default " + k.Default + ")"
	case k.Required:
		s += " (required)"
	case k.Sometimes:
		s += " (may be nil)"
	}
	return s
}

// lowerFirst is s with its first letter in lower case.
func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// first is the first sentence of a text.
func first(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(s, "\n", "\n  ") + "\n"
}

// wrap breaks a text into lines that begin with an indent.
func wrap(s, indent string) string { return hang(indent, s, indent) }

// hang breaks a text into lines: the first begins with head, the others with pad.
func hang(head, s, pad string) string {
	var b strings.Builder
	line, empty := head, true
	for _, word := range strings.Fields(s) {
		gap := " "
		if empty {
			gap = ""
		}
		if !empty && utf8.RuneCountInString(line+gap+word) > width {
			b.WriteString(line + "\n")
			line, gap = pad, ""
		}
		line += gap + word
		empty = false
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}
