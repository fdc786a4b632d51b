package reference

import (
	_ "embed"
	"strings"
)

// Value is a type of plain values that has a name of its own.
type Value struct{ Name, Type, Doc string }

// Values are the types of plain values. What package script's kinds of arguments
// call so is told here in one sentence each, with its unit.
var Values = []Value{
	{"Duration", "string", `a time with its unit: "40ms", "1.5s", "2m", "1h30m", "5d"; at most 20 days`},
	{"Size", "integer|string", `bytes: 4096; "4KB" and "4KiB" are 1024 each, "4kB" is 1000 each; "1MB", "1GB"`},
	{"Percent", "string", `a share: "1%", "0.5%"`},
	{"Rate", "string", `bits a second: "10Mbit", "64kbit"; a kbit is 1000 bits`},
	{"Link", "{ [1]: string, [2]: Wire.Part, [3]: string }",
		`two nodes and the wire between them: { "a", wire {}, "b" }`},
}

// resultsText is what is said of the plain tables that verbs return. A test
// compares it with what the verbs of a scenario return.
//
//	Table [of ELEMENT]: what it is
//	  key[?] TYPE: what it is; ? if it may be nil
//
//go:embed results.txt
var resultsText string

// Results are the plain tables that verbs return.
func Results() []Table {
	var out []Table
	for _, line := range strings.Split(strings.TrimSpace(resultsText), "\n") {
		head, doc, _ := strings.Cut(line, ": ")
		name, rest, _ := strings.Cut(strings.TrimSpace(head), " ")
		if strings.HasPrefix(line, "  ") {
			t := &out[len(out)-1]
			name, sometimes := strings.CutSuffix(name, "?")
			t.Keys = append(t.Keys, Key{Name: name, Type: rest, Doc: doc, Sometimes: sometimes})
		} else if name != "" {
			out = append(out, Table{Name: name, Doc: doc, Item: strings.TrimPrefix(rest, "of ")})
		}
	}
	return out
}
