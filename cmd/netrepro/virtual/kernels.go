//go:build linux

package virtual

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"netrepro/engine/virtual/kernels"
)

// KernelsCommand is the command kernels, which writes to out.
func KernelsCommand(out io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use:   "kernels",
		Short: "List the kernels that run --vm can use",
		Long: `List the kernels that run --vm can use: those that were added, and those of this
machine that may be read.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := Store()
			if err != nil {
				return err
			}
			stored, machine, err := s.List()
			if err != nil {
				return err
			}
			for _, g := range []struct {
				from string
				of   []*kernels.Kernel
			}{{"added", stored}, {"of this machine", machine}} {
				for _, k := range g.of {
					note := ""
					if k.Modules == "" {
						note = ", without its modules: not usable"
					}
					fmt.Fprintf(out, "%s  (%s%s)\n", k.Name, g.from, note)
				}
			}
			if len(stored)+len(machine) == 0 {
				fmt.Fprintln(out, "none: netrepro kernels add FILE.deb adds one")
			}
			return nil
		},
	}
	c.AddCommand(&cobra.Command{
		Use:   "add FILE.deb…",
		Short: "Unpack kernels from Debian packages, so that run --vm finds them",
		Long: `Unpack kernels from Debian packages, so that run --vm finds them.

Where a distribution divides a kernel into several packages, name all of them:
those with -image or -binary, and -modules, in their names.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := Store()
			if err != nil {
				return err
			}
			version, err := s.Add(args...)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "added %s\n", version)
			return nil
		},
	})
	return c
}
