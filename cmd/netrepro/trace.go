package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"netrepro/cmd/netrepro/output"
	"netrepro/engine/files"
	"netrepro/engine/match/filter"
	"netrepro/engine/report/compare"
	"netrepro/engine/report/inspect"
	"netrepro/engine/report/page"
	"netrepro/engine/view"
)

// traceOptions are the flags of trace.
type traceOptions struct {
	json, follow bool
	flow         int
	filter       string
	nodes        string
	width        int
	color        string
	write        string
	html         string
	diff         string
}

func traceCommand(e env) *cobra.Command {
	var o traceOptions
	c := &cobra.Command{
		Use:   "trace FILE",
		Short: "Show a capture as a ladder, with what every packet was",
		Long: `Show a capture as a ladder, with what every packet was.

FILE is pcap, pcapng, gzip of these, or the text that tcpdump prints; - is
standard input. Each connection is a ladder of its own. With --follow, packets
are shown as they come.

With --diff, FILE is put beside another capture: the same connections, and in
them the same segments by who sent them, their flags and relative numbers.
"-" is before what only FILE has, "+" before what only the other has, "~"
before what became something else. Times, addresses and bare acknowledgements
are no difference.

A filter is terms, all of which must hold: key=value, key=one,other, !key=value.
` + filter.Help() + `
Of a file that ends within a packet what came before is shown; standard error
says after which frame it ends, and the JSON in a last object: {"cut":"the
file ends in the middle of a record","after":12}.

Exit codes: 0 shown, 2 not a capture, damaged, or a mistake in a flag.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return untilEnded(cmd.Context(), func(ctx context.Context) error { return trace(ctx, e, args[0], o) })
		},
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "one JSON object a packet")
	f.BoolVar(&o.follow, "follow", false, "wait for more packets at the end of a growing capture, until interrupted")
	f.IntVar(&o.flow, "flow", -1, "only the connection of this number")
	f.StringVar(&o.filter, "filter", "", "only the packets for which all terms hold")
	f.StringVar(&o.nodes, "nodes", "", "only these nodes are columns, as in client,server; the others are folded")
	f.IntVar(&o.width, "width", 0, "characters a line; 0 is the terminal's, or 120 without one")
	f.StringVarP(&o.write, "write", "w", "",
		"write the packets to this pcapng file, with what they were as comments, instead of showing them")
	f.StringVar(&o.html, "html", "", "write the capture as a page for a browser to this file, instead of showing it")
	f.StringVar(&o.diff, "diff", "", "compare with this capture: what only one has, and what became something else")
	f.StringVar(&o.color, "color", "auto", "colours: auto, always, never")
	return c
}

// unwind is how long an interrupted command has to write what it has.
const unwind = 500 * time.Millisecond

// untilEnded runs what may wait for whoever should write or read on. Once ctx has ended
// it may take a moment longer.
func untilEnded(ctx context.Context, f func(context.Context) error) error {
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(unwind): // it draws, or waits
		return ctx.Err()
	}
}

func trace(ctx context.Context, e env, path string, o traceOptions) error {
	style := view.Style{Color: e.color, Width: o.width}
	switch o.color {
	case "auto":
	case "always", "never":
		style.Color = o.color == "always"
	default:
		return fmt.Errorf("--color is auto, always or never, not %q", o.color)
	}
	if o.width < 0 || o.flow < -1 {
		return errors.New("--width and --flow are not negative")
	}
	if o.nodes != "" && (o.json || o.follow || o.write != "") {
		return errors.New("--nodes is about the columns of ladders: leave out --json, --follow and --write")
	}
	if style.Color {
		e.allow(view.Sequences)
	}
	if style.Width == 0 {
		style.Width = terminalWidth(e)
	}
	if _, err := filter.Parse(o.filter, nil); err != nil {
		return err // before anything is read
	}
	for _, out := range []string{o.write, o.html} {
		if err := files.Apart(out, path, o.diff); err != nil {
			return err
		}
	}
	if err := files.Replaces(o.write, "capture", files.Capture); err != nil {
		return err
	}
	switch {
	case o.diff != "":
		return traceDiff(ctx, e, path, style, o)
	case o.html != "":
		return tracePage(ctx, e, path, o)
	}
	return inspect.Show(ctx, path, inspect.Options{JSON: o.json, Follow: o.follow, Flow: o.flow, Filter: o.filter,
		Nodes: o.nodes, Write: o.write, Style: style}, e.out, e.err)
}

// tracePage writes a capture as a page. The page has a filter of its own.
func tracePage(ctx context.Context, e env, path string, o traceOptions) error {
	if o.json || o.follow || o.write != "" || o.nodes != "" || o.filter != "" || o.flow >= 0 {
		return errors.New("--html shows the whole capture, and filters it there: leave out --json, --follow, --write, " +
			"--nodes, --filter and --flow")
	}
	if err := files.Replaces(o.html, "page", files.Page); err != nil {
		return err
	}
	d, err := page.FromCapture(ctx, path, e.err)
	if err != nil {
		return err
	}
	return page.Save(ctx, o.html, d)
}

// traceDiff shows how two captures differ, or writes a page that does.
func traceDiff(ctx context.Context, e env, path string, style view.Style, o traceOptions) error {
	if o.json || o.follow || o.write != "" || o.nodes != "" || o.filter != "" || o.flow >= 0 {
		return errors.New("--diff compares whole captures: leave out --json, --follow, --write, --nodes, --filter and --flow")
	}
	if path == "-" || o.diff == "-" {
		return errors.New("--diff reads files: name two")
	}
	c, err := compare.Files(ctx, path, o.diff, e.err)
	if err != nil {
		return err
	}
	if o.html == "" {
		return c.Text(e.out, style)
	}
	d, err := c.Page(ctx, path, o.diff)
	if err != nil {
		return err
	}
	return page.Save(ctx, o.html, d)
}

func terminalWidth(e env) int {
	const usual = 120
	var f *os.File
	out, ok := e.out.(*output.Writer)
	if ok {
		f, ok = out.To().(*os.File)
	}
	if !ok || !e.terminal {
		return usual
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w < 40 {
		return usual
	}
	return w
}
