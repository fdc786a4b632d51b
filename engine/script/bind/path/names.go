//go:build linux

package path

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/dns"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var (
	kCode  = args.Enum("response code", slices.Sorted(maps.Keys(dns.Codes))...)
	kTimes = args.Int("count", 1, 1<<30, "write a whole number")
)

func recordOptions(r *dns.Record) []vm.Argument {
	return []vm.Argument{
		kAddrs.Opt(&r.Addrs, "to", "what it is answered: a node, an address, or a list of them"),
		args.String.Opt(&r.CNAME, "cname", "the name it is another one for"),
		args.Duration.Opt(&r.TTL, "ttl", "how long an answer may be kept; 0 by default"),
		args.Duration.Opt(&r.Delay, "delay", "before the answer"),
		args.Bool.Opt(&r.Drop, "drop", "no answer"),
		args.Bool.Opt(&r.Truncate, "truncate", "over UDP the answer is cut short, so that the client asks "+
			"again over TCP"),
		kCode.Opt(&r.Code, "code", "answered instead of addresses"),
		kTimes.Opt(&r.Times, "times", "for this many questions; later ones are answered as before"),
	}
}

var recordTable = vm.NewTable("record", "to", recordOptions)

// kAddrs is a node, an address, or a list of both.
var kAddrs = vm.NewKind("addresses", "Host|string|(Host|string)[]",
	func(c *vm.Call, x lua.LValue) ([]netip.Addr, error) {
		items := []lua.LValue{x}
		if t, ok := x.(*lua.LTable); ok {
			var err error
			if items, err = args.List(t, `write { "192.0.2.1", "192.0.2.2" }`); err != nil {
				return nil, err
			}
		}
		var out []netip.Addr
		for _, item := range items {
			w, err := kWhom.Read(c, item)
			if err != nil {
				return nil, err
			}
			if w.node != nil {
				out = append(out, w.node.Addrs()...)
			} else {
				out = append(out, w.addr)
			}
		}
		return out, nil
	})

var kRecords = vm.NewKind("table of names", "table<string,Host|string|Record>", parseRecords).Of(recordTable.Form())

func parseRecords(c *vm.Call, x lua.LValue) (map[string]dns.Record, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of names",
			`write { ["api.test"] = net.server, ["slow.test"] = { to = net.server, delay = "2s" } }`)
	}
	out := map[string]dns.Record{}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, ok := k.(lua.LString)
		if !ok {
			return nil, args.Wrong(k, "a name", `write { ["api.test"] = net.server }`)
		}
		if rt, ok := v.(*lua.LTable); ok && rt.Len() == 0 {
			out[string(name)] = recordTable.Read(c, rt)
			continue
		}
		addrs, err := kAddrs.Read(c, v)
		if err != nil {
			return nil, err
		}
		out[string(name)] = dns.Record{Addrs: addrs}
	}
	return out, nil
}

// lab are records of every node's name.
func lab(r *session.Run) map[string]dns.Record {
	out := map[string]dns.Record{}
	for _, n := range r.Nodes {
		if len(n.Addrs()) > 0 {
			out[n.Name] = dns.Record{Addrs: n.Addrs()}
		}
	}
	return out
}

// state is what this room keeps of a case: the node whose name server programs ask,
// nil if there is none.
type state struct{ nameServer *session.Node }

var slot = session.NewSlot(func(*session.Run) *state { return &state{} })

// loopback says of a node that a name server answers on its loopback device.
type loopback struct{ answers bool }

var loopbacks = session.NewSlot(func(*session.Node) *loopback { return &loopback{} })

// ResolvConf is the resolv.conf of programs on n: the lab's name server, or one of
// its own on the loopback device, that knows the nodes.
func ResolvConf(n *session.Node) (string, error) {
	if s := slot.Of(n.Run).nameServer; s != nil {
		text := ""
		for _, a := range s.Addrs() {
			text += fmt.Sprintf("nameserver %s\n", a)
			if a.Is4() {
				break
			}
		}
		return text, nil
	}
	at := netip.AddrFrom4([4]byte{127, 0, 0, 53})
	if own := loopbacks.Of(n); !own.answers {
		if _, err := dns.Serve(n.Endpoints, at, dns.Port, lab(n.Run)); err != nil {
			return "", err
		}
		own.answers = true
	}
	return fmt.Sprintf("nameserver %s\n", at), nil
}

// serving are the arguments of dns.
type serving struct {
	port  int
	names map[string]dns.Record
}

var dnsVerb = vm.Verb(vm.Method{Name: "dns", Doc: "Starts a name server. It knows every node by its name, " +
	"and the names that you give it. Programs that start later ask it.",
	Example: `local names = net.server:dns { names = { ["api.test"] = net.server } }`, Returns: "NameServer",
	Phase: vm.Running},
	func(a *serving) []vm.Argument {
		return []vm.Argument{
			args.Port.Def(&a.port, "port", "53", "where to listen"),
			kRecords.Opt(&a.names, "names", "what is answered, by name"),
		}
	},
	func(c *vm.Call, a *serving) error {
		n := c.Self.(*session.Node)
		records := lab(n.Run)
		maps.Copy(records, a.names)
		s, err := dns.Serve(n.Endpoints, netip.Addr{}, a.port, records)
		if err != nil {
			return c.Fail("port", "each port of a host can be listened on once", "%v", err)
		}
		if a.port == dns.Port {
			slot.Of(n.Run).nameServer = n
		}
		c.Return(c.VM.New(dnsClass, s))
		return nil
	})

// renamed are the arguments of set.
type renamed struct {
	name   string
	record dns.Record
}

var dnsClass = &vm.Class{Name: "NameServer", Doc: "A name server.",
	Methods: []*vm.Method{
		vm.Verb(vm.Method{Name: "set", Doc: "Answers a name from now on as this says.",
			Example: `names:set("api.test", { drop = true, times = 1 })`, Phase: vm.Running, First: "to"},
			func(a *renamed) []vm.Argument {
				return append([]vm.Argument{args.String.Param(&a.name, "name", "which")}, recordOptions(&a.record)...)
			},
			func(c *vm.Call, a *renamed) error {
				c.Self.(*dns.Server).Set(a.name, a.record)
				return nil
			}),
		{Name: "queries", Doc: "The questions it had: a table each, with name, type, proto and from.",
			Example: `#names:queries()`, Returns: "Query[]", Phase: vm.Running, Fn: queries},
		{Name: "close", Doc: "Ends it.", Example: `names:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) (err error) {
				c.VM.Block(func() { err = c.Self.(*dns.Server).Close() })
				return err
			}},
	}}

func queries(c *vm.Call) error {
	t := c.L.NewTable()
	for _, q := range c.Self.(*dns.Server).Queries() {
		r := c.L.NewTable()
		for name, text := range map[string]string{"name": q.Name, "type": q.Type, "proto": q.Proto,
			"from": q.From.Addr().String()} {
			r.RawSetString(name, lua.LString(text))
		}
		t.Append(r)
	}
	c.Return(t)
	return nil
}

// resolve are the arguments of resolve.
type resolve struct {
	name             string
	at               whom
	port, ip, tries  int
	attempt, timeout time.Duration
}

var resolveVerb = vm.Verb(vm.Method{Name: "resolve",
	Doc: "Asks a name server for the address of a name, as the C library does: " +
		"twice, five seconds each. Returns the address, or nil and the error's name.",
	Example: `local addr, err = client:resolve { "api.test", at = net.server }`, Returns: "string, string?",
	Phase: vm.Running, First: "name"},
	func(a *resolve) []vm.Argument {
		return []vm.Argument{
			args.String.Need(&a.name, "name", "what to look up"), kWhom.Need(&a.at, "at", "the name server"),
			args.Port.Def(&a.port, "port", "53", "where it listens"),
			args.IPVersion.Opt(&a.ip, "ip", "the version of the address; 4 by default"),
			args.Duration.Def(&a.attempt, "attempt", "5s", "for each attempt"),
			kTries.Def(&a.tries, "tries", "2", "attempts"),
			args.Duration.Def(&a.timeout, "timeout", "30s", "altogether"),
		}
	},
	func(c *vm.Call, a *resolve) error {
		n := c.Self.(*session.Node)
		at, err := a.at.address(c, nil)
		if err != nil {
			return err
		}
		r := dns.Resolver{Host: n.Endpoints, Server: netip.AddrPortFrom(at, uint16(a.port)), Timeout: a.attempt,
			Tries: a.tries, ID: n.Run.Number()}
		ctx, cancel := session.Deadline(c, a.timeout)
		defer cancel()
		var addr netip.Addr
		c.VM.Block(func() { addr, err = r.Lookup(ctx, a.name, a.ip == 6) })
		if err != nil {
			c.Return(lua.LNil, lua.LString(socket.ErrName(err)))
			return session.Over(c)
		}
		c.Return(lua.LString(addr.String()))
		return nil
	})
