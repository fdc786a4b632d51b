//go:build linux

package args

import (
	"maps"
	"slices"
	"time"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/vm"
)

// Settings are socket options that were given, by their names.
type Settings map[string]socket.Setting

// List has them in the order in which they are set.
func (s Settings) List() []socket.Setting {
	var out []socket.Setting
	for _, o := range socket.Known {
		if x, ok := s[o.Name]; ok {
			out = append(out, x)
		}
	}
	return out
}

// On reports whether an option that is a switch was given as true.
func (s Settings) On(name string) bool { return s[name].Int != 0 }

// SocketOptions put the socket options that is picks into to.
func SocketOptions(to *Settings, is func(*socket.Option) bool) []vm.Argument {
	*to = Settings{}
	var out []vm.Argument
	for _, o := range socket.Known {
		if is(o) {
			out = append(out, socketKinds[o.Name].Into(o.Name, o.Doc, func(x any) { (*to)[o.Name] = settingOf(o, x) }))
		}
	}
	return out
}

// socketKinds are the kinds of socket options, by name.
var socketKinds = func() map[string]*vm.Kind {
	out := map[string]*vm.Kind{}
	for _, o := range socket.Known {
		out[o.Name] = socketKind(o)
	}
	return out
}()

func socketKind(o *socket.Option) *vm.Kind {
	switch o.Kind {
	case socket.NumberOption:
		return Int(o.Name, o.Min, o.Max, "see socket(7), ip(7) and tcp(7)").Kind
	case socket.BytesOption:
		return Size.Kind
	case socket.SecondsOption, socket.MillisOption:
		return Duration.Kind
	case socket.TextOption:
		return String.Kind
	case socket.WordOption:
		return Enum(o.Name, slices.Sorted(maps.Keys(o.Words))...).Kind
	}
	return Bool.Kind
}

// settingOf is option o set to a value of its kind.
func settingOf(o *socket.Option, x any) socket.Setting {
	s := socket.Setting{Option: o}
	switch x := x.(type) {
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
	}
	return s
}
