//go:build linux

package args

import (
	"maps"
	"slices"
	"time"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/vm"
)

// SocketOptions makes options of the socket options that is picks.
func SocketOptions(is func(*socket.Option) bool) []vm.Option {
	var out []vm.Option
	for _, o := range socket.Known {
		if is(o) {
			out = append(out, Opt(o.Name, kindOf(o), o.Doc))
		}
	}
	return out
}

func kindOf(o *socket.Option) *vm.Kind {
	switch o.Kind {
	case socket.NumberOption:
		return Int(o.Name, o.Min, o.Max, "see socket(7), ip(7) and tcp(7)")
	case socket.BytesOption:
		return Size
	case socket.SecondsOption, socket.MillisOption:
		return Duration
	case socket.TextOption:
		return String
	case socket.WordOption:
		return Enum(o.Name, slices.Sorted(maps.Keys(o.Words))...)
	}
	return Bool
}

// Settings are the socket options that c was given.
func Settings(c *vm.Call) []socket.Setting {
	var out []socket.Setting
	for _, o := range socket.Known {
		s := socket.Setting{Option: o}
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
