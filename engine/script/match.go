//go:build linux

package script

import (
	"maps"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/app"
	"netrepro/engine/expect"
	"netrepro/engine/fault"
	"netrepro/engine/packet"
	"netrepro/engine/reset"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

var (
	kTCP  = kEnum("kind of TCP segment", words(trace.Kinds)...)
	kICMP = kEnum("ICMP message", slices.Sorted(maps.Keys(packet.ICMPNames))...)
	kSeq  = kInt("relative number", 0, 1<<32-1, "numbers are relative: the first byte is 1")
	kLen  = &vm.Kind{Name: "length", Type: "integer|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		switch x.(type) {
		case lua.LNumber, lua.LString:
			if r, err := expect.ParseRange(x.String()); err == nil {
				return r, nil
			}
		}
		return nil, wrong(x, "a length", `write 18, "1..1448" or ">= 1"`)
	}}
	kFault = &vm.Kind{Name: "fault", Type: "Fault", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		f, ok := vm.As(x, faultClass)
		if !ok {
			return nil, wrong(x, "a fault", "give what wire:drop returned")
		}
		return f, nil
	}}
	kEnds = &vm.Kind{Name: "connection", Type: "Conn|Call|Response", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		if o, ok := vm.As(x, connClass, callClass, responseClass); ok {
			if e, ok := o.(ended); ok {
				return &trace.Ends{A: e.Local(), B: e.Remote()}, nil
			}
		}
		return nil, wrong(x, "a connection", "give what dial, tls or fetch returned")
	}}
)

// ended has two addresses.
type ended interface {
	Local() netip.AddrPort
	Remote() netip.AddrPort
}

// matchOptions are the keys of a match.
var matchOptions = []vm.Option{
	opt("from", kHost, "the sender, by its addresses"),
	opt("to", kHost, "the receiver, by its addresses"),
	opt("tcp", kTCP, `what a TCP segment is; "data" is new data only, "any" is data new or sent again`),
	opt("icmp", kICMP, "an ICMP message"),
	opt("udp", kBool, "UDP datagrams only"),
	opt("conn", kEnds, "one connection"),
	opt("port", kPort, "either port"),
	opt("sport", kPort, "source port"),
	opt("dport", kPort, "destination port"),
	opt("seq", kSeq, "relative sequence number"),
	opt("ack", kSeq, "relative acknowledgement number"),
	opt("len", kLen, "bytes of payload"),
	opt("flags", kString, `exactly these TCP flags, as tcpdump writes them: "S", "P."`),
	opt("sacks", kFault, "acknowledgements that report the segment this fault hit missing"),
	opt("covers", kFault, "acknowledgements that cover the segment this fault hit"),
	opt("dropped", kBool, "packets that a fault dropped, or none of them"),
}

// seenOptions are the keys of a match of recorded packets, of which the analysis
// can tell more.
var seenOptions = append(slices.Clone(matchOptions),
	opt("tls", kTLS, "a TLS record or handshake message that begins in it, as far as it is in the clear"),
	opt("http", kString, `the beginning of an HTTP start line in it: "GET /", "HTTP/1.1 200"`),
	opt("rst", kReset, "a reset, by who sent it and why"),
	opt("original", kEnum("fate", "lost", "arrived"), "a retransmission, by what became of what it sends again"))

var (
	kTLS   = kEnum("TLS event", app.Names()...)
	kReset = &vm.Kind{Name: "reset", Type: "Reset", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, wrong(x, "a reset", `write { kind = "active", cause = "linger" }`)
		}
		a := c.Table(resetTable, t)
		m := &trace.ResetMatch{}
		m.Kind, _ = a["kind"].(string)
		m.Cause, _ = a["cause"].(string)
		return m, nil
	}}
	resetTable = &vm.Method{Name: "rst", Options: []vm.Option{
		opt("kind", kEnum("kind of reset", words(reset.Kinds)...), "who sent it"),
		opt("cause", kEnum("cause of a reset", words(reset.Causes)...), "why; a verdict that cannot tell it from another counts too")}}
)

func words[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// rowOptions are those of a row of a sequence.
var rowOptions = append(slices.Clone(seenOptions),
	optDef("times", kCount, "1", `at least so many, others between, before the next row`),
	opt("within", kDuration, "since the packet matched before"))

var rowTable = &vm.Method{Name: "row", Options: rowOptions}

// matchOf builds the match that options say.
func matchOf(a map[string]any) trace.Match {
	m := trace.Match{}
	if n, ok := a["from"].(*node); ok {
		m.From = n.party()
	}
	if n, ok := a["to"].(*node); ok {
		m.To = n.party()
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

// kRows is a list of rows.
var kRows = &vm.Kind{Name: "list of matches", Type: "Row[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok || t.Len() == 0 {
		return nil, wrong(x, "a list of matches", `write { { tcp = "syn" }, { tcp = "synack" } }`)
	}
	items, err := list(t, `write { { tcp = "syn" }, { tcp = "synack" } }`)
	if err != nil {
		return nil, err
	}
	var rows []expect.Row
	for i, x := range items {
		rt, ok := x.(*lua.LTable)
		if !ok {
			return nil, wrong(x, "a match", `write { tcp = "syn" }`)
		}
		a := c.Table(rowTable, rt)
		r := expect.Row{Match: matchOf(a), Times: expect.Count{Min: 1}}
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
