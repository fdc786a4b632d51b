//go:build linux

package suite

import (
	"fmt"

	"github.com/spf13/cobra"

	"netrepro/engine/script"
)

func checkCommand(e Console) *cobra.Command {
	var sel selected
	var strict bool
	c := &cobra.Command{
		Use:   "check [PATH…]",
		Short: "Check scenarios for mistakes, without privilege and without running them",
		Long: `Check scenarios for mistakes, without privilege and without running them.

` + pathHelp + `

What is surely a mistake is an error: a verb, a key or a value that there is not, a part
that the topology has not, a name twice. What may be meant is a warning: a fault that no
packet reaches, a host that should forward, variants that do the same, a scenario that
expects nothing, prefixes of wires that cover each other.

Exit codes: 0 no mistake, 2 a mistake, or with --strict a warning.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := sel.load(cmd, e, args)
			if err != nil {
				return err
			}
			return check(e, cases.Files, strict)
		},
	}
	sel.flags(c)
	c.Flags().BoolVar(&strict, "strict", false, "a warning is a mistake (exit code 2)")
	return c
}

// count is so many things, in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func check(e Console, files []*script.File, strict bool) error {
	scenarios, mistakes, warnings := 0, 0, 0
	from := map[string]*script.Scenario{}
	for _, f := range files {
		for _, s := range f.Scenarios {
			scenarios++
			if other := from[s.Name]; other != nil {
				mistakes++
				fmt.Fprintf(e.Err, "%s:%d: scenario %q is in %s:%d too\n      | give each scenario a name of its own\n", s.File,
					s.Line, s.Name, other.File, other.Line)
			}
			from[s.Name] = s
		}
		for _, found := range f.Lint() {
			if found.Warning {
				warnings++
				fmt.Fprintf(e.Out, "warning: %s\n", found.Render())
			} else {
				mistakes++
				fmt.Fprintln(e.Err, found.Render())
			}
		}
	}
	switch {
	case mistakes > 0:
		fmt.Fprintf(e.Out, "%d files, %d scenarios: %s, %s\n", len(files), scenarios, count(mistakes, "mistake"),
			count(warnings, "warning"))
		return &Exit{Code: Script}
	case warnings > 0:
		fmt.Fprintf(e.Out, "%d files, %d scenarios: no mistakes found, %s\n", len(files), scenarios, count(warnings, "warning"))
		if strict {
			return &Exit{Code: Script}
		}
		return nil
	}
	fmt.Fprintf(e.Out, "%d files, %d scenarios: no mistakes found\n", len(files), scenarios)
	return nil
}
