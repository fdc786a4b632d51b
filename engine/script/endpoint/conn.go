//go:build linux

package endpoint

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
	"netrepro/engine/script/vm"
)

// Connection is a connection as scripts see it: Raw is the TCP connection below,
// Conn what is read and written, which TLS may wrap.
type Connection struct {
	net.Conn
	Raw *socket.Conn
	// Rest is what was read and not yet returned.
	Rest []byte
}

// Local is this side's address and port.
func (c *Connection) Local() netip.AddrPort { return c.Raw.Local() }

// Remote is the other side's address and port.
func (c *Connection) Remote() netip.AddrPort { return c.Raw.Remote() }

// NewConn makes the object of a TCP connection.
func NewConn(v *vm.VM, conn *socket.Conn) lua.LValue {
	return v.New(Conn, &Connection{Conn: conn, Raw: conn})
}

// NewTLS makes the object of a connection that speaks TLS over raw.
func NewTLS(v *vm.VM, conn *tls.Conn, raw *socket.Conn) lua.LValue {
	return v.New(Conn, &Connection{Conn: conn, Raw: raw})
}

// maxRead bounds what one verb gathers.
const maxRead = 256 << 20

// Gather reads until done says so, and returns what came even with an error.
func (c *Connection) Gather(ctx context.Context, done func(got []byte) bool) ([]byte, error) {
	got := c.Rest
	c.Rest = nil
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

// Conn is the class of connections; the room of sockets gives it its verbs.
var Conn = &vm.Class{Name: "Conn", Doc: "A TCP connection, with or without TLS. " +
	"Reading verbs return what came and, if it failed, the error's name.",
	Fields: append([]*vm.Field{
		{Name: "peer", Type: "Address", Doc: "Address and port of the other side.",
			Get: func(v *vm.VM, x any) (lua.LValue, error) { return v.New(address, x.(*Connection).Remote()), nil }},
		{Name: "here", Type: "Address", Doc: "Address and port of this side.",
			Get: func(v *vm.VM, x any) (lua.LValue, error) { return v.New(address, x.(*Connection).Local()), nil }},
	}, stands...),
	String: func(x any) string {
		return fmt.Sprintf("connection %s > %s", x.(*Connection).Local(), x.(*Connection).Remote())
	}}

var address = &vm.Class{Name: "Address", Doc: "An address and a port.",
	Fields: []*vm.Field{
		vm.FieldOf("addr", "string", "The address.",
			func(a netip.AddrPort) lua.LValue { return lua.LString(a.Addr().String()) }),
		vm.NumberOf("port", "integer", "The port.", netip.AddrPort.Port),
	},
	String: func(x any) string { return x.(netip.AddrPort).String() }}
