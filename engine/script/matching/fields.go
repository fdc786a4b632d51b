//go:build linux

package matching

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/forge"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// elsewhere are the header fields that matches have keys of their own for:
// their numbers are relative, or there are names for what they hold.
var elsewhere = map[string]bool{"sport": true, "dport": true, "seq": true, "ack": true, "flags": true}

// fieldOptions are the keys of all other header fields.
var fieldOptions = func() []vm.Option {
	var out []vm.Option
	for _, f := range forge.Fields {
		if !elsewhere[f.Name] {
			out = append(out, args.Opt(f.Name, kField(f), "of "+f.Layer.String()+": "+f.Doc))
		}
	}
	return out
}()

// protocols are the names of transport protocols.
var protocols = map[string]int{"icmp": packet.ProtoICMP, "tcp": packet.ProtoTCP, "udp": packet.ProtoUDP, "icmpv6": packet.ProtoICMPv6}

// kField is what a field can be asked for.
func kField(f *forge.Field) *vm.Kind {
	k := &vm.Kind{Name: f.Name, Type: "integer|string"}
	switch f.Type {
	case forge.Bool:
		k.Type = "boolean"
	case forge.Address:
		k.Type = "string|Host"
	case forge.Hardware:
		k.Type = "string"
	}
	k.Parse = func(_ *vm.Call, x lua.LValue) (any, error) {
		m := trace.FieldMatch{Field: f}
		if f.Option && f.Type == forge.Number && x == lua.LFalse {
			m.Absent = true
			return m, nil
		}
		switch f.Type {
		case forge.Number:
			if n, ok := protocols[x.String()]; ok && f.Name == "proto" {
				x = lua.LNumber(n)
			}
			r, err := expect.ParseRange(x.String())
			if x.Type() != lua.LTNumber && x.Type() != lua.LTString || err != nil {
				return nil, args.Wrong(x, "a value of "+f.Name, `write 18, "1..1448" or ">= 1"`)
			}
			if r.Min < 0 || uint64(r.Min) > f.Max || r.Max > 0 && uint64(r.Max) > f.Max {
				return nil, args.Wrong(x, "a value of "+f.Name, fmt.Sprintf("%s is 0 to %d", f.Name, f.Max))
			}
			m.Range = r
			return m, nil
		case forge.Address:
			p, err := prefixOf(x)
			m.Prefix = p
			return m, err
		}
		v, err := ValueOf(f, x)
		m.Value = v
		return m, err
	}
	return k
}

// prefixOf reads an address, a prefix, or the first address of a host.
func prefixOf(x lua.LValue) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(x.String()); err == nil && x.Type() == lua.LTString {
		return p.Masked(), nil
	}
	a, err := AddressOf(x)
	return netip.PrefixFrom(a, a.BitLen()), err
}

// AddressOf reads an address: a text, or a host, whose first it is.
func AddressOf(x lua.LValue) (netip.Addr, error) {
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		return n.(*session.Node).Primary(), nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil && a.Zone() == "" {
			return a, nil
		}
		if strings.Contains(string(s), "%") {
			return netip.Addr{}, &vm.BadValue{Msg: fmt.Sprintf("%s has a zone, and no packet carries one", vm.Show(x)), Word: string(s), Hint: "leave out the % and what is behind it"}
		}
	}
	return netip.Addr{}, args.Wrong(x, "an address", `write "192.0.2.1", or net.NAME`)
}

// ValueOf reads what a header field is to be.
func ValueOf(f *forge.Field, x lua.LValue) (v forge.Value, err error) {
	switch f.Type {
	case forge.Number:
		n, ok := x.(lua.LNumber)
		if p, named := protocols[x.String()]; named && f.Name == "proto" {
			n, ok = lua.LNumber(p), true
		}
		if !ok || n < 0 || float64(n) > float64(f.Max) || float64(n) != float64(uint64(n)) {
			return v, args.Wrong(x, "a value of "+f.Name, fmt.Sprintf("%s is a whole number from 0 to %d", f.Name, f.Max))
		}
		v.N = uint64(n)
	case forge.Bool:
		b, ok := x.(lua.LBool)
		if !ok {
			return v, args.Wrong(x, "true or false", "write true or false")
		}
		if b {
			v.N = 1
		}
	case forge.Flags:
		s, ok := x.(lua.LString)
		fl, good := packet.ParseFlags(string(s))
		if !ok || !good {
			return v, args.Wrong(x, "TCP flags", `write them as tcpdump does: "S", "P."`)
		}
		v.N = uint64(fl)
	case forge.Address:
		v.Addr, err = AddressOf(x)
	case forge.Hardware:
		m, perr := net.ParseMAC(x.String())
		if perr != nil || len(m) != len(v.MAC) {
			return v, args.Wrong(x, "a MAC address", `write it like "02:00:00:00:01:01"`)
		}
		copy(v.MAC[:], m)
	}
	return v, err
}

// fieldsOf are the header fields among options, in the order of the table of
// fields.
func fieldsOf(a map[string]any) []trace.FieldMatch {
	var out []trace.FieldMatch
	for _, f := range forge.Fields {
		if m, ok := a[f.Name].(trace.FieldMatch); ok {
			out = append(out, m)
		}
	}
	return out
}

// Checked is the match that the options of a verb say, if any packet can ever
// match it.
func Checked(c *vm.Call, a map[string]any) (trace.Match, error) {
	m := Of(a)
	if word, err := m.Check(); err != nil {
		return m, c.Fail(word, "leave one of the two out", "%v", err)
	}
	return m, nil
}

// Headers are the header fields of a class of packets as members, but for those
// that it has by itself. frame reads the frame of an object.
func Headers(frame func(any) ([]byte, error), own ...string) []*vm.Field {
	var out []*vm.Field
	for _, f := range forge.Fields {
		if slices.Contains(own, f.Name) {
			continue
		}
		out = append(out, &vm.Field{Name: f.Name, Type: "integer|string|boolean?", Doc: "Of " + f.Layer.String() + ": " + f.Doc + "; nil if it has none.",
			Get: func(_ *vm.VM, o any) (lua.LValue, error) {
				b, err := frame(o)
				if err != nil {
					return lua.LNil, err
				}
				l := forge.Parse(b)
				v, ok := f.Get(b, &l)
				if !ok {
					return lua.LNil, nil
				}
				return valueOf(f, v), nil
			}})
	}
	return out
}

// valueOf is what a field holds, as scripts see it.
func valueOf(f *forge.Field, v forge.Value) lua.LValue {
	switch f.Type {
	case forge.Bool:
		return lua.LBool(v.N != 0)
	case forge.Flags:
		return lua.LString(packet.TCPFlags(v.N).String())
	case forge.Address:
		return lua.LString(v.Addr.String())
	case forge.Hardware:
		return lua.LString(net.HardwareAddr(v.MAC[:]).String())
	}
	return lua.LNumber(v.N)
}
