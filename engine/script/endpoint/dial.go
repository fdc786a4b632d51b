//go:build linux

package endpoint

import (
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Target is something to connect to.
type Target struct {
	Host *session.Node
	Port int // 0 of a host
	// Secure says that it is known to speak TLS.
	Secure bool
}

// Listening is what can be connected to besides a host: a listener, a server.
type Listening interface{ Target() Target }

// KTarget is a host, a listener or a server.
var KTarget = vm.NewKind("target", "Host|Listener|Server", func(_ *vm.Call, x lua.LValue) (Target, error) {
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		return Target{Host: n.(*session.Node)}, nil
	}
	if l, ok := vm.Value(x).(Listening); ok {
		return l.Target(), nil
	}
	return Target{}, args.Wrong(x, "a host, a listener or a server",
		"write net.NAME, or what listen, serve or tls returned")
})

// Dial is how a connection is opened.
type Dial struct {
	Port             int // 0 where it is that of the target
	Timeout          time.Duration
	ip               *int
	toAddr, fromAddr *string
	fromPort         int
	socket           Socket
}

// DialOptions are what every verb that opens a connection takes.
func DialOptions(d *Dial) []vm.Argument {
	return append([]vm.Argument{
		args.Port.Opt(&d.Port, "port", "where to; not needed for a listener or a server"),
		args.IPVersion.Maybe(&d.ip, "ip", "the IP version, if there are two; 4 by default"),
		args.String.Maybe(&d.toAddr, "to_addr", "the address to connect to, if it is not the host's first: "+
			"that of a service behind NAT, say"),
		args.String.Maybe(&d.fromAddr, "from_addr", "source address; the kernel's choice by default"),
		args.Port.Opt(&d.fromPort, "from_port", "source port; otherwise 40000 and up, the same each run"),
		session.Timeout(&d.Timeout),
	}, SocketOptions(&d.socket)...)
}

// Socket are the options for a socket of n.
func (d *Dial) Socket(c *vm.Call, n *session.Node) (socket.Options, error) { return d.socket.For(c, n) }

// ReusePort reports whether several sockets are to share the port.
func (d *Dial) ReusePort() bool { return d.socket.ReusePort() }

// Spec is how n connects to t, which the option of that name says.
func (d *Dial) Spec(c *vm.Call, n *session.Node, option string, t Target) (socket.DialSpec, error) {
	port := d.Port
	if port == 0 {
		port = t.Port
	}
	if port == 0 {
		return socket.DialSpec{}, c.Fail(option, "write port = 443", "to which port of %s?", t.Host.Name)
	}
	options, err := d.socket.For(c, n)
	if err != nil {
		return socket.DialSpec{}, err
	}
	s := socket.DialSpec{FromPort: d.fromPort, Options: options}
	to := t.Host.Primary()
	if d.ip != nil {
		if to = t.Host.Address(*d.ip == 6); !to.IsValid() {
			return s, c.Fail("ip", `write ip = "dual" in the topology to have both`, "%s has no IPv%d address",
				t.Host.Name, *d.ip)
		}
	}
	if err := parse(c, "to_addr", d.toAddr, &to); err != nil {
		return s, err
	}
	if err := parse(c, "from_addr", d.fromAddr, &s.From); err != nil {
		return s, err
	}
	s.To = netip.AddrPortFrom(to, uint16(port))
	if s.From.IsValid() && s.From.Is6() != to.Is6() {
		return s, c.Fail("from_addr", "take both of one IP version", "from %s to %s is no connection", s.From, to)
	}
	return s, nil
}

// parse reads the address of an option, if it was given.
func parse(c *vm.Call, option string, text *string, to *netip.Addr) error {
	if text == nil {
		return nil
	}
	a, err := netip.ParseAddr(*text)
	if err != nil {
		return c.Fail(*text, `write it like "192.0.2.1"`, "%s: %q is not an address", option, *text)
	}
	*to = a
	return nil
}
