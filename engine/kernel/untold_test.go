//go:build linux

package kernel

import (
	"net/netip"
	"testing"
	"time"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// nothing is a ring that no event comes through.
type nothing struct{}

func (nothing) Drain(time.Duration) ([]bpf.Event, error) { return nil, nil }
func (nothing) Lost() (uint64, error)                    { return 0, nil }
func (nothing) Close() error                             { return nil }

// TestUntold has silence on a reset say nothing where its node counted one more than it told of.
func TestUntold(t *testing.T) {
	tests := []struct {
		name   string
		sent   uint64
		age    time.Duration
		asked  bool
		events uint64
	}{
		{"who sent none did not send it", 0, time.Minute, true, 0},
		{"one was sent and not told of", 1, time.Minute, false, 1},
		{"it may yet be told", 1, 0, true, 0},
	}
	for _, tt := range tests {
		w := &Witness{ring: nothing{}, nodes: map[uint64]string{1: "server"}, join: newJoiner(),
			origin: time.Now().Add(-tt.age), count: func(string) (uint64, error) { return tt.sent, nil }}
		at := &trace.Point{Node: "server", Wire: "lan", Addrs: []netip.Addr{serverAddr}}
		p := trace.New(w.origin, []*trace.Point{at}, nil).Arrive(at, 0, &packet.Packet{Src: serverAddr, Dst: clientAddr,
			SrcPort: 80, DstPort: 40000, Proto: packet.ProtoTCP, Flags: packet.RST | packet.ACK, Seq: 501, Ack: 101}, nil, nil)
		p.Dir, p.N = trace.Out, 1
		w.Hear([]*trace.Packet{p}, 0)
		if got := w.Word(p).Asked; got != tt.asked {
			t.Errorf("%s: asked %t, want %t", tt.name, got, tt.asked)
		}
		if _, lost, err := w.Events(); err != nil || lost != tt.events {
			t.Errorf("%s: %d events lost, %v, want %d", tt.name, lost, err, tt.events)
		}
	}
}
