package foreign

import (
	"fmt"
	"strings"

	"netrepro/engine/pattern"
)

var nilIndex = pattern.New(`^attempt to index a non-table object\((\w+)\)(?: with key '(.*)')?$`)

// badArgument is what functions of Lua's library say of theirs.
var badArgument = pattern.New(`^bad argument #(\d+) to (\S+) \((.*)\)$`)

// Plain puts the interpreter's messages into words, with the word at fault and a remedy.
func Plain(msg string) (text, word, hint string) {
	if m := nilIndex.FindStringSubmatch(msg); m != nil {
		if m[1] == "nil" {
			return "this is nil and has no members", m[2],
				"a verb that fails returns nil and the error's name: look at its second value"
		}
		return "this is a " + m[1] + " and has no members", m[2], ""
	}
	if m := badArgument.FindStringSubmatch(msg); m != nil {
		what := strings.ReplaceAll(m[3], "userdata", "an object")
		switch {
		case (m[2] == "ipairs" || m[2] == "pairs" || m[2] == "unpack" || m[2] == "next") && strings.Contains(m[3], "userdata"):
			hint = "a verb makes a list of it: net.trace:packets(), net.trace:resets(), …"
		case strings.Contains(m[3], "got nil"):
			hint = "this is nil: look at where it comes from"
		}
		return fmt.Sprintf("%s: argument %s: %s", m[2], m[1], what), m[2], hint
	}
	switch {
	case msg == "__len undefined":
		return "this has no length", "#", "# counts the elements of a list; a verb that finds nothing returns nil, and " +
			"node:tracked { … } lists what there is"
	case strings.HasPrefix(msg, "attempt to call a non-function object"):
		return "this is not a function and cannot be called", "", "look for a name that is not what it seems, or a missing verb"
	case strings.HasPrefix(msg, "attempt to compare"):
		return msg, "", "both sides are numbers, or both texts: tonumber(x) makes a number of a text, and nil is neither"
	case strings.HasPrefix(msg, "cannot perform") || strings.HasPrefix(msg, "attempt to perform arithmetic"):
		return msg, "", "both sides are numbers; texts are joined with .., and tonumber(x) makes a number of one"
	case strings.HasPrefix(msg, "cannot concat") || strings.HasPrefix(msg, "attempt to concatenate"):
		return msg, "", "write tostring(x) .. what is not a text or a number"
	}
	return msg, "", ""
}
