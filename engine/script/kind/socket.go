//go:build linux

package kind

import (
	"maps"
	"slices"
	"time"

	"netrepro/engine/endpoint"
	"netrepro/engine/script/vm"
)

// SocketOptions makes options of the socket options that is picks.
func SocketOptions(is func(*endpoint.Option) bool) []vm.Option {
	var out []vm.Option
	for _, o := range endpoint.Known {
		if is(o) {
			out = append(out, Opt(o.Name, kindOf(o), o.Doc))
		}
	}
	return out
}

func kindOf(o *endpoint.Option) *vm.Kind {
	switch o.Kind {
	case endpoint.NumberOption:
		return Int(o.Name, o.Min, o.Max, "see socket(7), ip(7) and tcp(7)")
	case endpoint.BytesOption:
		return Size
	case endpoint.SecondsOption, endpoint.MillisOption:
		return Duration
	case endpoint.TextOption:
		return String
	case endpoint.WordOption:
		return Enum(o.Name, slices.Sorted(maps.Keys(o.Words))...)
	}
	return Bool
}

// Settings are the socket options that c was given.
func Settings(c *vm.Call) []endpoint.Setting {
	var out []endpoint.Setting
	for _, o := range endpoint.Known {
		s := endpoint.Setting{Option: o}
		switch x := c.Args[o.Name].(type) {
		case bool:
			if x {
				s.Int = 1
			}
		case int:
			s.Int = x
		case time.Duration:
			s.Int = o.Number(x)
		case string:
			s.Int, s.Text = o.Words[x], x
		default:
			continue
		}
		out = append(out, s)
	}
	return out
}
