//go:build linux

package matching

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

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
			return netip.Addr{}, &vm.BadValue{Msg: fmt.Sprintf("%s has a zone, and no packet carries one", vm.Show(x)),
				Word: string(s), Hint: "leave out the % and what is behind it"}
		}
	}
	return netip.Addr{}, args.Wrong(x, "an address", `write "192.0.2.1", or net.NAME`)
}

// ValueOf reads what a header field is to be.
func ValueOf(f *field.Field, x lua.LValue) (v field.Value, err error) {
	switch f.Type {
	case field.Number:
		n, ok := x.(lua.LNumber)
		if p, named := value.Protocols[x.String()]; named && f.Name == "proto" {
			n, ok = lua.LNumber(p), true
		}
		if !ok || n < 0 || float64(n) > float64(f.Max) || float64(n) != float64(uint64(n)) {
			return v, args.Wrong(x, "a value of "+f.Name,
				fmt.Sprintf("%s is a whole number from 0 to %d", f.Name, f.Max))
		}
		v.N = uint64(n)
	case field.Bool:
		b, ok := x.(lua.LBool)
		if !ok {
			return v, args.Wrong(x, "true or false", "write true or false")
		}
		if b {
			v.N = 1
		}
	case field.Flags:
		s, ok := x.(lua.LString)
		fl, good := packet.ParseFlags(string(s))
		if !ok || !good {
			return v, args.Wrong(x, "TCP flags", `write them as tcpdump does: "S", "P."`)
		}
		v.N = uint64(fl)
	case field.Address:
		v.Addr, err = AddressOf(x)
	case field.Hardware:
		m, perr := net.ParseMAC(x.String())
		if perr != nil || len(m) != len(v.MAC) {
			return v, args.Wrong(x, "a MAC address", `write it like "02:00:00:00:01:01"`)
		}
		copy(v.MAC[:], m)
	}
	return v, err
}

// Headers are the header fields of a class of packets as members, but for those
// that it has by itself. frame reads the frame of an object.
func Headers(frame func(any) ([]byte, error), own ...string) []*vm.Field {
	var out []*vm.Field
	for _, f := range field.All {
		if slices.Contains(own, f.Name) {
			continue
		}
		out = append(out, &vm.Field{Name: f.Name, Type: "integer|string|boolean?", Doc: "Of " + f.Layer.String() +
			": " + f.Doc + "; nil if it has none.",
			Get: func(_ *vm.VM, o any) (lua.LValue, error) {
				b, err := frame(o)
				if err != nil {
					return lua.LNil, err
				}
				l := header.Parse(b)
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
func valueOf(f *field.Field, v field.Value) lua.LValue {
	switch f.Type {
	case field.Bool:
		return lua.LBool(v.N != 0)
	case field.Flags:
		return lua.LString(packet.TCPFlags(v.N).String())
	case field.Address:
		return lua.LString(v.Addr.String())
	case field.Hardware:
		return lua.LString(net.HardwareAddr(v.MAC[:]).String())
	}
	return lua.LNumber(v.N)
}
