//go:build linux

package ends

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/script/kind"
	"netrepro/engine/script/vm"
	"netrepro/engine/script/world"
)

var kLinger = &vm.Kind{Name: "linger time", Type: "integer|Duration", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 3600 {
		return time.Duration(float64(n) * float64(time.Second)), nil
	}
	return kind.Duration.Parse(c, x)
}}

// Options of sockets: those that set may change, those of dial and listen, and
// those of sockets that are not TCP's.
var (
	setOptions    = append([]vm.Option{optLinger}, kind.SocketOptions(func(o *endpoint.Option) bool { return !o.Early })...)
	socketOptions = append([]vm.Option{optLinger, optMD5, optWire}, kind.SocketOptions(func(*endpoint.Option) bool { return true })...)
)

var optLinger = kind.Opt("linger", kLinger, "SO_LINGER: seconds close waits; 0 makes close send RST")

var optWire = kind.Opt("wire", kind.String, "SO_BINDTODEVICE: only over the wire of this name")

// md5 is a key and whom it is shared with.
type md5 struct {
	peer *world.Node
	key  string
}

var optMD5 = kind.Opt("md5", &vm.Kind{Name: "MD5 key", Type: "MD5", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, kind.Wrong(x, "an MD5 key", `write { peer = net.client, key = "secret" }`)
	}
	a := c.Table(md5Table, t)
	return md5{a["peer"].(*world.Node), a["key"].(string)}, nil
}}, "TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)")

var md5Table = &vm.Method{Name: "md5", Options: []vm.Option{kind.Need("peer", world.KHost, "whom the key is shared with"),
	kind.Need("key", kind.String, "the key, up to 80 bytes")}}

// socketOptionsOf are the socket options that c was given.
func socketOptionsOf(c *vm.Call) (endpoint.Options, error) {
	var out endpoint.Options
	if d, ok := vm.Arg[time.Duration](c, "linger"); ok {
		out.Linger = &d
	}
	if m, ok := vm.Arg[md5](c, "md5"); ok {
		for _, a := range m.peer.Addrs() {
			if c.Self.(*world.Node).Has(a.Is6()) {
				out.MD5 = append(out.MD5, endpoint.MD5Key{Peer: a, Key: m.key})
			}
		}
	}
	out.Set = kind.Settings(c)
	if wire, ok := vm.Arg[string](c, "wire"); ok {
		n := c.Self.(*world.Node)
		dev, known := n.Dev(wire)
		if !known {
			return out, c.Fail(wire, "name a wire of its own", "%s has no wire %q", n.Name, wire)
		}
		out.Set = append(out.Set, endpoint.Setting{Option: endpoint.BindToDevice, Text: dev})
	}
	return out, nil
}
