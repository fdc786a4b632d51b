//go:build linux

package path

import (
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/sys/unix"

	"netrepro/engine/host/datagram"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// socketOptions are those of sockets that are not TCP's.
var socketOptions = args.SocketOptions(func(o *socket.Option) bool { return o.Level != unix.IPPROTO_TCP && o.Name != "keepalive" })

// opener makes the verb that opens a datagram socket.
func opener(proto, doc, example string, more ...vm.Option) *vm.Method {
	return &vm.Method{Name: proto, Doc: doc, Example: example, Returns: "Datagram", Phase: vm.Running,
		Options: slices.Concat(more, []vm.Option{
			args.Opt("to", kWhom, "whom it is connected to; then only that one's messages come, and ICMP errors do"), optIP, optFrom}, socketOptions),
		Fn: func(c *vm.Call) error {
			n := c.Self.(*session.Node)
			to, from, err := route(c)
			if err != nil {
				return err
			}
			spec := datagram.Spec{Proto: proto, From: from, Port: vm.ArgOr(c, "port", 0), Options: socket.Options{Set: args.Settings(c)}}
			spec.Six = from.Is6() || !to.IsValid() && !from.IsValid() && (vm.ArgOr(c, "ip", 0) == 6 || !n.Has(false))
			if to.IsValid() {
				port := vm.ArgOr(c, "to_port", 0)
				if proto == datagram.UDP && port == 0 {
					return c.Fail("to", "write to_port = 53", "to which port?")
				}
				spec.To = netip.AddrPortFrom(to, uint16(port))
			}
			d, err := datagram.Open(n.Endpoints, spec)
			if err != nil {
				return c.Fail(proto, "each port of a host can be used once", "%v", err)
			}
			c.Return(c.VM.New(datagramClass, d))
			return nil
		}}
}

var datagramVerbs = []*vm.Method{
	opener(datagram.UDP, "Opens a UDP socket.", `local s = server:udp { port = 53 }`,
		args.Opt("port", args.Port, "its own port; otherwise 40000 and up, the same each run"), args.Opt("to_port", args.Port, "the port it is connected to")),
	opener(datagram.ICMP, "Opens a raw ICMP socket: messages begin with the ICMP header.", `local s = server:icmp {}`),
}

var datagramClass = &vm.Class{Name: "Datagram", Doc: "A UDP or raw ICMP socket.",
	Fields: []*vm.Field{
		{Name: "port", Type: "integer", Doc: "Its own port.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LNumber(x.(*datagram.Socket).Local().Port()), nil
		}}},
	Methods: []*vm.Method{
		{Name: "send", Doc: "Sends one message. Returns true, or nil and the error's name.", Example: `s:send("hello", { to = net.server, port = 53 })`, Returns: "boolean, string?", Phase: vm.Running,
			Params:  []vm.Param{{Name: "data", Kind: args.String, Doc: "what to send"}},
			Options: []vm.Option{args.Opt("to", kWhom, "whom to; not of a connected socket"), args.Opt("port", args.Port, "the port there"), optIP},
			Fn: func(c *vm.Call) error {
				to, err := whom(c, "to")
				if err != nil {
					return err
				}
				var at netip.AddrPort
				if to.IsValid() {
					at = netip.AddrPortFrom(to, uint16(vm.ArgOr(c, "port", 0)))
				}
				c.VM.Block(func() { err = c.Self.(*datagram.Socket).Send(at, []byte(c.Args["data"].(string))) })
				c.Return(lua.LTrue)
				if err != nil {
					session.ReturnErr(c, err)
				}
				return session.Over(c)
			}},
		{Name: "receive", Doc: "Takes the next message: a table with data, from, node, port, ttl and tos. Returns nil and the error's name if none comes, or if an ICMP error did.",
			Example: `local m, err = s:receive { timeout = "1s" }`, Returns: "Message, string?", Phase: vm.Running, Options: []vm.Option{session.OptTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := session.Deadline(c)
				defer cancel()
				var m *datagram.Message
				var err error
				c.VM.Block(func() { m, err = c.Self.(*datagram.Socket).Receive(ctx) })
				if err != nil {
					session.ReturnErr(c, err)
					return session.Over(c)
				}
				t := c.L.NewTable()
				t.RawSetString("data", lua.LString(m.Data))
				t.RawSetString("from", lua.LString(m.From.Addr().String()))
				t.RawSetString("node", lua.LString(session.Of(c).Lab.Trace.Name(m.From.Addr())))
				for name, n := range map[string]int{"port": int(m.From.Port()), "ttl": m.TTL, "tos": m.TOS} {
					t.RawSetString(name, lua.LNumber(n))
				}
				c.Return(t)
				return nil
			}},
		{Name: "fault", Doc: "Of a socket with recverr: the next ICMP error that it was told of: a table with error, icmp, type, code, from, node and mtu. Returns nil and \"timeout\" if none comes.",
			Example: `local f = s:fault()`, Returns: "ICMPError, string?", Phase: vm.Running, Options: []vm.Option{session.OptTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := session.Deadline(c)
				defer cancel()
				d := c.Self.(*datagram.Socket)
				var f *fd.Fault
				var err error
				c.VM.Block(func() { f, err = d.Fault(ctx) })
				if err != nil || f == nil {
					session.ReturnErr(c, err)
					return session.Over(c)
				}
				t := c.L.NewTable()
				t.RawSetString("error", lua.LString(socket.ErrName(f.Errno)))
				t.RawSetString("type", lua.LNumber(f.Type))
				t.RawSetString("code", lua.LNumber(f.Code))
				if f.From.IsValid() {
					p := uint8(packet.ProtoICMP)
					if f.From.Is6() {
						p = packet.ProtoICMPv6
					}
					i := packet.ICMP{Type: f.Type, Code: f.Code}
					t.RawSetString("icmp", lua.LString(i.Name(p)))
					t.RawSetString("from", lua.LString(f.From.String()))
					t.RawSetString("node", lua.LString(session.Of(c).Lab.Trace.Name(f.From)))
				}
				if f.MTU > 0 {
					t.RawSetString("mtu", lua.LNumber(f.MTU))
				}
				c.Return(t)
				return nil
			}},
		{Name: "close", Doc: "Closes the socket.", Example: `s:close()`, Phase: vm.Running, Fn: func(c *vm.Call) error { return c.Self.(*datagram.Socket).Close() }},
	}}
