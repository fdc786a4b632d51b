//go:build linux

package kernel

import (
	"time"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// doubts reports whether silence on a reset says nothing: its node counted more resets that it
// sent than it told of. What is young may still be told.
func (w *Witness) doubts(p *trace.Packet) bool {
	if p.Dir == trace.In || !p.IsTCP() || !p.Flags.Has(packet.RST) || time.Since(w.origin)-p.Time < trace.Late {
		return false
	}
	node := p.Point.Node
	short, known := w.short[node] // many resets may pass a node: it is asked once for all
	if !known {
		if w.short == nil {
			w.short, w.doubted = map[string]bool{}, map[string]bool{}
		}
		short = w.untold(node) > 0
		w.short[node] = short
	}
	if short {
		w.doubted[node] = true
	}
	return short
}

// untold is how many resets a node counted and did not tell of.
func (w *Witness) untold(node string) uint64 {
	if w.count == nil {
		return 0
	}
	sent, err := w.count(node)
	if err != nil {
		return 0 // it is gone, and with it what it counted
	}
	told := uint64(0)
	for _, e := range w.events {
		if e.Kind == bpf.SendReset && e.Node == node {
			told++
		}
	}
	for _, h := range w.held {
		if h.event.Kind == bpf.SendReset && h.event.Node == node {
			told++
		}
	}
	return sent - min(told, sent)
}
