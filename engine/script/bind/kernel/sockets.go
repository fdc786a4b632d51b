//go:build linux

package kernel

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/kernel"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// sought are the sockets that are asked for; nil and 0 are all.
type sought struct {
	state, proto       *string
	port, sport, dport int
}

var kProtocol = args.Enum("protocol", "tcp", "udp")

var socketsVerb = vm.Verb(vm.Method{Name: "sockets",
	Doc:     "The node's sockets that match, as the kernel lists them (sock_diag): a table each.",
	Example: `#server:sockets { state = "ESTABLISHED", port = 443 }`, Returns: "SocketState[]", Phase: vm.Running},
	func(a *sought) []vm.Argument {
		return []vm.Argument{
			args.String.Maybe(&a.state, "state", `a state of TCP, as the kernel names it: "TIME_WAIT"`),
			kProtocol.Maybe(&a.proto, "proto", "tcp or udp"),
			args.Port.Opt(&a.port, "port", "either port"),
			args.Port.Opt(&a.sport, "sport", "its own port"),
			args.Port.Opt(&a.dport, "dport", "the peer's port"),
		}
	},
	func(c *vm.Call, a *sought) error {
		all, err := kernel.ReadSockets(c.Self.(*session.Node).NS)
		if err != nil {
			return err
		}
		t := c.L.NewTable()
		for i := range all {
			if a.has(&all[i]) {
				t.Append(socketTable(c, &all[i]))
			}
		}
		c.Return(t)
		return nil
	})

// has reports whether s is one of those that are asked for.
func (a *sought) has(s *kernel.Socket) bool {
	port := func(n int, is ...uint16) bool { return n == 0 || slices.Contains(is, uint16(n)) }
	local, remote := s.Local.Port(), s.Remote.Port()
	return vm.Or(a.state, s.State) == s.State && vm.Or(a.proto, s.Proto) == s.Proto &&
		port(a.port, local, remote) && port(a.sport, local) && port(a.dport, remote)
}

func socketTable(c *vm.Call, s *kernel.Socket) *lua.LTable {
	t := c.L.NewTable()
	set := func(name string, v lua.LValue) { t.RawSetString(name, v) }
	set("proto", lua.LString(s.Proto))
	set("state", lua.LString(s.State))
	set("addr", lua.LString(s.Local.Addr().String()))
	set("sport", lua.LNumber(s.Local.Port()))
	set("peer", lua.LString(s.Remote.Addr().String()))
	set("dport", lua.LNumber(s.Remote.Port()))
	set("recv_queue", lua.LNumber(s.RecvQueue))
	set("send_queue", lua.LNumber(s.SendQueue))
	set("retrans", lua.LNumber(s.Retrans))
	set("uid", lua.LNumber(s.UID))
	if s.Timer != "" {
		set("timer", lua.LString(s.Timer))
		set("expires", lua.LNumber(s.Expires.Seconds()))
	}
	if s.Owner != "" {
		set("owner", lua.LString(s.Owner))
		set("pid", lua.LNumber(s.Pid))
	}
	if i := s.Info; i != nil && s.State != "LISTEN" {
		set("rto", lua.LNumber(float64(i.Rto)/1e6))
		set("rtt", lua.LNumber(float64(i.Rtt)/1e6))
		set("snd_cwnd", lua.LNumber(i.Snd_cwnd))
		set("snd_mss", lua.LNumber(i.Snd_mss))
		set("unacked", lua.LNumber(i.Unacked))
		set("lost", lua.LNumber(i.Lost))
		set("backoff", lua.LNumber(i.Backoff))
		set("total_retrans", lua.LNumber(i.Total_retrans))
		set("bytes_acked", lua.LNumber(i.Bytes_acked))
		set("bytes_received", lua.LNumber(i.Bytes_received))
	}
	return t
}
