package tshark

import (
	"fmt"
	"os/exec"
	"strings"

	"netrepro/engine/tcp/wireshark"
)

// release is a series of Wireshark's releases that has been compared with the
// analysis here.
type release struct {
	series  string // how its versions begin
	differs wireshark.Flags
	why     string
}

// releases are those that have been compared. With every version, listed or not,
// each difference is a mistake but in the flags of its row. What no version of this
// list says is not known: of the releases after 4.0 it is known only that they have
// flags that 4.0 has not, such as tcp.analysis.partial_ack, and those are not asked for.
var releases = []release{
	{series: "4.0.", why: "the rules here are those of 4.0.17"},
}

// Version is tshark's version, as "4.0.17", empty if there is no tshark.
func Version() string {
	out, err := exec.Command("tshark", "--version").Output()
	if err != nil {
		return ""
	}
	return parseVersion(string(out))
}

func parseVersion(text string) string {
	w := strings.Fields(text)
	if len(w) < 3 {
		return ""
	}
	return strings.TrimSuffix(w[2], ".")
}

// Unexplained lists the differences that are mistakes where tshark has this version,
// with what to do about them at the end, if there are any.
func (r Result) Unexplained(version string) []string {
	return unexplained(r.Differences, version, releases)
}

func unexplained(differences []Difference, version string, known []release) []string {
	hint := fmt.Sprintf("tshark %s has not been compared before: if it is right, list in %s what differs in it",
		version, "engine/testutil/tshark/version.go")
	var excused wireshark.Flags
	for _, k := range known {
		if strings.HasPrefix(version, k.series) {
			excused, hint = k.differs, fmt.Sprintf("tshark %s is known: %s", version, k.why)
		}
	}
	var out []string
	for _, d := range differences {
		if d.Numbers || d.Flags&^excused != 0 {
			out = append(out, d.String())
		}
	}
	if len(out) > 0 {
		out = append(out, hint)
	}
	return out
}
