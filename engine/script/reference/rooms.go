package reference

import (
	_ "embed"
	"slices"
	"strings"
)

// Room is a part of the language that is read together.
type Room struct {
	Name  string // as in netrepro doc NAME
	Title string
	Doc   string
	Verbs []string // by their full names; "fault:" is all verbs of a class
	Types []string // classes and plain tables that are told of there
}

// Rooms are the parts of the language, in the order that a page has them. A test
// holds them to have each verb, class and table once.
var Rooms = []Room{
	{"file", "A file", "What stands in a scenario file, and what any function may call.",
		words("scenario step pause sleep task task: wait time.now hex"), words("Net Variant Task time")},
	{"topology", "Topologies", "Hosts, routers and switches, and the wires between them. All of it is " +
		"said at the top of a file.",
		words("path graph host router switch wire tunnel"),
		words("Topology Node.Part Wire.Part Tunnel.Part Parts Route WireSettings")},
	{"sockets", "Sockets", "TCP connections, step by step, with every socket option that changes what " +
		"is on the wire; TLS step by step.",
		words("host:listen host:dial listener: conn: call:"), words("Host Router Listener Conn Address " +
			"Call Result ConnInfo SocketOptions MD5 Chain")},
	{"http", "HTTP and TLS", "Servers and clients with nginx's and curl's knobs, and many clients at a rate.",
		words("host:serve host:tls server: host:fetch host:session session: host:load histogram:"),
		words("Server ServedRequest Answer Response Session Request Load Histogram Bucket ServerOptions " +
			"RequestOptions")},
	{"programs", "Programs", "Real programs on a node.", words("host:run host:start process:"),
		words("Process Exit Ready ProgramOptions")},
	{"probes", "Probes, names, datagrams", "What operators measure a path with, name servers, UDP and ICMP.",
		words("host:ping host:traceroute host:path_mtu host:tcp_ping host:dns host:resolve nameserver: " +
			"host:udp host:icmp datagram:"),
		words("PingResult Reply Hops Hop PathMTU Connect NameServer Record Query Datagram Message " +
			"ICMPError DatagramOptions")},
	{"faults", "Faults on wires", "What breaks a wire: a match, a gate and an action. Packets are " +
		"counted for each connection, in the order in which they come to the wire.",
		words("wire: fault: passing: host:box host:lookup_miss"),
		words("Wire Fault Passing PassingMatch FaultOptions Settings Chance Injected PacketFields")},
	{"rules", "Rules of nodes", "nftables rules, connection tracking, routes and settings of a node's kernel.",
		words("host:drop host:accept host:reject host:clamp_mss host:notrack host:zone host:mark " +
			"host:rule host:redirect host:dnat host:snat " +
			"host:masquerade host:conntrack host:tracked host:forget host:track host:route host:policy " +
			"host:sysctl switch:"),
		words("Switch Conntrack LearnedAddress RuleMatch")},
	{"kernel", "What the kernel says", "Counters, sockets, and why the kernel reset, dropped or sent again.",
		words("host:sockets host:events counters:"), words("Counters SocketState KernelEvents KernelEvent")},
	{"expect", "Traces and expectations", "What the wires saw, and what is expected of it.",
		words("expect must trace: expectation: every: resultexpectation: valueexpectation:"),
		words("Trace Packet Match Row Reset Expectation Every ResultExpectation ValueExpectation")},
	{Name: "modules", Title: "Modules", Doc: "Lua modules that come with the program: local tls = " +
		"require \"tls\"."},
}

func words(s string) []string { return strings.Fields(s) }

// has reports whether the verb stands in the room.
func (r *Room) has(v *Verb) bool {
	full := v.Full()
	class, _, _ := strings.Cut(full, ":")
	return slices.Contains(r.Verbs, full) || v.Of != "" && slices.Contains(r.Verbs, class+":")
}

// In are the verbs of a room.
func (l *Language) In(r *Room) []*Verb {
	var out []*Verb
	for i := range l.Verbs {
		if r.has(&l.Verbs[i]) {
			out = append(out, &l.Verbs[i])
		}
	}
	return out
}

// roomOf is the room of a verb.
func roomOf(v *Verb) *Room {
	i := slices.IndexFunc(Rooms, func(r Room) bool { return r.has(v) })
	if i < 0 {
		return &Room{}
	}
	return &Rooms[i]
}

// relatedText is which verbs to look at besides a verb. Those that are not in it
// have others of their room.
//
//go:embed related.txt
var relatedText string

// related are the verbs of relatedText for a verb, by their full names.
func related(full string) []string {
	for _, line := range strings.Split(relatedText, "\n") {
		if others, ok := strings.CutPrefix(line, full+" = "); ok {
			return words(others)
		}
	}
	return nil
}

// See are other verbs that a reader of v may want, and what v returns.
func (l *Language) See(v *Verb) []string {
	out := related(v.Full())
	if len(out) == 0 {
		room := roomOf(v)
		for _, o := range l.In(room) {
			if o.Of == v.Of && o.Name != v.Name && len(out) < 4 {
				out = append(out, o.Full())
			}
		}
		if len(out) == 0 {
			out = append(out, room.Name)
		}
	}
	for _, g := range v.Gives {
		for _, name := range TypeNames(g) {
			if l.Class(name) != nil || l.Table(name) != nil {
				out = append(out, name)
			}
		}
	}
	return out
}
