//go:build linux

// Package matching reads the matches of scripts: which packets are meant.
package matching

import (
	"maps"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/lab/fault"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/trace"
)

// Kinds of what a match asks for.
var (
	KTCP  = args.Enum("kind of TCP segment", words(trace.Kinds)...)
	KICMP = args.Enum("ICMP message", slices.Sorted(maps.Keys(packet.ICMPNames))...)
	KSeq  = args.Int("relative number", 0, 1<<32-1, "numbers are relative: the first byte is 1")
	KLen  = &vm.Kind{Name: "length", Type: "integer|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		switch x.(type) {
		case lua.LNumber, lua.LString:
			if r, err := expect.ParseRange(x.String()); err == nil {
				return r, nil
			}
		}
		return nil, args.Wrong(x, "a length", `write 18, "1..1448" or ">= 1"`)
	}}
)

// Options are the keys of a match.
var Options = append([]vm.Option{
	args.Opt("from", kSpeaker, "the sender, by its addresses"),
	args.Opt("to", kSpeaker, "the receiver, by its addresses"),
	args.Opt("tcp", KTCP, `what a TCP segment is; "data" is new data only, "any" is data new or sent again`),
	args.Opt("icmp", KICMP, "an ICMP message"),
	args.Opt("udp", kTrue, "UDP datagrams only"),
	args.Opt("conn", session.KEnds, "one connection"),
	args.Opt("port", args.Port, "either port"),
	args.Opt("sport", args.Port, "source port"),
	args.Opt("dport", args.Port, "destination port"),
	args.Opt("seq", KSeq, "relative sequence number"),
	args.Opt("ack", KSeq, "relative acknowledgement number"),
	args.Opt("len", KLen, "bytes of payload"),
	args.Opt("flags", kFlags, `exactly these TCP flags, as tcpdump writes them: "S", "P."`),
	args.Opt("sacks", session.KFault, "acknowledgements that report the segment this fault hit missing"),
	args.Opt("covers", session.KFault, "acknowledgements that cover the segment this fault hit"),
	args.Opt("dropped", args.Bool, "packets that a fault dropped, or none of them"),
	args.Opt("toward", session.KHost, "on its way to this end of a wire"),
	args.Opt("payload", kSome, "bytes that the payload has in it"),
	args.Opt("size", KLen, "bytes of the whole frame"),
	args.Opt("rexmit", KLen, "how often its sequence space was sent before: 1 is the first retransmission"),
	args.Opt("tls", KTLS, "a TLS record or handshake message that begins in it, as far as it is in the clear"),
	args.Opt("http", kSome, `the beginning of an HTTP start line in it: "GET /", "HTTP/1.1 200"`),
}, fieldOptions...)

// Seen are the keys of a match of recorded packets, of which the analysis
// can tell more.
var Seen = append(slices.Clone(Options),
	args.Opt("harmed", args.Bool, "packets that a fault did something else to, or forged, or none of them"),
	args.Opt("queued", KLen, "bytes that waited before it on a wire with a rate"),
	args.Opt("rst", KReset, "a reset, by who sent it and why"),
	args.Opt("refused", kSome, `a packet that the kernel of the node it arrived at threw away, by the reason or the function: "NETFILTER_DROP"`),
	args.Opt("timer", kSome, `a retransmission, by the kernel's function that sent it: "tcp_retransmit_timer"`),
	args.Opt("original", args.Enum("fate", "lost", "arrived"), "a retransmission, by what became of what it sends again"))

// Kinds of what only a recorded packet can be asked for.
var (
	KTLS   = args.Enum("TLS event", payload.Names()...)
	KReset = &vm.Kind{Name: "reset", Type: "Reset", Table: resetTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a reset", `write { kind = "active", cause = "linger" }`)
		}
		a := c.Table(resetTable, t)
		m := &trace.ResetMatch{}
		m.Kind, _ = a["kind"].(string)
		m.Cause, _ = a["cause"].(string)
		m.Reason, _ = a["reason"].(string)
		m.Evidence, _ = a["evidence"].(string)
		m.State, _ = a["state"].(string)
		m.Through, _ = a["through"].(string)
		m.Process, _ = a["process"].(string)
		return m, nil
	}}
	resetTable = &vm.Method{Name: "rst", Options: []vm.Option{
		args.Opt("kind", args.Enum("kind of reset", words(reset.Kinds)...), "who sent it"),
		args.Opt("cause", args.Enum("cause of a reset", words(reset.Causes)...), "why; a verdict that cannot tell it from another counts too"),
		args.Opt("evidence", args.Enum("kind of evidence", reset.FromKernel, reset.Inferred), "what the verdict was drawn from"),
		args.Opt("reason", args.String, `the kernel's own reason, as enum sk_rst_reason has it: "TCP_ABORT_ON_CLOSE"`),
		args.Opt("state", args.String, `the state of the socket, or the one before that: "FIN_WAIT2"`),
		args.Opt("through", args.String, `a function of the kernel that it was sent through: "__tcp_close"`),
		args.Opt("process", args.String, "the program that called, as far as the kernel keeps its name (15 bytes)")}}
)

// kSpeaker is a node that packets are from or to: one with addresses.
var kSpeaker = &vm.Kind{Name: "host", Type: "Host|Router", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	n, ok := vm.As(x, session.Host, session.Router)
	if !ok {
		return nil, args.Wrong(x, "a node with addresses", "write net.NAME, of a host or a router")
	}
	return n, nil
}}

// kFlags are TCP flags, in the order that tcpdump writes them.
var kFlags = &vm.Kind{Name: "TCP flags", Type: "string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	s, ok := x.(lua.LString)
	if ok && s == "none" {
		return "none", nil
	}
	f, good := packet.ParseFlags(string(s))
	if !ok || !good || s == "" {
		return nil, args.Wrong(x, "TCP flags", `write them as tcpdump does: "S", "P.", "none"`)
	}
	return f.String(), nil
}}

// kSome is a text that is not empty: an empty one would be in everything.
var kSome = &vm.Kind{Name: "text", Type: "string", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if s, ok := x.(lua.LString); ok && s == "" {
		return nil, args.Wrong(x, "a text to look for", "leave it out to match everything")
	}
	return args.String.Parse(c, x)
}}

// kTrue can only be asked for.
var kTrue = &vm.Kind{Name: "true", Type: "true", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if x != lua.LTrue {
		return nil, args.Wrong(x, "true", "write true, or leave it out")
	}
	return true, nil
}}

func words[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// Row are those of a row of a sequence.
var Row = append(slices.Clone(Seen),
	args.OptDef("times", args.Count, "1", `at least so many, others between, before the next row`),
	args.Opt("within", args.Duration, "since the packet matched before"))

var rowTable = &vm.Method{Name: "row", Options: Row}

// Of builds the match that options say.
func Of(a map[string]any) trace.Match {
	m := trace.Match{}
	if n, ok := a["from"].(*session.Node); ok {
		m.From = n.Party()
	}
	if n, ok := a["to"].(*session.Node); ok {
		m.To = n.Party()
	}
	if s, ok := a["tcp"].(string); ok {
		m.TCP = trace.Kind(s)
	}
	m.ICMP, _ = a["icmp"].(string)
	m.UDP, _ = a["udp"].(bool)
	m.Conn, _ = a["conn"].(*trace.Ends)
	m.Port, _ = a["port"].(int)
	m.SPort, _ = a["sport"].(int)
	m.DPort, _ = a["dport"].(int)
	m.Seq, m.Ack = seqOf(a["seq"]), seqOf(a["ack"])
	m.Len, _ = a["len"].(*trace.Range)
	m.Flags, _ = a["flags"].(string)
	if f, ok := a["sacks"].(fault.Handle); ok {
		m.SACKs = f.First
	}
	if f, ok := a["covers"].(fault.Handle); ok {
		m.Covers = f.First
	}
	if b, ok := a["dropped"].(bool); ok {
		m.Dropped = &b
	}
	m.TLS, _ = a["tls"].(string)
	m.HTTP, _ = a["http"].(string)
	m.RST, _ = a["rst"].(*trace.ResetMatch)
	m.Original, _ = a["original"].(string)
	m.Refused, _ = a["refused"].(string)
	m.Timer, _ = a["timer"].(string)
	if b, ok := a["harmed"].(bool); ok {
		m.Harmed = &b
	}
	if n, ok := a["toward"].(*session.Node); ok {
		m.Toward = n.Name
	}
	m.Payload, _ = a["payload"].(string)
	m.Size, _ = a["size"].(*trace.Range)
	m.Queued, _ = a["queued"].(*trace.Range)
	m.Rexmit, _ = a["rexmit"].(*trace.Range)
	m.Fields = fieldsOf(a)
	return m
}

func seqOf(x any) *uint32 {
	n, ok := x.(int)
	if !ok {
		return nil
	}
	v := uint32(n)
	return &v
}

// KRows is a list of rows.
var KRows = &vm.Kind{Name: "list of matches", Type: "Row[]", Table: rowTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok || t.Len() == 0 {
		return nil, args.Wrong(x, "a list of matches", `write { { tcp = "syn" }, { tcp = "synack" } }`)
	}
	items, err := args.List(t, `write { { tcp = "syn" }, { tcp = "synack" } }`)
	if err != nil {
		return nil, err
	}
	var rows []expect.Row
	for i, x := range items {
		rt, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a match", `write { tcp = "syn" }`)
		}
		a := c.Table(rowTable, rt)
		r := expect.Row{Match: Of(a), Times: expect.Count{Min: 1}}
		if n, ok := a["times"].(expect.Count); ok {
			r.Times = n
		}
		if r.Times.Min == 0 {
			return nil, &vm.BadValue{Msg: "a row that need not come says nothing", Word: "times", Hint: "leave it out, or say never"}
		}
		if r.Within = durationOf(a["within"]); r.Within > 0 && i == 0 {
			return nil, &vm.BadValue{Msg: "the first row has none before it to be within the time of", Word: "within", Hint: "leave within out of it"}
		}
		rows = append(rows, r)
	}
	return rows, nil
}}

func durationOf(x any) time.Duration {
	d, _ := x.(time.Duration)
	return d
}
