//go:build linux

package socket

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// conn0 is a connection as scripts see it: raw is the TCP connection below,
// Conn what is read and written, which TLS may wrap. rest is what read_until
// read too much.
type conn0 struct {
	net.Conn
	raw  *socket.Conn
	rest []byte
}

// closeWithin closes the connection but does not wait longer than ctx: close(2)
// with a linger time set waits for what is unsent.
func (c *conn0) closeWithin(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- c.Close() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *conn0) Local() netip.AddrPort  { return c.raw.Local() }
func (c *conn0) Remote() netip.AddrPort { return c.raw.Remote() }

// maxRead bounds what one read_all or read_until gathers.
const maxRead = 256 << 20

// gather reads until done says so, and returns what came even with an error.
func (c *conn0) gather(ctx context.Context, done func(got []byte) bool) ([]byte, error) {
	got := c.rest
	c.rest = nil
	buf := make([]byte, 64<<10)
	err := fd.Within(ctx, c.SetReadDeadline, func() error {
		for !done(got) {
			n, err := c.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				return err
			}
			if len(got) > maxRead {
				return fmt.Errorf("more than %d MB", maxRead>>20)
			}
		}
		return nil
	})
	if t, ok := c.Conn.(*tls.Conn); ok {
		err = handshake.Truncated(t, err)
	}
	return got, err
}

// read makes a reading verb: what it returns, and the error's name as a second
// value. whole says that the end of the stream is no error.
func read(name, doc, example string, params []vm.Param, whole bool, done func(c *vm.Call, got []byte) bool, split func(c *vm.Call, got []byte) int) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Returns: "string, string?", Phase: vm.Running, Params: params, Options: []vm.Option{session.OptTimeout},
		Fn: func(c *vm.Call) error {
			conn := c.Self.(*conn0)
			ctx, cancel := session.Deadline(c)
			defer cancel()
			var got []byte
			var err error
			c.VM.Block(func() { got, err = conn.gather(ctx, func(got []byte) bool { return done(c, got) }) })
			if err == nil {
				n := split(c, got)
				got, conn.rest = got[:n], append([]byte(nil), got[n:]...)
			}
			if err == nil || whole && errors.Is(err, io.EOF) {
				c.Return(lua.LString(got))
				return nil
			}
			c.Return(lua.LString(got), lua.LString(socket.ErrName(err)))
			return session.Over(c)
		}}
}

func all(_ *vm.Call, got []byte) int { return len(got) }

var connClass = &vm.Class{Name: "Conn", Doc: "A TCP connection, with or without TLS. Reading verbs return what came and, if it failed, the error's name.",
	Fields: append([]*vm.Field{
		{Name: "peer", Type: "Address", Doc: "Address and port of the other side.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
			return v.New(addressClass, x.(*conn0).Remote()), nil
		}},
		{Name: "here", Type: "Address", Doc: "Address and port of this side.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
			return v.New(addressClass, x.(*conn0).Local()), nil
		}},
	}, stands...),
	Methods: append([]*vm.Method{
		read("read", "Reads what is there, waiting for the first byte.", `local data, err = conn:read()`, nil, false,
			func(_ *vm.Call, got []byte) bool { return len(got) > 0 }, all),
		read("read_until", "Reads up to and including a text.", `local head, err = conn:read_until "\r\n\r\n"`,
			[]vm.Param{{Name: "text", Kind: args.String, Doc: "what ends it"}}, false,
			func(c *vm.Call, got []byte) bool { return bytes.Contains(got, []byte(c.Args["text"].(string))) },
			func(c *vm.Call, got []byte) int {
				text := c.Args["text"].(string)
				return bytes.Index(got, []byte(text)) + len(text)
			}),
		read("read_all", "Reads to the end of the stream. What came is returned even with an error.", `local body, err = conn:read_all()`, nil, true,
			func(*vm.Call, []byte) bool { return false }, all),
		{Name: "write", Doc: "Writes all of a string. Returns how many bytes the kernel took, and the error's name if not all.",
			Example: `conn:write "GET / HTTP/1.0\r\n\r\n"`, Returns: "integer, string?", Phase: vm.Running,
			Params: []vm.Param{{Name: "data", Kind: args.String, Doc: "what to write"}}, Options: []vm.Option{session.OptTimeout}, Fn: write},
		{Name: "set", Doc: "Changes socket options.", Example: `conn:set { linger = 0 }`, Phase: vm.Running, Options: setOptions,
			Fn: func(c *vm.Call) error {
				o, err := socketOptionsOf(c)
				if err != nil {
					return err
				}
				if err := c.Self.(*conn0).raw.Set(o); err != nil {
					session.ReturnErr(c, err)
				}
				return nil
			}},
		{Name: "shutdown", Doc: "Closes one direction.", Example: `conn:shutdown "write"`, Phase: vm.Running,
			Params: []vm.Param{{Name: "how", Kind: args.Enum("direction", "read", "write", "both"), Doc: "read, write or both"}},
			Fn: func(c *vm.Call) error {
				if err := c.Self.(*conn0).raw.Shutdown(c.Args["how"].(string)); err != nil {
					session.ReturnErr(c, err)
				}
				return nil
			}},
		{Name: "close", Doc: "Closes the connection, as close(2) does. Closing twice is harmless.", Example: `conn:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				var err error
				c.VM.Block(func() { err = c.Self.(*conn0).closeWithin(c.VM.Context()) })
				if err != nil && socket.ErrName(err) != "closed" {
					session.ReturnErr(c, err)
				}
				return session.Over(c)
			}},
		{Name: "abort", Doc: "Gives the connection up as connect(2) to AF_UNSPEC does: a reset at once, and the socket could be used again. It is closed then.", Phase: vm.Running,
			Example: `conn:abort()`,
			Fn: func(c *vm.Call) error {
				if err := c.Self.(*conn0).raw.Disconnect(); err != nil {
					session.ReturnErr(c, err)
				}
				return nil
			}},
		{Name: "vanish", Doc: "Closes it without a word, as a machine does that loses its power: nothing is sent (TCP_REPAIR). The other side learns of it when it speaks.", Phase: vm.Running,
			Example: `conn:vanish()`,
			Fn: func(c *vm.Call) error {
				if err := c.Self.(*conn0).raw.Vanish(); err != nil {
					session.ReturnErr(c, err)
				}
				return nil
			}},
		{Name: "wait_readable", Doc: "Waits until something can be read, and leaves it there. Returns true, or nil and the error's name.", Example: `local ok, err = conn:wait_readable { timeout = "1s" }`, Phase: vm.Running,
			Returns: "boolean, string?", Options: []vm.Option{session.OptTimeout}, Fn: waitReadable},
		{Name: "info", Doc: "The kernel's own account of the connection (TCP_INFO).", Example: `conn:info().retransmits`, Returns: "ConnInfo", Phase: vm.Running, Fn: info},
	}, secureVerbs...),
	String: func(x any) string {
		return fmt.Sprintf("connection %s > %s", x.(*conn0).Local(), x.(*conn0).Remote())
	}}

func write(c *vm.Call) error { return writeTo(c, c.Self.(*conn0).Conn) }

func writeTo(c *vm.Call, conn net.Conn) error {
	ctx, cancel := session.Deadline(c)
	defer cancel()
	var n int
	var err error
	c.VM.Block(func() {
		err = fd.Within(ctx, conn.SetWriteDeadline, func() (err error) {
			n, err = conn.Write([]byte(c.Args["data"].(string)))
			return err
		})
	})
	c.Return(lua.LNumber(n))
	if err != nil {
		c.Return(lua.LNumber(n), lua.LString(socket.ErrName(err)))
		return session.Over(c)
	}
	return nil
}

func waitReadable(c *vm.Call) error {
	conn := c.Self.(*conn0)
	if len(conn.rest) > 0 {
		c.Return(lua.LTrue)
		return nil
	}
	ctx, cancel := session.Deadline(c)
	defer cancel()
	var err error
	c.VM.Block(func() {
		err = fd.Within(ctx, conn.raw.SetReadDeadline, conn.raw.WaitReadable)
	})
	if err != nil {
		session.ReturnErr(c, err)
		return session.Over(c)
	}
	c.Return(lua.LTrue)
	return nil
}

var addressClass = &vm.Class{Name: "Address", Doc: "An address and a port.",
	Fields: []*vm.Field{
		{Name: "addr", Type: "string", Doc: "The address.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LString(x.(netip.AddrPort).Addr().String()), nil
		}},
		{Name: "port", Type: "integer", Doc: "The port.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LNumber(x.(netip.AddrPort).Port()), nil }},
	},
	String: func(x any) string { return x.(netip.AddrPort).String() }}

// tcpStates are the names of the kernel's TCP states (net/tcp_states.h).
var tcpStates = []string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"}

func info(c *vm.Call) error {
	i, err := c.Self.(*conn0).raw.Info()
	if err != nil {
		session.ReturnErr(c, err)
		return nil
	}
	state := fmt.Sprint(i.State)
	if int(i.State) < len(tcpStates) {
		state = tcpStates[i.State]
	}
	t := c.L.NewTable()
	t.RawSetString("state", lua.LString(state))
	us := func(v uint32) lua.LValue { return lua.LNumber(float64(v) / 1e6) }
	for _, f := range []struct {
		name string
		v    lua.LValue
	}{
		{"rto", us(i.Rto)}, {"ato", us(i.Ato)}, {"rtt", us(i.Rtt)}, {"rttvar", us(i.Rttvar)}, {"min_rtt", us(i.Min_rtt)},
		{"snd_mss", lua.LNumber(i.Snd_mss)}, {"rcv_mss", lua.LNumber(i.Rcv_mss)}, {"adv_mss", lua.LNumber(i.Advmss)}, {"pmtu", lua.LNumber(i.Pmtu)},
		{"snd_cwnd", lua.LNumber(i.Snd_cwnd)}, {"snd_ssthresh", lua.LNumber(i.Snd_ssthresh)}, {"unacked", lua.LNumber(i.Unacked)},
		{"sacked", lua.LNumber(i.Sacked)}, {"lost", lua.LNumber(i.Lost)}, {"retrans", lua.LNumber(i.Retrans)},
		{"retransmits", lua.LNumber(i.Retransmits)}, {"total_retrans", lua.LNumber(i.Total_retrans)}, {"backoff", lua.LNumber(i.Backoff)},
		{"bytes_sent", lua.LNumber(i.Bytes_sent)}, {"bytes_acked", lua.LNumber(i.Bytes_acked)}, {"bytes_received", lua.LNumber(i.Bytes_received)},
		{"bytes_retrans", lua.LNumber(i.Bytes_retrans)}, {"snd_wnd", lua.LNumber(i.Snd_wnd)}, {"rcv_wnd", lua.LNumber(i.Rcv_wnd)},
	} {
		t.RawSetString(f.name, f.v)
	}
	c.Return(t)
	return nil
}
