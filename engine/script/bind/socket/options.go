//go:build linux

package socket

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var kLinger = &vm.Kind{Name: "linger time", Type: "integer|Duration", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 3600 {
		return time.Duration(float64(n) * float64(time.Second)), nil
	}
	return args.Duration.Parse(c, x)
}}

// Options of sockets: those that set may change, those of dial and listen, and
// those of sockets that are not TCP's.
var (
	setOptions    = append([]vm.Option{optLinger}, args.SocketOptions(func(o *socket.Option) bool { return !o.Early })...)
	socketOptions = append([]vm.Option{optLinger, optMD5, optWire}, args.SocketOptions(func(*socket.Option) bool { return true })...)
)

var optLinger = args.Opt("linger", kLinger, "SO_LINGER: seconds close waits; 0 makes close send RST")

var optWire = args.Opt("wire", args.String, "SO_BINDTODEVICE: only over the wire of this name")

// md5 is a key and whom it is shared with.
type md5 struct {
	peer *session.Node
	key  string
}

var optMD5 = args.Opt("md5", &vm.Kind{Name: "MD5 key", Type: "MD5", Table: md5Table, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "an MD5 key", `write { peer = net.client, key = "secret" }`)
	}
	a := c.Table(md5Table, t)
	return md5{a["peer"].(*session.Node), a["key"].(string)}, nil
}}, "TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)")

var md5Table = &vm.Method{Name: "md5", Options: []vm.Option{args.Need("peer", session.KHost, "whom the key is shared with"),
	args.Need("key", args.String, "the key, up to 80 bytes")}}

// socketOptionsOf are the socket options that c was given.
func socketOptionsOf(c *vm.Call) (socket.Options, error) {
	var out socket.Options
	if d, ok := vm.Arg[time.Duration](c, "linger"); ok {
		out.Linger = &d
	}
	if m, ok := vm.Arg[md5](c, "md5"); ok {
		for _, a := range m.peer.Addrs() {
			if c.Self.(*session.Node).Has(a.Is6()) {
				out.MD5 = append(out.MD5, socket.MD5Key{Peer: a, Key: m.key})
			}
		}
	}
	out.Set = args.Settings(c)
	if wire, ok := vm.Arg[string](c, "wire"); ok {
		n := c.Self.(*session.Node)
		dev, known := n.Dev(wire)
		if !known {
			return out, c.Fail(wire, "name a wire of its own", "%s has no wire %q", n.Name, wire)
		}
		out.Set = append(out.Set, socket.Setting{Option: socket.BindToDevice, Text: dev})
	}
	return out, nil
}
