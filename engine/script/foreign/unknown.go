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
	switch {
	case hint != "":
	case strings.HasSuffix(class, "Expectation") && name != "equals":
		hint = "expect and must return an expectation, not what they were given"
	case class == "ResultExpectation":
		hint = "this is a result: expect one of its members, as expect(got.status):equals(200)"
	case class == "Net":
		hint = fmt.Sprintf("a wire is known by its name: wire { name = %q }", name)
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
