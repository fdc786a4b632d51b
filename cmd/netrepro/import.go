package main

import (
	"context"

	"github.com/spf13/cobra"

	"netrepro/engine/files"
	"netrepro/engine/reproduction/importing"
)

func importCommand(e env) *cobra.Command {
	var o importing.Options
	var to string
	var force bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Write a capture as a scenario",
		Long: `Write a capture as a scenario.

FILE is what trace reads; - is standard input. The scenario has endpoints that
exchange as many bytes after the same pauses, the observed losses as counted
faults, and comments that say what was inferred and what is a guess. It has no
address, name or payload of the capture; with --keep-payload, the payload.

Of a capture with many connections the one is imported that was reset or sent
again most; --flow names another, by its number in trace.

Exit codes: 0 written, 2 not a capture, damaged, without a TCP connection, or a
mistake in a flag.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := files.Apart(to, args[0]); err != nil {
				return err
			}
			if err := importing.Replaces(to); err != nil && !force {
				return err
			}
			return importCapture(cmd.Context(), e, args[0], to, o)
		},
	}
	importFlags(c, &o)
	c.Flags().StringVarP(&to, "out", "o", "-", "write the scenario to this file; - is standard output")
	c.Flags().BoolVar(&force, "force", false, "write over a file that was not imported")
	return c
}

// importFlags are those that import and replay share.
func importFlags(c *cobra.Command, o *importing.Options) {
	f := c.Flags()
	f.IntVar(&o.Flow, "flow", -1, "only the connection of this number")
	f.BoolVar(&o.Payload, "keep-payload", false, "write the bytes of the capture, not filler: they may hold secrets")
	f.StringVar(&o.Peer, "peer", "",
		"client or server: play that side's packets from the capture against a live kernel on the other")
}

func importCapture(ctx context.Context, e env, path, to string, o importing.Options) error {
	if o.Name = to; to == "-" {
		o.Name = ""
	}
	s, err := importing.File(ctx, path, o)
	if err != nil {
		return err
	}
	return s.Write(ctx, to, e.out)
}
