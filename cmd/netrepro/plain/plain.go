// Package plain has the command line say in plain words what is wrong with it: flags,
// values, how many arguments there are, and files of another kind than a command takes.
//
// It knows no command. Invariant: what was right stays so, but for a flag that is given
// twice with two values, of which one would be forgotten.
package plain

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"netrepro/engine/near"
)

// line is the command line.
type line []string

// Apply has a command and those below it speak so of a command line.
func Apply(c *cobra.Command, args []string) {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	line(args).apply(c)
}

func (l line) apply(c *cobra.Command) {
	c.SetFlagErrorFunc(l.flagError)
	c.Flags().VisitAll(once)
	if takes, use := c.Args, c.Use; takes != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := takes(c, args); err != nil {
				return count(c, use, args, takes)
			}
			return l.optional(c, args)
		}
	} else if c.RunE != nil {
		c.Args = l.optional
	}
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error { return kind(c.Name(), args, run(c, args)) }
	}
	for _, below := range c.Commands() {
		l.apply(below)
	}
}

// count says of arguments whose number is wrong which is missing, or too many.
func count(c *cobra.Command, use string, args []string, takes cobra.PositionalArgs) error {
	path := c.CommandPath()
	_, shape, _ := strings.Cut(use, " ")
	write := strings.TrimSpace(path + " " + shape)
	for n := len(args) - 1; n >= 0; n-- {
		if takes(c, args[:n]) == nil {
			return fmt.Errorf("%s: %q is one argument too many: write %s", c.Name(), args[n], write)
		}
	}
	names := strings.Fields(shape)
	name := "an argument"
	if len(args) < len(names) {
		name = strings.Trim(names[len(args)], "[]….")
	}
	return fmt.Errorf("%s: %s is missing: write %s", c.Name(), name, write)
}

// optional finds values that stand after a flag whose value is written with =: they would
// be names of files.
func (l line) optional(c *cobra.Command, args []string) error {
	if short := l.shortened(c); short != "" {
		return dashes(short)
	}
	for i, arg := range l {
		name, long := strings.CutPrefix(arg, "--")
		if !long || i+1 == len(l) || len(args) == 0 {
			continue
		}
		f := c.Flags().Lookup(name)
		next := l[i+1]
		if f == nil || f.NoOptDefVal == "" || strings.HasPrefix(next, "-") {
			continue
		}
		if _, err := os.Stat(next); err == nil || !looksLike(f, next) {
			continue
		}
		return fmt.Errorf("--%s takes its value with =: write --%s=%s", name, name, next)
	}
	return nil
}

// looksLike reports whether a text is a value of a flag, and no path.
func looksLike(f *pflag.Flag, text string) bool {
	switch f.Value.Type() {
	case "bool":
		return text == "true" || text == "false"
	case "int", "uint64":
		return strings.Trim(text, "0123456789") == ""
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") == "" && text != ""
}

// flagError puts a mistake in a flag into words.
func (l line) flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var bad *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		return l.noFlag(c, unknown)
	case errors.As(err, &missing):
		f := missing.GetFlag()
		return fmt.Errorf("--%s needs a value: %s", f.Name, f.Usage)
	case errors.As(err, &bad):
		if short := l.shortened(c); short != "" {
			return dashes(short)
		}
		return value(bad.GetFlag(), bad.GetValue(), bad.Unwrap())
	case errors.As(err, &syntax):
		return fmt.Errorf("%q is no flag: flags are --NAME, --NAME=VALUE or a dash and one letter", syntax.GetSpecifiedFlag())
	}
	return err
}

// others are what flags of other programs are called here.
var others = map[string]string{
	"output": "out", "parallel": "jobs", "threads": "jobs", "workers": "jobs", "count": "repeat", "times": "repeat",
	"failfast": "fail-fast", "bail": "fail-fast", "last-failed": "rerun-failed", "reporter": "report", "format": "report",
	"junit": "report", "junitxml": "report", "tags": "tag", "skip": "exclude", "ignore": "exclude", "silent": "quiet",
	"debug": "verbose", "keep-lab": "keep", "trace": "verbose", "retry-failed": "retry", "reruns": "retry",
	"display-filter": "filter", "read-filter": "filter", "write": "output", "stream": "flow", "connection": "flow",
}

// noFlag says of a flag that there is none what is meant.
func (l line) noFlag(c *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if e.GetSpecifiedShortnames() != "" {
		if short := l.shortened(c); short != "" {
			return dashes(short)
		}
		return fmt.Errorf("%s has no flag -%s: %s --help shows those that there are", c.Name(), name, c.CommandPath())
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	hint := c.CommandPath() + " --help shows those that there are"
	meant := others[name]
	if c.Flags().Lookup(meant) == nil {
		meant = near.Word(name, names)
	}
	switch {
	case name == "version":
		hint = "write netrepro version"
	case meant != "":
		hint = "did you mean --" + meant + "?"
	default:
		if of := owner(c.Root(), name); of != "" {
			hint = "it is one of netrepro " + of
		}
	}
	return fmt.Errorf("%s has no flag --%s: %s", c.Name(), name, hint)
}

// owner is a command that has a flag, empty if none has.
func owner(root *cobra.Command, flag string) string {
	for _, c := range root.Commands() {
		if f := c.Flags().Lookup(flag); f != nil && !f.Hidden {
			return c.Name()
		}
	}
	return ""
}

func dashes(name string) error { return fmt.Errorf("-%s is written with two dashes: --%s", name, name) }

// shortened is a long flag that was written with one dash, empty if none was.
func (l line) shortened(c *cobra.Command) string {
	for _, arg := range l {
		name, ok := strings.CutPrefix(arg, "-")
		name, _, _ = strings.Cut(name, "=")
		if ok && len(name) > 1 && name[0] != '-' && c.Flags().Lookup(name) != nil {
			return name
		}
	}
	return ""
}
