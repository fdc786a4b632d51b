//go:build linux

package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/script/vm"
)

// verbTimeout bounds every verb that waits and was not told otherwise.
const verbTimeout = 10 * time.Second

var optTimeout = optDef("timeout", kDuration, "10s", "how long to wait")

// deadline is the context of a verb that waits.
func deadline(c *vm.Call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.VM.Context(), vm.ArgOr(c, "timeout", verbTimeout))
}

// returnErr returns nil and the error's name.
func returnErr(c *vm.Call, err error) { c.Return(lua.LNil, lua.LString(endpoint.ErrName(err))) }

// ended reports whether the whole case is over; then a verb must not go on as
// if only it had failed.
func over(c *vm.Call) error { return context.Cause(c.VM.Context()) }

var kLinger = &vm.Kind{Name: "linger time", Type: "integer|Duration", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 3600 {
		return time.Duration(float64(n) * float64(time.Second)), nil
	}
	return kDuration.Parse(c, x)
}}

// socketOptions are those that set may change and dial and listen take.
var socketOptions = []vm.Option{
	opt("linger", kLinger, "SO_LINGER: seconds close waits; 0 makes close send RST"),
	opt("nodelay", kBool, "TCP_NODELAY: do not gather small writes"),
	opt("cork", kBool, "TCP_CORK: send full segments only"),
	opt("quickack", kBool, "TCP_QUICKACK: acknowledge at once"),
	opt("keepalive", kBool, "SO_KEEPALIVE"),
	opt("rcvbuf", kSize, "SO_RCVBUF: bytes asked for; the kernel doubles it"),
	opt("sndbuf", kSize, "SO_SNDBUF: bytes asked for; the kernel doubles it"),
	opt("mss", kInt("MSS", 48, 65495, "48 to 65495 bytes"), "TCP_MAXSEG"),
	opt("user_timeout", kDuration, "TCP_USER_TIMEOUT: how long data may stay unacknowledged"),
}

func socketOptionsOf(c *vm.Call) endpoint.Options {
	ptr := func(name string) *bool {
		if b, ok := vm.Arg[bool](c, name); ok {
			return &b
		}
		return nil
	}
	o := endpoint.Options{NoDelay: ptr("nodelay"), Cork: ptr("cork"), QuickAck: ptr("quickack"), KeepAlive: ptr("keepalive"),
		RcvBuf: vm.ArgOr(c, "rcvbuf", 0), SndBuf: vm.ArgOr(c, "sndbuf", 0), MSS: vm.ArgOr(c, "mss", 0),
		UserTimeout: vm.ArgOr(c, "user_timeout", time.Duration(0))}
	if d, ok := vm.Arg[time.Duration](c, "linger"); ok {
		o.Linger = &d
	}
	return o
}

var listenVerb = &vm.Method{Name: "listen", Doc: "Opens a listening TCP socket. With a function, that is run for each connection; without, take them with accept.",
	Example: `server:listen(8080, function(conn) conn:write "hello" conn:close() end)`, Returns: "Listener", Phase: vm.Running,
	Params: []vm.Param{{Name: "port", Kind: kPort, Doc: "where to listen"},
		{Name: "handler", Kind: kFunc, Optional: true, Doc: "run for each connection, as a task"}},
	Options: append([]vm.Option{optDef("backlog", kInt("backlog", 1, 65535, "a whole number"), "4096", "length of the accept queue")}, socketOptions...),
	Fn: func(c *vm.Call) error {
		r := runOf(c)
		l, err := c.Self.(*node).ep.Listen(c.Args["port"].(int), vm.ArgOr(c, "backlog", 0), socketOptionsOf(c))
		if err != nil {
			return c.Fail("listen", "each port of a host can be listened on once", "%v", err)
		}
		if fn, ok := vm.Arg[*lua.LFunction](c, "handler"); ok {
			r.handlers = true
			r.vm.Go(func() { r.serve(l, fn) })
		}
		c.Return(c.VM.New(listenerClass, l))
		return nil
	}}

// serve runs fn for every connection until the listener is closed.
func (r *run) serve(l *endpoint.Listener, fn *lua.LFunction) {
	for {
		conn, err := l.AcceptContext(r.vm.Context())
		if endpoint.ErrName(err) == endpoint.Timeout && r.vm.Context().Err() == nil {
			continue // an accept of the script's had a deadline on the same socket
		}
		if err != nil {
			return
		}
		r.vm.Enter(func() { r.vm.Spawn(fn, nil, r.vm.New(connClass, &conn0{Conn: conn, raw: conn})) })
	}
}

var listenerClass = &vm.Class{Name: "Listener", Doc: "A listening socket.",
	Fields: []*vm.Field{{Name: "port", Type: "integer", Doc: "Where it listens.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LNumber(x.(*endpoint.Listener).Port()), nil
	}}},
	Methods: []*vm.Method{
		{Name: "accept", Doc: "Takes the next connection. If none comes it returns nil and \"timeout\".", Example: `local conn = listener:accept()`,
			Returns: "Conn", Phase: vm.Running, Options: []vm.Option{optTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := deadline(c)
				defer cancel()
				var conn *endpoint.Conn
				var err error
				c.VM.BlockIO(func() { conn, err = c.Self.(*endpoint.Listener).AcceptContext(ctx) })
				if err != nil {
					returnErr(c, err)
					return over(c)
				}
				c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn}))
				return nil
			}},
		{Name: "close", Doc: "Closes the listener; connections that wait to be accepted are reset.", Phase: vm.Running,
			Fn: func(c *vm.Call) error { return c.Self.(*endpoint.Listener).Close() }},
	}}

// target is something to connect to.
type target struct {
	host *node
	port int
	srv  *server
}

// kTarget is a host, a listener or a server.
var kTarget = &vm.Kind{Name: "target", Type: "Host|Listener|Server", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	r := runOf(c)
	if n, ok := vm.As(x, hostClass, routerClass); ok {
		return target{host: n.(*node)}, nil
	}
	if l, ok := vm.As(x, listenerClass); ok {
		l := l.(*endpoint.Listener)
		return target{host: r.node(l.Host().Name()), port: l.Port()}, nil
	}
	if s, ok := vm.As(x, serverClass); ok {
		s := s.(*server)
		return target{host: s.host, port: int(s.Addr().Port()), srv: s}, nil
	}
	return nil, wrong(x, "a host, a listener or a server", "write net.NAME, or what listen, serve or tls returned")
}}

// dialOptions are what every verb that opens a connection takes.
var dialOptions = append([]vm.Option{
	opt("port", kPort, "where to; not needed for a listener or a server"),
	opt("from_port", kPort, "source port; otherwise 40000 and up, the same each run"),
	optTimeout,
}, socketOptions...)

// dialOf is what c wants to connect to and how.
func dialOf(c *vm.Call, option string) (target, endpoint.DialSpec, error) {
	t := c.Args[option].(target)
	port := vm.ArgOr(c, "port", t.port)
	if port == 0 {
		return t, endpoint.DialSpec{}, c.Fail(option, "write port = 443", "to which port of %s?", t.host.Name)
	}
	return t, endpoint.DialSpec{To: netip.AddrPortFrom(t.host.Primary(), uint16(port)), FromPort: vm.ArgOr(c, "from_port", 0),
		Options: socketOptionsOf(c)}, nil
}

var dialVerb = &vm.Method{Name: "dial", Doc: "Opens a TCP connection. If that fails it returns nil and the error's name.",
	Example: `local conn, err = client:dial { to = server, port = 8080 }`, Returns: "Conn", Phase: vm.Running,
	Options: append([]vm.Option{need("to", kTarget, "a host, or what listen returned")}, dialOptions...),
	Fn: func(c *vm.Call) error {
		_, spec, err := dialOf(c, "to")
		if err != nil {
			return err
		}
		ctx, cancel := deadline(c)
		defer cancel()
		var conn *endpoint.Conn
		c.VM.BlockIO(func() { conn, err = c.Self.(*node).ep.Dial(ctx, spec) })
		if err != nil {
			returnErr(c, err)
			return over(c)
		}
		c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn}))
		return nil
	}}

// conn0 is a connection as scripts see it: raw is the TCP connection below,
// Conn what is read and written, which TLS may wrap. rest is what read_until
// read too much.
type conn0 struct {
	net.Conn
	raw  *endpoint.Conn
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
	if d, ok := ctx.Deadline(); ok {
		if err := c.SetReadDeadline(d); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	got := c.rest
	c.rest = nil
	buf := make([]byte, 64<<10)
	for !done(got) {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return got, err
		}
		if len(got) > maxRead {
			return got, fmt.Errorf("more than %d MB", maxRead>>20)
		}
	}
	return got, nil
}

// read makes a reading verb: what it returns, and the error's name as a second
// value. whole says that the end of the stream is no error.
func read(name, doc, example string, params []vm.Param, whole bool, done func(c *vm.Call, got []byte) bool, split func(c *vm.Call, got []byte) int) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Returns: "string", Phase: vm.Running, Params: params, Options: []vm.Option{optTimeout},
		Fn: func(c *vm.Call) error {
			conn := c.Self.(*conn0)
			ctx, cancel := deadline(c)
			defer cancel()
			var got []byte
			var err error
			c.VM.BlockIO(func() { got, err = conn.gather(ctx, func(got []byte) bool { return done(c, got) }) })
			if err == nil {
				n := split(c, got)
				got, conn.rest = got[:n], append([]byte(nil), got[n:]...)
			}
			if err == nil || whole && errors.Is(err, io.EOF) {
				c.Return(lua.LString(got))
				return nil
			}
			c.Return(lua.LString(got), lua.LString(endpoint.ErrName(err)))
			return over(c)
		}}
}

func all(_ *vm.Call, got []byte) int { return len(got) }

var connClass = &vm.Class{Name: "Conn", Doc: "A TCP connection, with or without TLS. Reading verbs return what came and, if it failed, the error's name.",
	Fields: []*vm.Field{
		{Name: "peer", Type: "Address", Doc: "Address and port of the other side.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
			return v.New(addressClass, x.(*conn0).Remote()), nil
		}},
		{Name: "here", Type: "Address", Doc: "Address and port of this side.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
			return v.New(addressClass, x.(*conn0).Local()), nil
		}},
	},
	Methods: []*vm.Method{
		read("read", "Reads what is there, waiting for the first byte.", `local data, err = conn:read()`, nil, false,
			func(_ *vm.Call, got []byte) bool { return len(got) > 0 }, all),
		read("read_until", "Reads up to and including a text.", `local head, err = conn:read_until "\r\n\r\n"`,
			[]vm.Param{{Name: "text", Kind: kString, Doc: "what ends it"}}, false,
			func(c *vm.Call, got []byte) bool { return bytes.Contains(got, []byte(c.Args["text"].(string))) },
			func(c *vm.Call, got []byte) int {
				text := c.Args["text"].(string)
				return bytes.Index(got, []byte(text)) + len(text)
			}),
		read("read_all", "Reads to the end of the stream. What came is returned even with an error.", `local body, err = conn:read_all()`, nil, true,
			func(*vm.Call, []byte) bool { return false }, all),
		{Name: "write", Doc: "Writes all of a string. Returns how many bytes the kernel took, and the error's name if not all.",
			Example: `conn:write "GET / HTTP/1.0\r\n\r\n"`, Returns: "integer", Phase: vm.Running,
			Params: []vm.Param{{Name: "data", Kind: kString, Doc: "what to write"}}, Options: []vm.Option{optTimeout}, Fn: write},
		{Name: "set", Doc: "Changes socket options.", Example: `conn:set { linger = 0 }`, Phase: vm.Running, Options: socketOptions,
			Fn: func(c *vm.Call) error {
				if err := c.Self.(*conn0).raw.Set(socketOptionsOf(c)); err != nil {
					returnErr(c, err)
				}
				return nil
			}},
		{Name: "shutdown", Doc: "Closes one direction.", Example: `conn:shutdown "write"`, Phase: vm.Running,
			Params: []vm.Param{{Name: "how", Kind: kEnum("direction", "read", "write", "both"), Doc: "read, write or both"}},
			Fn: func(c *vm.Call) error {
				if err := c.Self.(*conn0).raw.Shutdown(c.Args["how"].(string)); err != nil {
					returnErr(c, err)
				}
				return nil
			}},
		{Name: "close", Doc: "Closes the connection, as close(2) does. Closing twice is harmless.", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				var err error
				c.VM.BlockIO(func() { err = c.Self.(*conn0).closeWithin(c.VM.Context()) })
				if err != nil && endpoint.ErrName(err) != "closed" {
					returnErr(c, err)
				}
				return over(c)
			}},
		{Name: "wait_readable", Doc: "Waits until something can be read, and leaves it there. Returns true, or nil and the error's name.", Phase: vm.Running,
			Returns: "boolean", Options: []vm.Option{optTimeout}, Fn: waitReadable},
		{Name: "info", Doc: "The kernel's own account of the connection (TCP_INFO).", Example: `conn:info().retransmits`, Returns: "table", Phase: vm.Running, Fn: info},
	},
	String: func(x any) string {
		return fmt.Sprintf("connection %s > %s", x.(*conn0).Local(), x.(*conn0).Remote())
	}}

func write(c *vm.Call) error {
	conn := c.Self.(*conn0)
	ctx, cancel := deadline(c)
	defer cancel()
	var n int
	var err error
	c.VM.BlockIO(func() {
		d, _ := ctx.Deadline()
		stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
		defer stop()
		if err = conn.SetWriteDeadline(d); err == nil {
			n, err = conn.Write([]byte(c.Args["data"].(string)))
		}
	})
	c.Return(lua.LNumber(n))
	if err != nil {
		c.Return(lua.LNumber(n), lua.LString(endpoint.ErrName(err)))
		return over(c)
	}
	return nil
}

func waitReadable(c *vm.Call) error {
	conn := c.Self.(*conn0)
	if len(conn.rest) > 0 {
		c.Return(lua.LTrue)
		return nil
	}
	ctx, cancel := deadline(c)
	defer cancel()
	var err error
	c.VM.BlockIO(func() {
		d, _ := ctx.Deadline()
		stop := context.AfterFunc(ctx, func() { _ = conn.raw.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
		if err = conn.raw.SetReadDeadline(d); err == nil {
			err = conn.raw.WaitReadable()
		}
	})
	if err != nil {
		returnErr(c, err)
		return over(c)
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
		returnErr(c, err)
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
