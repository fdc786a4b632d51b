package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"netrepro/engine/diagnose"
	"netrepro/engine/files"
	"netrepro/engine/report/diagnosis"
	"netrepro/engine/report/page"
)

// diagnoseOptions are the flags of diagnose.
type diagnoseOptions struct {
	json, ticket bool
	html         string
}

func diagnoseCommand(e env) *cobra.Command {
	var o diagnoseOptions
	var keyLog string
	c := &cobra.Command{
		Use:   "diagnose FILE...",
		Short: "Say what happened in a capture, how surely, and which packets prove it",
		Long: `Say what happened in a capture, how surely, and which packets prove it.

FILE is pcap, pcapng, gzip of these, or the text that tcpdump or tshark prints; -
is standard input. Several files are captures of one incident, such as from the
client and from the server.

Each finding has an id, the packets that prove it, what it is not, what to try
next, and the shipped scenario that shows the same. That nothing is wrong is a
finding (clean), and that the capture cannot tell is one (cannot-tell).

Exit codes: 0 diagnosed, 2 not a capture, damaged, or a mistake in a flag.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return diagnoseFiles(cmd.Context(), e, args, o, keyLog) },
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "one JSON object")
	f.StringVar(&o.html, "html", "", "write the diagnosis and its packets as a page for a browser to this file")
	f.BoolVar(&o.ticket, "for-ticket", false, "Markdown for a ticket, addresses mapped to documentation ranges")
	f.StringVar(&keyLog, "keylog", "", "read certificates of TLS 1.3 with the secrets in this file (SSLKEYLOGFILE)")
	return c
}

func diagnoseFiles(ctx context.Context, e env, paths []string, o diagnoseOptions, keyLog string) error {
	if o.json && o.ticket {
		return errors.New("--json and --for-ticket are two ways to write it: take one")
	}
	if o.html != "" && (o.json || o.ticket || slices.Contains(paths, "-")) {
		return errors.New("--html reads the files once more and writes a page: leave out --json and --for-ticket, " +
			"and name files")
	}
	if err := files.Apart(o.html, append(slices.Clone(paths), keyLog)...); err != nil {
		return err
	}
	if err := files.Replaces(o.html, "page", files.Page); err != nil {
		return err
	}
	r, err := diagnose.FilesWithKeys(ctx, paths, keyLog)
	if err != nil {
		return err
	}
	diagnosis.Remarks(e.err, r)
	switch {
	case o.html != "":
		d, err := diagnosis.Page(ctx, r, paths)
		if err != nil {
			return err
		}
		return page.Save(ctx, o.html, d)
	case o.json:
		return diagnosis.JSON(e.out, r)
	case o.ticket:
		diagnosis.Ticket(e.out, r)
	default:
		diagnosis.Text(e.out, r)
	}
	return nil
}
