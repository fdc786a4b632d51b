package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"netrepro/engine/match"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/view"
	"netrepro/engine/view/object"
)

// classes are what matches call the classes of segments.
var classes = map[string]sender.Class{"data": sender.Data, "ack": sender.PureAck, "rexmit": sender.Rexmit,
	"rto": sender.RTO, "fast": sender.Fast,
	"tlp": sender.TLP, "rack": sender.RACK, "recovery": sender.Recovery, "pmtu": sender.Resized,
	"keep-alive":   sender.KeepAlive,
	"window-probe": sender.WindowProbe}

// unlike says of which packets a match, the ladder and the JSON object say another
// class, cause or number, and which are another thing at one capture point than where
// they were seen first.
func unlike(rs []*tcp.Record) (wrong []string) {
	meant := map[string]match.Match{}
	for name := range classes {
		meant[name] = match.Of(map[string]any{"tcp": name})
	}
	var ask match.Packet
	for _, r := range rs {
		if r.Conn == nil {
			continue
		}
		say := func(format string, args ...any) {
			wrong = append(wrong, fmt.Sprintf("frame %d: ", r.N)+fmt.Sprintf(format, args...))
		}
		var said struct {
			Sent     string
			Rexmit   int32
			Seq, Ack uint32
		}
		if err := json.Unmarshal(object.AppendJSON(nil, r), &said); err != nil {
			say("%v", err)
			continue
		}
		q := ask.Captured(r)
		for name, m := range meant {
			if got := m.Matches(q); got != (r.Class&classes[name] != 0) {
				say("%s: %t, and its class is %b", &m, got, r.Class)
			}
		}
		if m := match.Of(map[string]any{"seq": said.Seq}); !m.Matches(q) {
			say("JSON has seq %d, a match %d", said.Seq, q.Seq)
		}
		if said.Sent != r.Class.Cause() || (said.Rexmit > 0) != (r.Class&sender.Rexmit != 0) {
			say("JSON has %q, %d; its class is %b", said.Sent, said.Rexmit, r.Class)
		}
		line, again := view.Line(r, nil), fmt.Sprintf("  rexmit %d", said.Rexmit)
		if said.Sent != "" {
			again += " (" + said.Sent
		}
		if shown := strings.Contains(line, "  rexmit "); shown != (said.Rexmit > 0) || shown &&
			!strings.Contains(line, again) {
			say("JSON has %q, %d; the ladder %q", said.Sent, said.Rexmit, line)
		}
		if r.Copy > 0 && r.Copy <= len(rs) {
			if first := rs[r.Copy-1]; first.Sending != r.Sending {
				say("it is %v, and was %v in frame %d", r.Sending, first.Sending, first.N)
			}
		}
	}
	return wrong
}
