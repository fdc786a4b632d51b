//go:build linux

package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"netrepro/engine/lab/wire"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/trace"
)

// Corrupt flips bits.
type Corrupt struct {
	// Layer is where At counts from: "frame", "ip", "transport" or "payload"; "" is
	// the last of these that a packet has.
	Layer string
	At    int  // which byte, from 0; below 0 is drawn by chance
	XOR   byte // which of its bits; 0 is one drawn by chance
	Mend  bool // checksums are mended, so that the receiver cannot tell
	RNG   *rand.Rand
}

// Verb implements [Action].
func (*Corrupt) Verb() string { return "corrupt" }

// String implements [Action].
func (c *Corrupt) String() string {
	if c.Layer == "" {
		return strings.TrimPrefix(map[bool]string{true: ", checksums mended"}[c.Mend], ", ")
	}
	s := "in the " + c.Layer
	if c.At >= 0 {
		s = fmt.Sprintf("byte %d of the %s", c.At, c.Layer)
	}
	if c.Mend {
		s += ", checksums mended"
	}
	return s
}

// Do implements [Action].
func (c *Corrupt) Do(p *trace.Packet, v *wire.Verdict, name string) error {
	at, layer := 0, c.Layer
	b, err := header.Edit(v.Frame(), !c.Mend, func(b []byte, l *header.Layout) ([]byte, error) {
		if layer == "" {
			layer = innermost(l)
		}
		from := start(l, layer)
		end := l.End
		if layer == "frame" {
			end = len(b)
		}
		if from < 0 || from >= end {
			return nil, fmt.Errorf("%s has no %s to corrupt", about(p), layer)
		}
		if at = c.At; at < 0 {
			at = c.RNG.IntN(end - from)
		}
		if from+at >= end {
			return nil, fmt.Errorf("%s has no byte %d in its %s, which is %d bytes long", about(p), at, layer, end-from)
		}
		xor := c.XOR
		if xor == 0 {
			xor = 1 << c.RNG.IntN(8)
		}
		b[from+at] ^= xor
		return b, nil
	})
	if err != nil {
		return err
	}
	v.Alter(b, fmt.Sprintf("byte %d of the %s corrupted by %s", at, layer, name))
	return nil
}

// start is where a layer of a frame begins, -1 if it has none.
func start(l *header.Layout, layer string) int {
	return map[string]int{"frame": 0, "ip": l.Net, "transport": l.Trans, "payload": l.Payload}[layer]
}

// innermost is the last layer that has bytes in a frame.
func innermost(l *header.Layout) string {
	for _, layer := range []string{"payload", "transport", "ip"} {
		if from := start(l, layer); from >= 0 && from < l.End {
			return layer
		}
	}
	return "frame"
}

// Truncate cuts packets short.
type Truncate struct {
	To   int  // bytes of the IP packet that are left
	Mend bool // lengths and checksums are made to fit
}

// Verb implements [Action].
func (*Truncate) Verb() string { return "truncate" }

// String implements [Action].
func (t *Truncate) String() string { return fmt.Sprintf("to %d", t.To) }

// Do implements [Action].
func (t *Truncate) Do(p *trace.Packet, v *wire.Verdict, name string) error {
	l := header.Parse(v.Frame())
	if l.Net < 0 {
		return errNoFrame
	}
	end := l.Net + t.To
	if end >= l.End {
		return errLetBy // it is short enough
	}
	if !t.Mend {
		v.Alter(v.Frame()[:end:end], fmt.Sprintf("cut to %d bytes by %s", t.To, name))
		return nil
	}
	if l.Payload < 0 || end < l.Payload {
		return fmt.Errorf("%s cannot be %d bytes long: its headers are longer", about(p), t.To)
	}
	// What pads a short frame is no part of the packet, and stays.
	b, err := header.Edit(v.Frame(), false, func(b []byte, l *header.Layout) ([]byte, error) {
		return slices.Delete(b, end, l.End), nil
	})
	if err != nil {
		return err
	}
	v.Alter(b, fmt.Sprintf("cut to %d bytes by %s", t.To, name))
	return nil
}

// Setting is a header field and what it becomes.
type Setting struct {
	Field *field.Field
	Value field.Value
	// Add has N added, as a number in two's complement.
	Add bool
	// Relative has N counted from the connection's initial sequence number.
	Relative bool
	// Strip takes a TCP option away.
	Strip bool
}

// String writes s as a script would.
func (s *Setting) String() string {
	switch {
	case s.Strip:
		return s.Field.Name + " = false"
	case s.Add:
		return fmt.Sprintf("%s = %q", s.Field.Name, fmt.Sprintf("%+d", int64(s.Value.N)))
	}
	return s.Field.Name + " = " + s.Field.String(s.Value)
}

// Rewrite changes header fields.
type Rewrite struct {
	Settings []Setting
	Payload  *[]byte // what the payload becomes, nil leaves it
	Keep     bool    // checksums are left as they are
}

// Verb implements [Action].
func (*Rewrite) Verb() string { return "rewrite" }

// String implements [Action].
func (r *Rewrite) String() string {
	var s []string
	for i := range r.Settings {
		s = append(s, r.Settings[i].String())
	}
	if r.Payload != nil {
		s = append(s, fmt.Sprintf("payload of %d bytes", len(*r.Payload)))
	}
	return "to { " + strings.Join(s, ", ") + " }"
}

// Do implements [Action].
func (r *Rewrite) Do(p *trace.Packet, v *wire.Verdict, name string) error {
	b, err := r.Edit(p, v.Frame())
	if err != nil {
		return err
	}
	v.Alter(b, "rewritten by "+name)
	return nil
}

// Edit makes the change to a frame of packet p.
func (r *Rewrite) Edit(p *trace.Packet, frame []byte) ([]byte, error) {
	return header.Edit(frame, r.Keep, func(b []byte, l *header.Layout) ([]byte, error) {
		for i := range r.Settings {
			if err := r.Settings[i].apply(p, b, l); err != nil {
				return nil, err
			}
		}
		if r.Payload == nil {
			return b, nil
		}
		if l.Payload < 0 {
			return nil, fmt.Errorf("%s has no payload to replace", about(p))
		}
		rest := append([]byte(nil), b[l.End:]...)
		return append(append(b[:l.Payload], *r.Payload...), rest...), nil
	})
}

func (s *Setting) apply(p *trace.Packet, b []byte, l *header.Layout) error {
	v := s.Value
	missing := func() error { return fmt.Errorf("%s has no %s to rewrite", about(p), s.Field.Name) }
	switch {
	case s.Strip:
		s.Field.Strip(b, l) // what is not there need not be taken away
		return nil
	case s.Add:
		old, ok := s.Field.Get(b, l)
		if !ok {
			return missing()
		}
		v.N = (old.N + s.Value.N) & s.Field.Max
	case s.Relative:
		if p.Conn == nil {
			return fmt.Errorf("%s is of no connection: its %s cannot be relative", about(p), s.Field.Name)
		}
		v.N = uint64(p.Absolute(uint32(s.Value.N), s.Field.Name == "ack"))
	}
	if !s.Field.Set(b, l, v) {
		return missing()
	}
	return nil
}

// Replace has other bytes arrive instead.
type Replace struct {
	IP []byte // a whole IP packet
}

// Verb implements [Action].
func (*Replace) Verb() string { return "replace" }

// String implements [Action].
func (r *Replace) String() string { return fmt.Sprintf("with %d bytes", len(r.IP)) }

// Do implements [Action].
func (r *Replace) Do(_ *trace.Packet, v *wire.Verdict, name string) error {
	b := v.Frame()
	if len(b) < header.EthernetSize || len(r.IP) == 0 {
		return errors.New("there is nothing to replace it with")
	}
	out := build.Frame(header.EthernetDst.Get(b), header.EthernetSrc.Get(b), header.TagOf(b), r.IP)
	v.Alter(out, "replaced by "+name)
	return nil
}
