package packet

import "fmt"

// ICMPNames are the names of ICMP messages, with type and code of ICMP
// (RFC 792); code -1 is any.
var ICMPNames = map[string][2]int{
	"echo-request":     {8, -1},
	"echo-reply":       {0, -1},
	"unreachable":      {3, -1},
	"net-unreachable":  {3, 0},
	"host-unreachable": {3, 1},
	"port-unreachable": {3, 3},
	"frag-needed":      {3, 4},
	"admin-prohibited": {3, 13},
	"time-exceeded":    {11, -1},
	"redirect":         {5, -1},
	"any":              {-1, -1},
}

// icmp6Names are those of ICMPv6 (RFC 4443), in the same way.
var icmp6Names = map[string][2]int{
	"echo-request":     {128, -1},
	"echo-reply":       {129, -1},
	"unreachable":      {1, -1},
	"port-unreachable": {1, 4},
	"admin-prohibited": {1, 1},
	"packet-too-big":   {2, -1},
	"time-exceeded":    {3, -1},
}

// Name is the most exact name of the message, which is of protocol proto, with
// the MTU it tells of.
func (m *ICMP) Name(proto uint8) string {
	names := ICMPNames
	if proto == ProtoICMPv6 {
		names = icmp6Names
	}
	best, exact := fmt.Sprintf("type %d code %d", m.Type, m.Code), false
	for name, tc := range names {
		switch {
		case tc[0] != int(m.Type):
		case tc[1] == int(m.Code):
			best, exact = name, true
		case tc[1] < 0 && !exact:
			best = name
		}
	}
	if m.MTU > 0 {
		best += fmt.Sprintf(" mtu %d", m.MTU)
	}
	return best
}
