//go:build linux

package selection

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"netrepro/engine/script"
)

// pattern is a name on the command line: a scenario, "scenario/variant", or with the
// cell of a matrix "scenario/variant,key=value". Each part may be a glob.
type pattern struct {
	text           string
	scenario, rest string
	cases          bool // it has a part after the scenario's name
}

func newPattern(text string) pattern {
	p := pattern{text: text}
	p.scenario, p.rest, p.cases = strings.Cut(text, "/")
	return p
}

// glob reports whether text has wildcards.
func glob(text string) bool { return strings.ContainsAny(text, "*?[") }

// like reports whether name is what want says: the same, or what a glob matches.
func like(want, name string) bool {
	if want == name {
		return true
	}
	if !glob(want) {
		return false
	}
	var b strings.Builder
	for i := 0; i < len(want); i++ {
		end := strings.IndexByte(want[i:], ']')
		switch {
		case want[i] == '*':
			b.WriteString(".*")
		case want[i] == '?':
			b.WriteString(".")
		case want[i] == '[' && end > 1:
			b.WriteString("[" + strings.ReplaceAll(want[i+1:i+end], "\\", "") + "]")
			i += end
		default:
			b.WriteString(regexp.QuoteMeta(want[i : i+1]))
		}
	}
	re, err := regexp.Compile("(?s)^(?:" + b.String() + ")$")
	return err == nil && re.MatchString(name)
}

// names reports whether p names c.
func (p pattern) names(c *script.Case) bool {
	if !like(p.scenario, c.Name) {
		return false
	}
	if !p.cases {
		return true
	}
	_, rest, _ := strings.Cut(c.ID(), "/")
	return like(p.rest, c.Variant.Name) && c.Variant.Name != "" || like(p.rest, rest)
}

// wants is p.names as a condition.
func (p pattern) wants(_ *script.File, c *script.Case) bool { return p.names(c) }

// places reports whether p names the folder of f, or a scenario by that folder:
// "nat", "nat/tw-*".
func (p pattern) places(f *script.File, c *script.Case) bool {
	folder := path.Base(path.Dir(filepath.ToSlash(f.Name)))
	return like(p.scenario, folder) && (!p.cases || like(p.rest, c.Name))
}

// within reports whether p is the path of f, or of a folder that it is in.
func (p pattern) within(f *script.File) bool {
	rel, err := filepath.Rel(filepath.Clean(p.text), filepath.Clean(f.Name))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
