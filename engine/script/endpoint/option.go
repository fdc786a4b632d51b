//go:build linux

package endpoint

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var kLinger = vm.NewKind("linger time", "integer|Duration", func(c *vm.Call, x lua.LValue) (time.Duration, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 3600 {
		return time.Duration(float64(n) * float64(time.Second)), nil
	}
	return args.Duration.Read(c, x)
})

// md5 is a key and whom it is shared with.
type md5 struct {
	peer *session.Node
	key  string
}

var kMD5 = args.TableOf("MD5 key", "MD5", `write { peer = net.client, key = "secret" }`,
	vm.NewTable("md5", "", func(m *md5) []vm.Argument {
		return []vm.Argument{
			session.KHost.Need(&m.peer, "peer", "whom the key is shared with"),
			args.String.Need(&m.key, "key", "the key, up to 80 bytes"),
		}
	}))

// Socket are the options of a TCP socket that were given.
type Socket struct {
	linger   *time.Duration
	md5      *md5
	wire     *string
	settings args.Settings
}

// LateOptions are those of a socket that is connected.
func LateOptions(s *Socket) []vm.Argument {
	return append([]vm.Argument{lingerOption(s)},
		args.SocketOptions(&s.settings, func(o *socket.Option) bool { return !o.Early })...)
}

// ListenOptions are those of a server's socket.
func ListenOptions(s *Socket) []vm.Argument {
	return append([]vm.Argument{lingerOption(s)}, allSettings(s)...)
}

// SocketOptions are those of a socket that is made.
func SocketOptions(s *Socket) []vm.Argument {
	return slices.Concat([]vm.Argument{
		lingerOption(s),
		kMD5.Maybe(&s.md5, "md5", "TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)"),
		args.String.Maybe(&s.wire, "wire", "SO_BINDTODEVICE: only over the wire of this name"),
	}, allSettings(s))
}

func lingerOption(s *Socket) vm.Argument {
	return kLinger.Maybe(&s.linger, "linger", "SO_LINGER: seconds close waits; 0 makes close send RST")
}

func allSettings(s *Socket) []vm.Argument {
	return args.SocketOptions(&s.settings, func(*socket.Option) bool { return true })
}

// ReusePort reports whether several sockets are to share the port.
func (s *Socket) ReusePort() bool { return s.settings.On("reuseport") }

// For are the options for a socket of n, which is nil where neither wire nor md5
// can be given.
func (s *Socket) For(c *vm.Call, n *session.Node) (socket.Options, error) {
	out := socket.Options{Linger: s.linger}
	if s.md5 != nil {
		for _, a := range s.md5.peer.Addrs() {
			if n.Has(a.Is6()) {
				out.MD5 = append(out.MD5, socket.MD5Key{Peer: a, Key: s.md5.key})
			}
		}
	}
	out.Set = s.settings.List()
	if s.wire != nil {
		dev, known := n.Dev(*s.wire)
		if !known {
			return out, c.Fail(*s.wire, "name a wire of its own", "%s has no wire %q", n.Name, *s.wire)
		}
		out.Set = append(out.Set, socket.Setting{Option: socket.BindToDevice, Text: dev})
	}
	return out, nil
}
