//go:build linux

package suite

import (
	"fmt"

	"github.com/spf13/cobra"
)

func checkCommand(e Console) *cobra.Command {
	var sel selected
	c := &cobra.Command{
		Use:   "check [PATH…]",
		Short: "Check scenarios for mistakes, without privilege and without running them",
		Long:  "Check scenarios for mistakes, without privilege and without running them.\n\n" + pathHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := sel.load(cmd, e, args)
			if err != nil {
				return err
			}
			n := 0
			for _, f := range cases.Files {
				n += len(f.Scenarios)
			}
			fmt.Fprintf(e.Out, "%d files, %d scenarios: no mistakes found\n", len(cases.Files), n)
			return nil
		},
	}
	sel.flags(c)
	return c
}
