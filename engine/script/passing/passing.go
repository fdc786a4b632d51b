//go:build linux

// Package passing is a packet while it passes a function of the script's: a box, or
// the where of a fault.
package passing

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/wire"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Packet is a packet while it passes a function of the script's.
type Packet struct {
	// By is the name of the box, Node the node that the box is on: nil on a wire.
	By   string
	Node *session.Node
	// Made says that something was made of the packet: it is not sent on itself.
	Made bool

	run *session.Run
	p   *trace.Packet // nil once it has passed
	v   *wire.Verdict // nil where the function only looks
}

// New is a packet that passes now; v decides about it, and is nil where the
// function only looks.
func New(run *session.Run, p *trace.Packet, v *wire.Verdict) *Packet {
	return &Packet{run: run, p: p, v: v}
}

// End is called when the packet has passed.
func (x *Packet) End() { x.p = nil }

// Live returns the packet, or an error once it has passed.
func (x *Packet) Live() (*trace.Packet, error) {
	if x.p == nil {
		return nil, fmt.Errorf("this packet has passed: keep what is needed of it in locals")
	}
	return x.p, nil
}

// Verdict returns the packet and what decides about it, or an error where the
// function only looks.
func (x *Packet) Verdict() (*trace.Packet, *wire.Verdict, error) {
	p, err := x.Live()
	if err == nil && x.v == nil {
		err = fmt.Errorf("where only looks at packets: use a box to change or answer them")
	}
	return p, x.v, err
}

// frame is the frame as boxes and faults so far have left it.
func (x *Packet) frame() []byte {
	if x.v != nil {
		return x.v.Frame()
	}
	return x.p.Frame
}

// payloadOf is the transport payload of a frame.
func payloadOf(b []byte) []byte {
	l := header.Parse(b)
	if l.Payload < 0 {
		return nil
	}
	return b[l.Payload:l.End]
}

// Class is what functions of the script's see of a packet; the room of boxes gives
// it its verbs.
var Class = &vm.Class{Name: "Passing", What: "a packet that passes",
	Doc: "A packet while it passes. It has every header field by name (nil if the packet has no such " +
		"field) and the members below. It is gone when the function returns.",
	Fields: append(fields, headers()...),
	String: func(o any) string {
		x := o.(*Packet)
		if x.p == nil {
			return "a packet that has passed"
		}
		names := x.run.Lab.Trace
		return fmt.Sprintf("%s > %s %s", names.Name(x.p.Src), names.Name(x.p.Dst), x.p.Flags)
	}}

// Room is the class before the room of boxes adds to it.
func Room() vm.Room { return vm.Room{Classes: []*vm.Class{Class}} }

// headers are the fields of the table of header fields that have no name of their
// own among fields. They are read from the frame as boxes and faults so far have
// left it.
func headers() []*vm.Field {
	return matching.Headers(func(o any) ([]byte, error) {
		x := o.(*Packet)
		if _, err := x.Live(); err != nil {
			return nil, err
		}
		return x.frame(), nil
	}, "seq", "ack")
}

// Call calls a function of the script's with x and ends x.
func (x *Packet) Call(fn *vm.Inline) (lua.LValue, error) {
	out, err := fn.Call(func() []lua.LValue { return []lua.LValue{x.run.VM.New(Class, x)} })
	x.End()
	return out, err
}
