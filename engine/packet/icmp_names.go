package packet

import "fmt"

// ICMPMessage is a kind of message in both versions: type and code, of which -1
// is any; a type of -2 says that the version has no such message.
type ICMPMessage struct{ V4, V6 [2]int }

var noICMP = [2]int{-2, -2}

// ICMPNames are the names of ICMP messages (RFC 792, RFC 1812) and ICMPv6
// messages (RFC 4443). What is too big for a path has two names, each of which
// stands for both.
var ICMPNames = map[string]ICMPMessage{
	"any":                {[2]int{-1, -1}, [2]int{-1, -1}},
	"echo-request":       {[2]int{8, -1}, [2]int{128, -1}},
	"echo-reply":         {[2]int{0, -1}, [2]int{129, -1}},
	"unreachable":        {[2]int{3, -1}, [2]int{1, -1}},
	"net-unreachable":    {[2]int{3, 0}, [2]int{1, 0}},
	"host-unreachable":   {[2]int{3, 1}, [2]int{1, 3}},
	"proto-unreachable":  {[2]int{3, 2}, [2]int{4, 1}},
	"port-unreachable":   {[2]int{3, 3}, [2]int{1, 4}},
	"frag-needed":        {[2]int{3, 4}, [2]int{2, -1}},
	"packet-too-big":     {[2]int{3, 4}, [2]int{2, -1}},
	"net-prohibited":     {[2]int{3, 9}, noICMP},
	"host-prohibited":    {[2]int{3, 10}, noICMP},
	"admin-prohibited":   {[2]int{3, 13}, [2]int{1, 1}},
	"time-exceeded":      {[2]int{11, -1}, [2]int{3, -1}},
	"parameter-problem":  {[2]int{12, -1}, [2]int{4, -1}},
	"redirect":           {[2]int{5, -1}, [2]int{137, -1}},
	"neighbor-solicit":   {noICMP, [2]int{135, -1}},
	"neighbor-advertise": {noICMP, [2]int{136, -1}},
}

// Of is the message's type and code in the version that proto is of; ok is false
// if that has none.
func (m ICMPMessage) Of(proto uint8) (tc [2]int, ok bool) {
	tc = m.V4
	if proto == ProtoICMPv6 {
		tc = m.V6
	}
	return tc, tc != noICMP
}

// Is reports whether m is the message of that name, in protocol proto.
func (m *ICMP) Is(name string, proto uint8) bool {
	k, known := ICMPNames[name]
	tc, ok := k.Of(proto)
	return known && ok && (tc[0] < 0 || tc[0] == int(m.Type)) && (tc[1] < 0 || tc[1] == int(m.Code))
}

// Name is the most exact name of the message, which is of protocol proto, with
// the MTU it tells of.
func (m *ICMP) Name(proto uint8) string {
	best, exact := fmt.Sprintf("type %d code %d", m.Type, m.Code), false
	for name := range ICMPNames {
		tc, _ := ICMPNames[name].Of(proto)
		own := name != "frag-needed" || proto == ProtoICMP
		switch {
		case tc[0] < 0 || !own || name == "packet-too-big" && proto == ProtoICMP || !m.Is(name, proto):
		case tc[1] >= 0:
			best, exact = name, true
		case !exact:
			best = name
		}
	}
	if m.MTU > 0 {
		best += fmt.Sprintf(" mtu %d", m.MTU)
	}
	return best
}
