package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/match"
	"netrepro/engine/tcp"
	"netrepro/engine/view"
)

// traceOptions are the flags of trace.
type traceOptions struct {
	json, follow bool
	flow         int
	filter       string
	width        int
	color        string
	write        string
}

// maxRows bounds how many packets a ladder has.
const maxRows = 50_000

func traceCommand(e env) *cobra.Command {
	var o traceOptions
	c := &cobra.Command{
		Use:   "trace FILE",
		Short: "Show a capture as a ladder, with what every packet was",
		Long: `Show a capture as a ladder, with what every packet was.

FILE is pcap, pcapng, gzip of these, or the text that tcpdump prints; - is
standard input. Each connection is a ladder of its own. With --follow, packets
are shown as they come.

A filter is terms, all of which must hold: key=value, key=one,other, !key=value.
` + match.Help() + `
Exit codes: 0 shown, 2 not a capture, damaged, or a mistake in a flag.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			ended := make(chan error, 1)
			go func() { ended <- trace(ctx, e, args[0], o) }()
			select {
			case err := <-ended:
				return err
			case <-ctx.Done():
			}
			select {
			case err := <-ended:
				return err
			case <-time.After(unwind): // it draws, or waits for whoever should read on
				return ctx.Err()
			}
		},
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "one JSON object a packet")
	f.BoolVar(&o.follow, "follow", false, "wait for more packets at the end of a growing capture, until interrupted")
	f.IntVar(&o.flow, "flow", -1, "only the connection of this number")
	f.StringVar(&o.filter, "filter", "", "only the packets for which all terms hold")
	f.IntVar(&o.width, "width", 0, "characters a line; 0 is the terminal's, or 120 without one")
	f.StringVarP(&o.write, "write", "w", "", "write the packets to this pcapng file, with what they were as comments, instead of showing them")
	f.StringVar(&o.color, "color", "auto", "colours: auto, always, never")
	return c
}

// memoryGoal is when the garbage collector begins to hurry: no capture is to take
// more than a quarter of a gigabyte.
const memoryGoal = 216 << 20

// unwind is how long an interrupted trace has to write what it has.
const unwind = 500 * time.Millisecond

func trace(ctx context.Context, e env, path string, o traceOptions) (err error) {
	// What is in use stays well below; this is for what is not used any more.
	debug.SetMemoryLimit(memoryGoal)
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
	if style.Color {
		e.allow(view.Sequences)
	}
	if style.Width == 0 {
		style.Width = terminalWidth(e)
	}
	if _, err := match.ParseFilter(o.filter, nil); err != nil {
		return err // before anything is read
	}
	open := capture.Open
	if o.follow {
		open = capture.Follow
	}
	s, err := open(ctx, path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(e.out, 1<<20)
	t := &tracer{source: s, out: w, style: style, options: o}
	if o.write != "" {
		if t.file, err = capture.NewWriter(ctx, o.write, s); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	err = t.run()
	if t.file != nil {
		if ctx.Err() == nil && errors.Is(err, pcap.ErrCut) { // what came before it is good
			err = errors.Join(err, t.file.Close(nil))
		} else {
			err = t.file.Close(err)
		}
	}
	if o.follow && ctx.Err() != nil && (errors.Is(err, pcap.ErrCut) || errors.Is(err, ctx.Err())) {
		err = nil // the end of --follow
	}
	var mistake usage
	if err != nil && !errors.As(err, &mistake) {
		err = fmt.Errorf("read %s: after frame %d: %w", path, t.last, err)
	}
	err = errors.Join(err, w.Flush(), s.Close())
	if err == nil {
		t.remarks(e.err)
	}
	return err
}

// usage is a mistake in a flag.
type usage struct{ error }

func terminalWidth(e env) int {
	const usual = 120
	var f *os.File
	out, ok := e.out.(*output)
	if ok {
		f, ok = out.to.(*os.File)
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

// tracer shows one capture.
type tracer struct {
	source  *capture.Source
	out     *bufio.Writer
	style   view.Style
	options traceOptions

	filter  *match.Filter
	ask     match.Packet
	builder *view.Builder
	names   view.Names
	learnt  int // of the capture's names
	points  []tcp.Point
	kept    []*tcp.Record
	more    int // packets beyond maxRows
	shown   int
	last    int
	line    []byte
	json    *view.Printer
	file    *capture.Writer
	ladder  view.Ladder
	flow    int // that was shown last, with follow
	rows    shownRows
}

func (t *tracer) run() error {
	a := tcp.New(tcp.Options{})
	t.flow = -2
	var in tcp.Input
	var r tcp.Record
	for {
		err := t.source.Next(&in)
		if err != nil {
			end := err
			if errors.Is(err, io.EOF) {
				end = nil
			}
			if t.last == 0 && end == nil {
				return nil
			}
			return errors.Join(end, t.finish())
		}
		t.last = in.N
		points := t.source.Points()
		if t.filter == nil {
			if err := t.begin(); err != nil {
				return usage{err}
			}
		}
		if len(points) != len(t.points) { // a pcapng may describe more at any time
			t.points, t.builder = points, nil
		}
		a.Describe(points)
		a.Add(&in, &r)
		// A packet that is shown is shown at every point where it was seen, or it
		// would seem lost at the others.
		shown := t.filter.Matches(t.ask.Captured(&r))
		if len(points) > 1 && !t.options.json { // an object of JSON is one sighting
			var before []*tcp.Record
			before, shown = t.rows.take(&r, shown, t.ladders())
			for _, b := range before {
				t.keep(b)
			}
		}
		if !shown {
			continue
		}
		t.shown++
		if err := t.show(&r); err != nil {
			return err
		}
	}
}

// learn takes in the names in the capture.
func (t *tracer) learn() {
	names := t.source.Names()
	for _, n := range names[t.learnt:] {
		if _, ok := t.names[n.Addr]; !ok {
			t.names[n.Addr] = n.Host
		}
	}
	t.learnt = len(names)
}

// begin makes the filter, which needs names.
func (t *tracer) begin() error {
	t.names, t.learnt = view.Names{}, 0
	t.learn()
	text := t.options.filter
	if t.options.flow >= 0 {
		text += fmt.Sprintf(" flow=%d", t.options.flow)
	}
	var err error
	t.filter, err = match.ParseFilter(text, t.addresses)
	return err
}

// addresses are those of a host that the capture names.
func (t *tracer) addresses(host string) []netip.Addr {
	var out []netip.Addr
	for a, n := range t.names {
		if n == host {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

func (t *tracer) show(r *tcp.Record) error {
	switch {
	case t.file != nil:
		return t.file.Write(view.Remarks(r))
	case t.options.json && t.options.follow:
		t.line = view.AppendJSON(t.line[:0], r)
		if _, err := t.out.Write(t.line); err != nil {
			return err
		}
		return t.out.Flush()
	case t.options.json:
		if t.json == nil {
			t.json = view.NewPrinter(t.out)
		}
		return t.json.Print(r)
	case t.options.follow:
		return t.showNow(r)
	case len(t.kept) == maxRows: // a copy would be for nothing
		t.more++
		return nil
	}
	t.keep(view.Keep(r))
	return nil
}

// ladders reports whether ladders are drawn when all is read.
func (t *tracer) ladders() bool { return t.file == nil && !t.options.json && !t.options.follow }

// keep takes a record into the ladders.
func (t *tracer) keep(r *tcp.Record) {
	if len(t.kept) == maxRows {
		t.more++
		return
	}
	t.kept = append(t.kept, r)
}

// showNow writes one packet at once, with the head of its ladder if another was
// shown before.
func (t *tracer) showNow(r *tcp.Record) error {
	if t.builder == nil {
		t.learn()
		t.builder = view.NewBuilder(t.names, t.points)
	}
	row := t.builder.Row(r)
	if row.Flow != t.flow {
		t.flow = row.Flow
		for l := range t.builder.Flows([]*tcp.Record{r}) {
			t.ladder = l
		}
		if err := t.ladder.WriteHead(t.out, t.style); err != nil {
			return err
		}
	}
	if err := t.ladder.WriteRow(t.out, &row, t.style); err != nil {
		return err
	}
	return t.out.Flush()
}

func (t *tracer) finish() error {
	if t.json != nil {
		return t.json.Close()
	}
	if !t.ladders() || len(t.kept) == 0 {
		return nil
	}
	t.learn()
	// A packet may have been found worth showing where it was not seen first.
	slices.SortFunc(t.kept, func(a, b *tcp.Record) int { return a.N - b.N })
	t.builder = view.NewBuilder(t.names, t.points)
	first := true
	for l := range t.builder.Flows(t.kept) {
		if !first {
			if err := t.out.WriteByte('\n'); err != nil {
				return err
			}
		}
		first = false
		if err := l.Write(t.out, t.style); err != nil {
			return err
		}
	}
	return nil
}

// remarks says what the reader of the ladder must know of the capture.
func (t *tracer) remarks(w io.Writer) {
	s := t.source
	if t.more > 0 {
		fmt.Fprintf(w, "netrepro: %d more packets are not shown: narrow them with --flow or --filter, or take --json\n", t.more)
	}
	if n := s.Lost(); n > 0 {
		fmt.Fprintf(w, "netrepro: the capturing program lost %d packets: what seems lost may only be missing here\n", n)
	}
	if s.Unknown > 0 {
		fmt.Fprintf(w, "netrepro: %d frames are of link type %d, which is not decoded\n", s.Unknown, s.UnknownLink)
	}
	if s.Text != nil && s.Text.Skipped > 0 {
		fmt.Fprintf(w, "netrepro: %d lines were not understood, the first is line %d: %s\n", s.Text.Skipped, s.Text.FirstSkipped, s.Text.SkippedWhy)
	}
	if t.options.flow >= 0 && t.shown == 0 {
		fmt.Fprintf(w, "netrepro: there is no flow %d\n", t.options.flow)
	}
	if t.last == 0 {
		fmt.Fprintln(w, "netrepro: the capture has no packets")
	}
}
