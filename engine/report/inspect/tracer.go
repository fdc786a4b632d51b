package inspect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"netrepro/engine/capture"
	"netrepro/engine/match"
	"netrepro/engine/match/filter"
	"netrepro/engine/near"
	"netrepro/engine/tcp"
	"netrepro/engine/view"
	"netrepro/engine/view/object"
)

// maxRows bounds how many packets a ladder has.
const maxRows = 50_000

// tracer shows one capture.
type tracer struct {
	source  *capture.Source
	out     *bufio.Writer
	options Options

	filter  *filter.Filter
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
	json    *object.Printer
	file    *capture.Writer
	ladder  view.Ladder
	flow    int // that was shown last, with follow
	rows    shownRows
	sums    sums
	flows   int    // that there are, as far as is known
	ends    string // why the capture ends before its end, empty if it does not
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
			if errors.Is(err, io.EOF) || t.cutShort(err) {
				end = nil
			}
			return errors.Join(end, t.finish(), t.writeCut(), t.noFlow())
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
		t.sums.judge(&r)
		if c := r.Root(); c != nil {
			t.flows = max(t.flows, c.ID+1)
		}
		// A packet that is shown is shown at every point where it was seen, or it
		// would seem lost at the others.
		shown := t.filter.Matches(t.ask.Captured(&r))
		if len(points) > 1 && !t.options.JSON { // an object of JSON is one sighting
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

// noFlow says that there is no connection of the number that was asked for.
func (t *tracer) noFlow() error {
	n := t.options.Flow
	switch {
	case n < t.flows || t.options.Follow || t.last == 0:
		return nil
	case t.flows == 0:
		return usage{fmt.Errorf("there is no flow %d: the capture has no connection", n)}
	case t.flows == 1:
		return usage{fmt.Errorf("there is no flow %d: there is 0 alone", n)}
	}
	return usage{fmt.Errorf("there is no flow %d: there are 0 to %d", n, t.flows-1)}
}

// hosts are the names that the capture gives to addresses.
func (t *tracer) hosts() []string {
	var out []string
	for _, n := range t.names {
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out)
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
	text := t.options.Filter
	if t.options.Flow >= 0 {
		text += fmt.Sprintf(" flow=%d", t.options.Flow)
	}
	var err error
	t.filter, err = filter.Parse(text, t.addresses)
	if unknown := (*match.NoHost)(nil); errors.As(err, &unknown) && len(t.names) > 0 {
		return fmt.Errorf("%w: it names %s", err, near.Of(unknown.Name, t.hosts(), "netrepro trace shows them"))
	}
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
	case t.options.Each != nil:
		return t.options.Each(r)
	case t.file != nil:
		return t.file.Write(view.Remarks(r))
	case t.options.JSON && t.options.Follow:
		t.line = object.AppendJSON(t.line[:0], r)
		if _, err := t.out.Write(t.line); err != nil {
			return err
		}
		return t.out.Flush()
	case t.options.JSON:
		if t.json == nil {
			t.json = object.NewPrinter(t.out)
		}
		return t.json.Print(r)
	case t.options.Follow:
		return t.showNow(r)
	case len(t.kept) == maxRows: // a copy would be for nothing
		t.more++
		return nil
	}
	t.keep(view.Keep(r))
	return nil
}

// ladders reports whether ladders are drawn when all is read.
func (t *tracer) ladders() bool { return t.file == nil && !t.options.JSON && !t.options.Follow }

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
		t.builder.All = true
	}
	row := t.builder.Row(r)
	if row.Flow != t.flow {
		t.flow = row.Flow
		for l := range t.builder.Flows([]*tcp.Record{r}) {
			t.ladder = l
		}
		if err := t.ladder.WriteHead(t.out, t.options.Style); err != nil {
			return err
		}
	}
	if err := t.ladder.WriteRow(t.out, &row, t.options.Style); err != nil {
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
	var err error
	if t.builder.Only, err = t.builder.ReadOnly(t.options.Nodes); err != nil {
		return usage{err}
	}
	first := true
	for l := range t.builder.Flows(t.kept) {
		if !first {
			if err := t.out.WriteByte('\n'); err != nil {
				return err
			}
		}
		first = false
		if err := l.Write(t.out, t.options.Style); err != nil {
			return err
		}
	}
	return nil
}
