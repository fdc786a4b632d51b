package object

import (
	"io"
	"slices"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// Printer writes records as JSON in a goroutine of its own, so that on two
// cores a capture is analysed and written at once.
type Printer struct {
	w    io.Writer
	cur  *batch
	full chan *batch
	free chan *batch
	done chan error
	err  error
}

// batch is records that are printed together, with copies of what they refer
// to.
type batch struct {
	n       int
	records [batchSize]tcp.Record
	packets [batchSize]packet.Packet
}

const (
	batchSize = 512
	batches   = 4
	writeSize = 64 << 10
)

// NewPrinter writes to w. Close it, or its goroutine stays.
func NewPrinter(w io.Writer) *Printer {
	p := &Printer{w: w, full: make(chan *batch, batches), free: make(chan *batch, batches), done: make(chan error, 1)}
	for range batches {
		p.free <- &batch{}
	}
	p.cur = <-p.free
	go p.run()
	return p
}

// Print writes r, sooner or later; its error is that of an earlier write.
func (p *Printer) Print(r *tcp.Record) error {
	b := p.cur
	k := &b.records[b.n]
	*k = *r
	b.packets[b.n] = *r.Packet
	k.Packet, k.Payload, k.App = &b.packets[b.n], nil, slices.Clone(r.App)
	if r.Reset != nil {
		v := *r.Reset // it may be revised
		k.Reset = &v
	}
	if b.n++; b.n == batchSize {
		return p.flush()
	}
	return nil
}

func (p *Printer) flush() error {
	p.full <- p.cur
	select {
	case err := <-p.done:
		p.err, p.cur = err, &batch{}
		return err
	case p.cur = <-p.free:
		p.cur.n = 0
		return nil
	}
}

// Close writes what is left.
func (p *Printer) Close() error {
	if p.err == nil && p.cur.n > 0 {
		select {
		case p.full <- p.cur:
		case err := <-p.done:
			p.err = err
		}
	}
	close(p.full)
	if p.err != nil {
		return p.err
	}
	return <-p.done
}

func (p *Printer) run() {
	var out []byte
	for b := range p.full {
		for i := range b.n {
			out = AppendJSON(out, &b.records[i])
			if len(out) < writeSize {
				continue
			}
			if _, err := p.w.Write(out); err != nil {
				p.done <- err
				return
			}
			out = out[:0]
		}
		p.free <- b
	}
	_, err := p.w.Write(out)
	p.done <- err
}
