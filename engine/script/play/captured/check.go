//go:build linux

package captured

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"netrepro/engine/capture"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/trace"
	"netrepro/engine/view/object"
)

// Check reads the capture of a trace, at path, and compares what is said of each packet
// there with what the trace says, as JSON. Captures in which frames were cut are not
// compared.
func Check(t *trace.Trace, path string) (err error) {
	if t.Truncated() || !t.Whole() {
		return nil
	}
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a := tcp.New(tcp.Options{})
	var in tcp.Input
	var filed []*tcp.Record
	for {
		if err := s.Next(&in); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("check capture: %w", err)
		}
		a.Describe(s.Points())
		rec := &tcp.Record{}
		in.Kept, in.Packet = true, packet.Clone(in.Packet) // what is found out later is added to it
		in.Packet.Checksum = packet.Unchecked              // the relay does not look at them
		a.Add(&in, rec)
		rec.App = slices.Clone(rec.App)
		filed = append(filed, rec)
	}
	live := t.Findings()
	if len(live) != len(filed) {
		return fmt.Errorf("check capture: it has %d packets, the trace %d", len(filed), len(live))
	}
	for i, want := range live {
		want, got := *want, *filed[i]
		want.Time, got.Time = 0, 0 // one counts from the start, the other from the first packet
		a, b := string(object.AppendJSON(nil, &want)), string(object.AppendJSON(nil, &got))
		if a != b {
			return fmt.Errorf("check capture: the trace says %sthe file says %s", a, b)
		}
	}
	return nil
}
