// Package foreign knows what people write who come from other languages and other tools:
// names that Lua has otherwise, keys and verbs that others call so, files that are no
// scripts. Its grammar knows what of other languages is no Lua.
//
// It knows no scenario, and reads no file. Invariant: it is asked only about what is
// already known to be wrong, and says nothing about what it does not know.
package foreign

import "strings"

// Bytes says what a file is that has the bytes of no text, and what to do with it.
func Bytes(b string) (what, hint string) {
	for _, k := range []struct{ begins, what, hint string }{
		{"\xff\xfe", "this text is UTF-16", "save it as UTF-8"}, {"\xfe\xff", "this text is UTF-16", "save it as UTF-8"},
		{"\xd4\xc3\xb2\xa1", captured, capturedHint}, {"\xa1\xb2\xc3\xd4", captured, capturedHint},
		{"\x4d\x3c\xb2\xa1", captured, capturedHint}, {"\xa1\xb2\x3c\x4d", captured, capturedHint},
		{"\x0a\x0d\x0d\x0a", captured, capturedHint}, {"\x1f\x8b", "this is compressed", "unpack it with gunzip"},
		{"PK\x03\x04", "this is a zip file", "unpack it"}, {"\x7fELF", "this is a program", ""},
		{"\x1bLua", "this is compiled Lua", "give the source"}, {"%PDF", "this is a PDF", ""},
	} {
		if strings.HasPrefix(b, k.begins) {
			return k.what + ", not a script", k.hint
		}
	}
	if head := b[:min(len(b), 512)]; strings.Count(head, "\x00") > len(head)/3 {
		return "this text is UTF-16, not a script", "save it as UTF-8"
	}
	return "this is not a script: it has the bytes of some other kind of file", ""
}

const (
	captured     = "this is a capture"
	capturedHint = "netrepro trace shows it, and netrepro import makes a scenario of it"
)

// Lines are the lines of a text whose lines end with a carriage return alone as those of
// any other.
func Lines(text string) string {
	if !strings.Contains(text, "\n") {
		return strings.ReplaceAll(text, "\r", "\n")
	}
	return text
}
