//go:build linux

package socket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// closeWithin closes a connection but does not wait longer than ctx: close(2)
// with a linger time set waits for what is unsent.
func closeWithin(ctx context.Context, conn *endpoint.Connection) error {
	done := make(chan error, 1)
	go func() { done <- conn.Close() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reading is how a reading verb goes on.
type reading struct {
	whole bool                  // the end of the stream is no error
	done  func(got []byte) bool // it has enough
	split func(got []byte) int  // so many bytes of them are returned
}

// read does what a reading verb does: it returns what came, and the error's name
// as a second value.
func read(c *vm.Call, timeout time.Duration, how reading) error {
	conn := c.Self.(*endpoint.Connection)
	ctx, cancel := session.Deadline(c, timeout)
	defer cancel()
	var got []byte
	var err error
	c.VM.Block(func() { got, err = conn.Gather(ctx, how.done) })
	if err == nil {
		n := how.split(got)
		got, conn.Rest = got[:n], append([]byte(nil), got[n:]...)
	}
	if err == nil || how.whole && errors.Is(err, io.EOF) {
		c.Return(lua.LString(got))
		return nil
	}
	c.Return(lua.LString(got), lua.LString(socket.ErrName(err)))
	return session.Over(c)
}

func all(got []byte) int { return len(got) }

// until are the arguments of read_until.
type until struct {
	text    string
	timeout time.Duration
}

// written are the arguments of verbs that write.
type written struct {
	data    string
	timeout time.Duration
}

func writeOptions(a *written) []vm.Argument {
	return []vm.Argument{args.String.Param(&a.data, "data", "what to write"), session.Timeout(&a.timeout)}
}

func connVerbs() []*vm.Method {
	return []*vm.Method{
		vm.Verb(vm.Method{Name: "read", Doc: "Reads what is there, waiting for the first byte.",
			Example: `local data, err = conn:read()`, Returns: "string, string?", Phase: vm.Running}, waitOptions,
			func(c *vm.Call, a *waits) error {
				return read(c, a.timeout, reading{done: func(got []byte) bool { return len(got) > 0 }, split: all})
			}),
		vm.Verb(vm.Method{Name: "read_until", Doc: "Reads up to and including a text.",
			Example: `local head, err = conn:read_until "\r\n\r\n"`, Returns: "string, string?", Phase: vm.Running},
			func(a *until) []vm.Argument {
				return []vm.Argument{args.String.Param(&a.text, "text", "what ends it"), session.Timeout(&a.timeout)}
			},
			func(c *vm.Call, a *until) error {
				return read(c, a.timeout, reading{
					done:  func(got []byte) bool { return bytes.Contains(got, []byte(a.text)) },
					split: func(got []byte) int { return bytes.Index(got, []byte(a.text)) + len(a.text) },
				})
			}),
		vm.Verb(vm.Method{Name: "read_all",
			Doc:     "Reads to the end of the stream. What came is returned even with an error.",
			Example: `local body, err = conn:read_all()`, Returns: "string, string?", Phase: vm.Running}, waitOptions,
			func(c *vm.Call, a *waits) error {
				return read(c, a.timeout, reading{whole: true, done: func([]byte) bool { return false }, split: all})
			}),
		vm.Verb(vm.Method{Name: "write",
			Doc:     "Writes all of a string. Returns how many bytes the kernel took, and the error's name if not all.",
			Example: `conn:write "GET / HTTP/1.0\r\n\r\n"`, Returns: "integer, string?", Phase: vm.Running},
			writeOptions,
			func(c *vm.Call, a *written) error { return write(c, c.Self.(*endpoint.Connection).Conn, a) }),
		vm.Verb(vm.Method{Name: "set", Doc: "Changes socket options.", Example: `conn:set { linger = 0 }`,
			Phase: vm.Running}, endpoint.LateOptions, set),
		vm.Verb(vm.Method{Name: "shutdown", Doc: "Closes one direction.", Example: `conn:shutdown "write"`,
			Phase: vm.Running},
			func(how *string) []vm.Argument {
				return []vm.Argument{kDirection.Param(how, "how", "read, write or both")}
			},
			func(c *vm.Call, how *string) error {
				return told(c, c.Self.(*endpoint.Connection).Raw.Shutdown(*how))
			}),
		{Name: "close", Doc: "Closes the connection, as close(2) does. Closing twice is harmless.",
			Example: `conn:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				var err error
				c.VM.Block(func() { err = closeWithin(c.VM.Context(), c.Self.(*endpoint.Connection)) })
				if err != nil && socket.ErrName(err) != "closed" {
					session.ReturnErr(c, err)
				}
				return session.Over(c)
			}},
		{Name: "abort", Doc: "Resets the connection at once, as connect(2) to AF_UNSPEC does, and closes " +
			"the socket.", Phase: vm.Running, Example: `conn:abort()`,
			Fn: func(c *vm.Call) error { return told(c, c.Self.(*endpoint.Connection).Raw.Disconnect()) }},
		{Name: "vanish", Doc: "Closes the connection and sends nothing, as a machine that loses its power " +
			"(TCP_REPAIR). The other side learns of it when it sends something.",
			Phase: vm.Running, Example: `conn:vanish()`,
			Fn: func(c *vm.Call) error { return told(c, c.Self.(*endpoint.Connection).Raw.Vanish()) }},
		vm.Verb(vm.Method{Name: "wait_readable", Doc: "Waits until something can be read, and leaves it there. " +
			"Returns true, or nil and the error's name.",
			Example: `local ok, err = conn:wait_readable { timeout = "1s" }`,
			Returns: "boolean, string?", Phase: vm.Running}, waitOptions, waitReadable),
		{Name: "info", Doc: "The kernel's own account of the connection (TCP_INFO).",
			Example: `conn:info().retransmits`, Returns: "ConnInfo", Phase: vm.Running, Fn: info},
	}
}

var kDirection = args.Enum("direction", "read", "write", "both")

// told returns nil and the name of an error to the script, if there is one.
func told(c *vm.Call, err error) error {
	if err != nil {
		session.ReturnErr(c, err)
	}
	return nil
}

func set(c *vm.Call, s *endpoint.Socket) error {
	o, err := s.For(c, nil)
	if err != nil {
		return err
	}
	return told(c, c.Self.(*endpoint.Connection).Raw.Set(o))
}

func write(c *vm.Call, conn net.Conn, a *written) error {
	ctx, cancel := session.Deadline(c, a.timeout)
	defer cancel()
	var n int
	var err error
	c.VM.Block(func() {
		err = fd.Within(ctx, conn.SetWriteDeadline, func() (err error) {
			n, err = conn.Write([]byte(a.data))
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

func waitReadable(c *vm.Call, a *waits) error {
	conn := c.Self.(*endpoint.Connection)
	if len(conn.Rest) > 0 {
		c.Return(lua.LTrue)
		return nil
	}
	ctx, cancel := session.Deadline(c, a.timeout)
	defer cancel()
	var err error
	c.VM.Block(func() { err = fd.Within(ctx, conn.Raw.SetReadDeadline, conn.Raw.WaitReadable) })
	if err != nil {
		session.ReturnErr(c, err)
		return session.Over(c)
	}
	c.Return(lua.LTrue)
	return nil
}
