package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"netrepro/engine/files"
	"netrepro/engine/incident"
	"netrepro/engine/incident/emit"
	"netrepro/engine/incident/read"
)

// importOptions are the flags of import, and those that replay shares with it.
type importOptions struct {
	read.Options
	out  string
	peer string
}

func importCommand(e env) *cobra.Command {
	var o importOptions
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
		RunE: func(cmd *cobra.Command, args []string) error { return importCapture(cmd.Context(), e, args[0], o) },
	}
	o.flags(c)
	c.Flags().StringVarP(&o.out, "out", "o", "-", "write the scenario to this file; - is standard output")
	return c
}

func (o *importOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.Flow, "flow", -1, "only the connection of this number")
	f.BoolVar(&o.Payload, "keep-payload", false, "write the bytes of the capture, not filler: they may hold secrets")
	f.StringVar(&o.peer, "peer", "",
		"client or server: play that side's packets from the capture against a live kernel on the other")
}

// text is the scenario that a capture becomes.
func (o *importOptions) text(ctx context.Context, path string) (inc *incident.Incident, text string, side int,
	err error) {
	if o.Flow < -1 {
		return nil, "", 0, errors.New("--flow is not negative: netrepro trace shows the numbers")
	}
	side = -1
	switch o.peer {
	case "":
	case "client":
		side = incident.Client
	case "server":
		side = incident.Server
	default:
		return nil, "", 0, fmt.Errorf("--peer is client or server, not %q", o.peer)
	}
	if inc, err = read.File(ctx, path, o.Options); err != nil {
		return nil, "", 0, err
	}
	return inc, emit.Scenario(inc, emit.Options{Peer: side}), side, nil
}

func importCapture(ctx context.Context, e env, path string, o importOptions) error {
	_, text, _, err := o.text(ctx, path)
	if err != nil {
		return err
	}
	if o.out == "-" {
		_, err := io.WriteString(e.out, text)
		return err
	}
	f, err := files.Create(ctx, o.out, 0o644)
	if err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	_, err = io.WriteString(f, text)
	return f.Close(err)
}
