//go:build linux

package path

import (
	"net/netip"
	"time"

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

// opened are the arguments of udp and icmp.
type opened struct {
	route
	port, toPort int
	settings     args.Settings
}

// openOptions are those of both: the options of sockets that are not TCP's.
func openOptions(a *opened) []vm.Argument {
	return append([]vm.Argument{
		kWhom.Opt(&a.to, "to", "whom it is connected to; then it takes messages from there only, and is "+
			"told of ICMP errors"),
		ipOption(&a.ip), fromOption(&a.from),
	}, args.SocketOptions(&a.settings, func(o *socket.Option) bool {
		return o.Level != unix.IPPROTO_TCP && o.Name != "keepalive"
	})...)
}

// open opens a datagram socket.
func open(c *vm.Call, proto string, a *opened) error {
	n := c.Self.(*session.Node)
	to, from, err := a.addresses(c)
	if err != nil {
		return err
	}
	spec := datagram.Spec{Proto: proto, From: from, Port: a.port, Options: socket.Options{Set: a.settings.List()}}
	spec.Six = from.Is6() || !to.IsValid() && !from.IsValid() && (vm.Or(a.ip, 0) == 6 || !n.Has(false))
	if to.IsValid() {
		if proto == datagram.UDP && a.toPort == 0 {
			return c.Fail("to", "write to_port = 53", "to which port?")
		}
		spec.To = netip.AddrPortFrom(to, uint16(a.toPort))
	}
	d, err := datagram.Open(n.Endpoints, spec)
	if err != nil {
		return c.Fail(proto, "each port of a host can be used once", "%v", err)
	}
	c.Return(c.VM.New(datagramClass, d))
	return nil
}

var datagramVerbs = []*vm.Method{
	vm.Verb(vm.Method{Name: datagram.UDP, Doc: "Opens a UDP socket.", Example: `local s = server:udp { port = 53 }`,
		Returns: "Datagram", Phase: vm.Running},
		func(a *opened) []vm.Argument {
			return append([]vm.Argument{
				args.Port.Opt(&a.port, "port", "its own port; otherwise 40000 and up, the same each run"),
				args.Port.Opt(&a.toPort, "to_port", "the port it is connected to"),
			}, openOptions(a)...)
		},
		func(c *vm.Call, a *opened) error { return open(c, datagram.UDP, a) }),
	vm.Verb(vm.Method{Name: datagram.ICMP, Doc: "Opens a raw ICMP socket: messages begin with the ICMP header.",
		Example: `local s = server:icmp {}`, Returns: "Datagram", Phase: vm.Running}, openOptions,
		func(c *vm.Call, a *opened) error { return open(c, datagram.ICMP, a) }),
}

// sent are the arguments of send.
type sent struct {
	data string
	to   whom
	port int
	ip   *int
}

// waits are the arguments of verbs that only wait.
type waits struct{ timeout time.Duration }

func waitOptions(a *waits) []vm.Argument { return []vm.Argument{session.Timeout(&a.timeout)} }

var datagramClass = &vm.Class{Name: "Datagram", Doc: "A UDP or raw ICMP socket.",
	Fields: []*vm.Field{
		vm.NumberOf("port", "integer", "Its own port.", func(d *datagram.Socket) uint16 { return d.Local().Port() }),
	},
	Methods: []*vm.Method{
		vm.Verb(vm.Method{Name: "send", Doc: "Sends one message. Returns true, or nil and the error's name.",
			Example: `s:send("hello", { to = net.server, port = 53 })`, Returns: "boolean, string?", Phase: vm.Running},
			func(a *sent) []vm.Argument {
				return []vm.Argument{
					args.String.Param(&a.data, "data", "what to send"),
					kWhom.Opt(&a.to, "to", "whom to send to; not for a connected socket"),
					args.Port.Opt(&a.port, "port", "the port there"), ipOption(&a.ip),
				}
			}, send),
		vm.Verb(vm.Method{Name: "receive",
			Doc: "Takes the next message: a table with data, from, node, port, ttl and tos. " +
				"Returns nil and the error's name if none comes, or if an ICMP error did.",
			Example: `local m, err = s:receive { timeout = "1s" }`, Returns: "Message, string?", Phase: vm.Running},
			waitOptions, receive),
		vm.Verb(vm.Method{Name: "fault",
			Doc: "Of a socket with recverr: the next ICMP error that it was told of: a table with " +
				"error, icmp, type, code, from, node and mtu. Returns nil and \"timeout\" if none comes.",
			Example: `local f = s:fault()`, Returns: "ICMPError, string?", Phase: vm.Running}, waitOptions, icmpError),
		{Name: "close", Doc: "Closes the socket.", Example: `s:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) error { return c.Self.(*datagram.Socket).Close() }},
	}}

func send(c *vm.Call, a *sent) error {
	to, err := a.to.address(c, a.ip)
	if err != nil {
		return err
	}
	var at netip.AddrPort
	if to.IsValid() {
		at = netip.AddrPortFrom(to, uint16(a.port))
	}
	c.VM.Block(func() { err = c.Self.(*datagram.Socket).Send(at, []byte(a.data)) })
	c.Return(lua.LTrue)
	if err != nil {
		session.ReturnErr(c, err)
	}
	return session.Over(c)
}

func receive(c *vm.Call, a *waits) error {
	ctx, cancel := session.Deadline(c, a.timeout)
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
	c.VM.Strict(t, "a message", "data", "from", "node", "port", "ttl", "tos")
	c.Return(t)
	return nil
}

func icmpError(c *vm.Call, a *waits) error {
	ctx, cancel := session.Deadline(c, a.timeout)
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
	c.VM.Strict(t, "an error", "error", "icmp", "type", "code", "from", "node", "mtu")
	c.Return(t)
	return nil
}
