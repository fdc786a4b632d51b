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

var recordOptions = []vm.Option{
	args.Opt("to", kAddrs, "what it is answered: a node, an address, or a list of them"),
	args.Opt("cname", args.String, "the name it is another one for"),
	args.Opt("ttl", args.Duration, "how long an answer may be kept; 0 unless said"),
	args.Opt("delay", args.Duration, "before the answer"),
	args.Opt("drop", args.Bool, "no answer"),
	args.Opt("truncate", args.Bool, "over UDP the answer does not fit, so that it is asked for over TCP"),
	args.Opt("code", args.Enum("response code", slices.Sorted(maps.Keys(dns.Codes))...), "answered instead of addresses"),
	args.Opt("times", args.Int("count", 1, 1<<30, "write a whole number"), "for so many questions; those after are answered as before"),
}

var recordTable = &vm.Method{Name: "record", Options: recordOptions, First: "to"}

// kAddrs is a node, an address, or a list of both.
var kAddrs = &vm.Kind{Name: "addresses", Type: "Host|string|(Host|string)[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	items := []lua.LValue{x}
	if t, ok := x.(*lua.LTable); ok {
		var err error
		if items, err = args.List(t, `write { "192.0.2.1", "192.0.2.2" }`); err != nil {
			return nil, err
		}
	}
	var out []netip.Addr
	for _, item := range items {
		a, err := kWhom.Parse(c, item)
		if err != nil {
			return nil, err
		}
		switch a := a.(type) {
		case netip.Addr:
			out = append(out, a)
		case *session.Node:
			out = append(out, a.Addrs()...)
		}
	}
	return out, nil
}}

func recordOf(a map[string]any) dns.Record {
	r := dns.Record{}
	r.Addrs, _ = a["to"].([]netip.Addr)
	r.CNAME, _ = a["cname"].(string)
	r.TTL, _ = a["ttl"].(time.Duration)
	r.Delay, _ = a["delay"].(time.Duration)
	r.Drop, _ = a["drop"].(bool)
	r.Truncate, _ = a["truncate"].(bool)
	r.Code, _ = a["code"].(string)
	r.Times, _ = a["times"].(int)
	return r
}

var kRecords = &vm.Kind{Name: "table of names", Type: "table<string,Host|string|Record>", Table: recordTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of names", `write { ["api.test"] = net.server, ["slow.test"] = { to = net.server, delay = "2s" } }`)
	}
	out := map[string]dns.Record{}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, ok := k.(lua.LString)
		if !ok {
			return nil, args.Wrong(k, "a name", `write { ["api.test"] = net.server }`)
		}
		if rt, ok := v.(*lua.LTable); ok && rt.Len() == 0 {
			out[string(name)] = recordOf(c.Table(recordTable, rt))
			continue
		}
		addrs, err := kAddrs.Parse(c, v)
		if err != nil {
			return nil, err
		}
		out[string(name)] = dns.Record{Addrs: addrs.([]netip.Addr)}
	}
	return out, nil
}}

// server is a name server as scripts see it.
type server struct {
	*dns.Server
	node *session.Node
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

var dnsVerb = &vm.Method{Name: "dns", Doc: "Starts a name server. It knows every node by its name, and what names says besides. Programs that start from then on ask it.",
	Example: `local names = net.server:dns { names = { ["api.test"] = net.server } }`, Returns: "NameServer", Phase: vm.Running,
	Options: []vm.Option{args.OptDef("port", args.Port, "53", "where to listen"), args.Opt("names", kRecords, "what is answered, by name")},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		records := lab(n.Run)
		maps.Copy(records, vm.ArgOr[map[string]dns.Record](c, "names", nil))
		port := vm.ArgOr(c, "port", dns.Port)
		s, err := dns.Serve(n.Endpoints, netip.Addr{}, port, records)
		if err != nil {
			return c.Fail("port", "each port of a host can be listened on once", "%v", err)
		}
		if port == dns.Port {
			n.Run.NameServer = n
		}
		c.Return(c.VM.New(dnsClass, &server{s, n}))
		return nil
	}}

// Resolver is the resolv.conf of programs on n: the lab's name server, or one of
// its own on the loopback device, that knows the nodes.
func Resolver(n *session.Node) (string, error) {
	if s := n.Run.NameServer; s != nil {
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
	if !n.Resolves {
		if _, err := dns.Serve(n.Endpoints, at, dns.Port, lab(n.Run)); err != nil {
			return "", err
		}
		n.Resolves = true
	}
	return fmt.Sprintf("nameserver %s\n", at), nil
}

var dnsClass = &vm.Class{Name: "NameServer", Doc: "A name server.",
	Methods: []*vm.Method{
		{Name: "set", Doc: "Answers a name from now on as this says.", Example: `names:set("api.test", { drop = true, times = 1 })`, Phase: vm.Running,
			Params: []vm.Param{{Name: "name", Kind: args.String, Doc: "which"}}, Options: recordOptions, First: "to",
			Fn: func(c *vm.Call) error {
				c.Self.(*server).Set(c.Args["name"].(string), recordOf(c.Args))
				return nil
			}},
		{Name: "queries", Doc: "The questions it had: a table each, with name, type, proto and from.", Example: `#names:queries()`, Returns: "Query[]", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				t := c.L.NewTable()
				for _, q := range c.Self.(*server).Queries() {
					r := c.L.NewTable()
					for name, text := range map[string]string{"name": q.Name, "type": q.Type, "proto": q.Proto, "from": q.From.Addr().String()} {
						r.RawSetString(name, lua.LString(text))
					}
					t.Append(r)
				}
				c.Return(t)
				return nil
			}},
		{Name: "close", Doc: "Ends it.", Example: `names:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) (err error) {
				c.VM.Block(func() { err = c.Self.(*server).Close() })
				return err
			}},
	}}

var resolveVerb = &vm.Method{Name: "resolve", Doc: "Asks a name server for the address of a name, as the C library does: twice, five seconds each. Returns the address, or nil and the error's name.",
	Example: `local addr, err = client:resolve { "api.test", at = net.server }`, Returns: "string, string?", Phase: vm.Running, First: "name",
	Options: []vm.Option{
		args.Need("name", args.String, "what to look up"), args.Need("at", kWhom, "the name server"),
		args.OptDef("port", args.Port, "53", "where it listens"),
		args.Opt("ip", args.Int("IP version", 4, 6, "write 4 or 6"), "the version of the address; 4 unless said"),
		args.OptDef("attempt", args.Duration, "5s", "for each attempt"),
		args.OptDef("tries", args.Int("count", 1, 100, "1 to 100"), "2", "attempts"),
		args.OptDef("timeout", args.Duration, "30s", "altogether"),
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		var at netip.Addr
		switch x := c.Args["at"].(type) {
		case netip.Addr:
			at = x
		case *session.Node:
			at = x.Primary()
		}
		r := dns.Resolver{Host: n.Endpoints, Server: netip.AddrPortFrom(at, uint16(vm.ArgOr(c, "port", dns.Port))), Timeout: vm.ArgOr(c, "attempt", time.Duration(0)),
			Tries: vm.ArgOr(c, "tries", 0), ID: n.Run.Number()}
		ctx, cancel := session.Deadline(c)
		defer cancel()
		var a netip.Addr
		var err error
		c.VM.Block(func() { a, err = r.Lookup(ctx, c.Args["name"].(string), vm.ArgOr(c, "ip", 4) == 6) })
		if err != nil {
			c.Return(lua.LNil, lua.LString(socket.ErrName(err)))
			return session.Over(c)
		}
		c.Return(lua.LString(a.String()))
		return nil
	}}

var nameVerbs = []*vm.Method{dnsVerb, resolveVerb}
