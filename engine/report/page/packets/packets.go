// Package packets writes the packets of a page as objects of JSON: the one that trace --json
// prints of each, and what else the page shows or its filter asks.
//
// Invariant: what a match can ask of a packet of a file stands in its object.
package packets

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"strconv"

	"netrepro/engine/match"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/view/object"
)

// fieldTypes are how values of header fields are written, by type.
var fieldTypes = map[field.Type]string{field.Number: "number", field.Bool: "bool", field.Flags: "flags",
	field.Address: "address", field.Hardware: "mac"}

// Field is a header field.
type Field struct {
	Name  string `json:"name"`
	Layer string `json:"layer"`
	Type  string `json:"type"`          // number, bool, flags, address or mac
	Max   uint64 `json:"max,omitempty"` // of a number
	Doc   string `json:"doc"`
}

// Fields are all header fields.
func Fields() (out []Field) {
	for _, f := range field.All {
		out = append(out, Field{Name: f.Name, Layer: f.Layer.String(), Type: fieldTypes[f.Type], Max: f.Max, Doc: f.Doc})
	}
	return out
}

// kinds are the terms that tell what a TCP segment is, by the name of what it is.
type kind struct {
	name string
	term match.Term
}

// segmentKinds are what a segment can be.
func segmentKinds() (out []kind) {
	for _, name := range match.Segments() {
		if t, err := match.ReadBare("tcp", name, true, nil); err == nil {
			out = append(out, kind{name, t})
		}
	}
	return out
}

// Words are those that the values of some keys are one of, by the key; kind and cause are
// of resets.
func Words() map[string][]string {
	out := map[string][]string{"kind": {}, "cause": {}}
	for _, key := range []string{"tcp", "icmp", "tls", "analysis"} {
		out[key] = match.KeyNamed(key).Kind.Word
	}
	for _, k := range reset.Kinds {
		out["kind"] = append(out["kind"], string(k))
	}
	for _, k := range reset.Causes {
		out["cause"] = append(out["cause"], string(k))
	}
	return out
}

// Writer writes the packets of a capture.
type Writer struct {
	kinds []kind
	ask   match.Packet
	bytes int // of frames, written so far
}

// Bytes of a frame that a page has, and of all frames before they are cut shorter.
const (
	wholeFrames = 4 << 20
	mostOfFrame = 1600
	cutFrame    = 96
)

// NewWriter makes a writer for one capture.
func NewWriter() *Writer { return &Writer{kinds: segmentKinds()} }

// Append writes r: the object that trace --json prints of it, and what else the page shows
// or its filter asks.
func (p *Writer) Append(b []byte, r *tcp.Record) []byte {
	b = object.AppendJSON(b, r)
	b = b[:len(b)-len("}\n")]
	b = strconv.AppendInt(append(b, `,"point":`...), int64(r.Point), 10)
	switch r.Direction {
	case tcp.In:
		b = append(b, `,"direction":"in"`...)
	case tcp.Out:
		b = append(b, `,"direction":"out"`...)
	}
	if c := r.Root(); c != nil {
		b = strconv.AppendInt(append(b, `,"root":`...), int64(c.ID), 10)
		b = strconv.AppendInt(append(b, `,"side":`...), int64(r.Side), 10)
	}
	b = strconv.AppendInt(append(b, `,"size":`...), int64(r.Packet.Length), 10)
	b = strconv.AppendInt(append(b, `,"payload":`...), int64(r.Packet.PayloadLen), 10)
	b = strconv.AppendInt(append(b, `,"protocol":`...), int64(r.Packet.Proto), 10)
	if r.Resent > 0 {
		b = strconv.AppendInt(append(b, `,"resent":`...), int64(r.Resent), 10)
	}
	b = p.appendKinds(b, r)
	b = appendSays(b, r)
	if r.Timer != "" {
		b = appendString(append(b, `,"timer":`...), r.Timer)
	}
	b = appendSACK(b, r)
	if len(r.Frame) > 0 {
		b = p.appendFrame(b, r)
	}
	return append(b, '}')
}

// appendKinds writes what a match can call the packet.
func (p *Writer) appendKinds(b []byte, r *tcp.Record) []byte {
	q := p.ask.Captured(r)
	if q.IsTCP() {
		b = append(b, `,"tcp":[`...)
		for _, k := range p.kinds {
			if k.term.Matches(q) {
				b = append(append(append(b, '"'), k.name...), '"', ',')
			}
		}
		b = append(trimComma(b), ']')
	}
	if m := r.Packet.ICMP(); m != nil {
		b = appendString(append(b, `,"icmp_name":`...), m.Name(r.Packet.Proto))
		b = append(b, `,"icmp":[`...)
		for name := range packet.ICMPNames {
			if m.Is(name, r.Packet.Proto) {
				b = append(append(append(b, '"'), name...), '"', ',')
			}
		}
		b = append(trimComma(b), ']')
	}
	return b
}

func trimComma(b []byte) []byte {
	if b[len(b)-1] == ',' {
		return b[:len(b)-1]
	}
	return b
}

// appendSays writes what the packet says in TLS and HTTP, in parts.
func appendSays(b []byte, r *tcp.Record) []byte {
	if len(r.App) == 0 {
		return b
	}
	b = append(b, `,"says":[`...)
	for i, e := range r.App {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, '['), e.Proto)
		b = appendString(append(b, ','), e.Name)
		b = append(appendString(append(b, ','), e.Detail), ']')
	}
	return append(b, ']')
}

// appendSACK writes SACK blocks in relative numbers, as the acknowledgement is.
func appendSACK(b []byte, r *tcp.Record) []byte {
	blocks := r.Packet.SACK()
	if r.Conn == nil || len(blocks) == 0 {
		return b
	}
	zero := r.Conn.Absolute(0, 1-r.Side)
	b = append(b, `,"sack":[`...)
	for i, k := range blocks {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, '['), uint64(k.Left-zero), 10)
		b = append(strconv.AppendUint(append(b, ','), uint64(k.Right-zero), 10), ']')
	}
	return append(b, ']')
}

// appendFrame writes the header fields and the bytes.
func (p *Writer) appendFrame(b []byte, r *tcp.Record) []byte {
	l := header.Parse(r.Frame)
	b = append(b, `,"header":[`...)
	for _, f := range field.All {
		v, ok := f.Get(r.Frame, &l)
		switch {
		case !ok:
			b = append(b, "null"...)
		case f.Type == field.Bool:
			b = strconv.AppendBool(b, v.N != 0)
		case f.Type == field.Number:
			b = strconv.AppendUint(b, v.N, 10)
		case f.Type == field.Flags:
			b = appendString(b, header.TCPFlags(v.N).String())
		case f.Type == field.Address:
			b = append(v.Addr.AppendTo(append(b, '"')), '"')
		default:
			b = appendString(b, net.HardwareAddr(v.MAC[:]).String())
		}
		b = append(b, ',')
	}
	b = append(trimComma(b), ']')
	n := min(len(r.Frame), mostOfFrame)
	if p.bytes > wholeFrames {
		n = min(n, cutFrame)
	}
	p.bytes += n
	if at := len(r.Frame) - len(r.Payload); len(r.Payload) > 0 && at > 0 {
		b = strconv.AppendInt(append(b, `,"payload_at":`...), int64(at), 10)
	}
	b = append(b, `,"frame":"`...)
	return append(base64.StdEncoding.AppendEncode(b, r.Frame[:n]), '"')
}

// appendString writes s as JSON.
func appendString(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // strings can be written
	}
	return append(b, text...)
}
