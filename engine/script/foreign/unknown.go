package foreign

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/near"
)

// NoKey says that a verb, which is called full in the reference, takes no option of a
// name, but those known.
func NoKey(verb, full, name string, known []string) (msg, takes, hint string) {
	if hint = Key(name, known); hint == "" {
		hint = near.Hint(name, known)
	}
	return fmt.Sprintf("unknown key %q in %s", name, verb),
		fmt.Sprintf("%s takes: %s", verb, near.Of(name, known, "netrepro doc "+strings.ToLower(full))), hint
}

// NoMember says that an object of a class, called what, has no member of a name, but those
// known.
func NoMember(what, class, name string, known []string) (msg, hint string) {
	if hint = Member(class, name, known); hint == "" {
		hint = near.Hint(name, known)
	}
	if other := strings.ReplaceAll(name, "_", "-"); slices.Contains(known, other) && other != name {
		hint = fmt.Sprintf("write [%q]", other)
	}
	for _, k := range known {
		if strings.HasPrefix(k, name+"-") { // a - b is a difference
			hint = fmt.Sprintf("a name with - stands in brackets: write [%q]", k)
		}
	}
	return fmt.Sprintf("%s has no %q (it has: %s)", what, name, near.Of(name, known, "netrepro doc "+class)), hint
}
