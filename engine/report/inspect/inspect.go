// Package inspect shows a capture: as ladders, as JSON, or as a capture whose packets
// have comments. It reads the file once, from its beginning, and keeps only what a
// ladder needs.
//
// Invariant: a packet that is shown is shown at every point where it was seen.
package inspect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/sanitize"
	"netrepro/engine/tcp"
	"netrepro/engine/view"
)

// Options say what of a capture is shown, and how.
type Options struct {
	JSON   bool
	Follow bool   // wait for more at the end of the file, until the context ends
	Flow   int    // only the connection of this number; -1 for all
	Nodes  string // only these nodes are columns of ladders, commas between; empty for all that packets visit
	Filter string // only the packets for which it holds; see [filter.Parse]
	Write  string // write a capture with comments here instead of showing anything
	Style  view.Style
	// Each is given every packet that is to be shown, instead of showing it. What it
	// refers to is good until the next.
	Each func(*tcp.Record) error
}

// Known is what a capture says of itself, when all of it was read.
type Known struct {
	Points []tcp.Point
	Names  view.Names
	Start  int64 // nanoseconds since 1970
}

// Walk hands every packet of the capture at path to o.Each, and says on complain what the
// reader must know of it.
func Walk(ctx context.Context, path string, o Options, complain io.Writer) (Known, error) {
	var k Known
	o.JSON, o.Flow = true, -1 // a packet is one sighting
	err := show(ctx, path, o, io.Discard, complain, func(t *tracer) {
		if t.names != nil {
			t.learn()
		}
		k = Known{Points: t.points, Names: t.names, Start: t.source.Start}
	})
	return k, err
}

// usage is a mistake in a flag.
type usage struct{ error }

// Show shows the capture at path on out, and says on complain what the reader must
// know of it.
func Show(ctx context.Context, path string, o Options, out, complain io.Writer) error {
	return show(ctx, path, o, out, complain, func(*tracer) {})
}

// show is Show, and hands what it knows at the end to done.
func show(ctx context.Context, path string, o Options, out, complain io.Writer, done func(*tracer)) (err error) {
	// What is in use stays well below; this is for what is not used any more.
	capture.LimitMemory()
	open := capture.Open
	if o.Follow {
		open = capture.Follow
	}
	s, err := open(ctx, path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	t := &tracer{source: s, out: w, options: o}
	if o.Write != "" {
		if t.file, err = capture.NewWriter(ctx, o.Write, s); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	err = t.run()
	if t.file != nil {
		err = t.file.Close(err)
	}
	if o.Follow && ctx.Err() != nil && (errors.Is(err, pcap.ErrCut) || errors.Is(err, ctx.Err())) {
		err = nil // the end of --follow
	}
	var mistake usage
	if err != nil && !errors.As(err, &mistake) {
		err = fmt.Errorf("read %s: after frame %d: %w", path, t.last, err)
	}
	err = errors.Join(err, w.Flush(), s.Close())
	if err == nil {
		done(t)
		t.remarks(complain)
	}
	return err
}

// cutShort notes that the file ends within a record, which is no failure: what came before
// is good. Whoever follows a file waits for the rest.
func (t *tracer) cutShort(why error) bool {
	if !errors.Is(why, pcap.ErrCut) || t.options.Follow || !t.source.Begun() {
		return false
	}
	t.ends = pcap.ErrCut.Error()
	return true
}

// writeCut says so at the end of the JSON.
func (t *tracer) writeCut() error {
	if t.ends == "" || !t.options.JSON || t.file != nil {
		return nil
	}
	_, err := fmt.Fprintf(t.out, "{\"cut\":%q,\"after\":%d}\n", t.ends, t.last)
	return err
}

// remarks says what the reader of the ladder must know of the capture.
func (t *tracer) remarks(w io.Writer) {
	s := t.source
	if t.ends != "" {
		fmt.Fprintf(w, "netrepro: %s, after frame %d: what follows was cut off\n", t.ends, t.last)
	}
	if t.more > 0 {
		fmt.Fprintf(w, "netrepro: %d more packets are not shown: narrow them with --flow or --filter, or take --json\n",
			t.more)
	}
	if n := s.Lost(); n > 0 {
		fmt.Fprintf(w, "netrepro: the capturing program lost %d packets: what seems lost may only be missing here\n", n)
	}
	for _, said := range s.Said() {
		fmt.Fprintf(w, "netrepro: %s\n", sanitize.Text(said))
	}
	switch {
	case t.last == 0:
		fmt.Fprintln(w, "netrepro: the capture has no packets")
	case t.shown == 0:
		fmt.Fprintln(w, "netrepro: no packet matches")
	}
}
