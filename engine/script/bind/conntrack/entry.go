//go:build linux

package conntrack

import (
	"fmt"
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/script/vm"
)

func entryField(name, typ, doc string, get func(*firewall.Entry) lua.LValue) *vm.Field {
	return vm.FieldOf(name, typ, doc, get)
}

func entryAddr(name, doc string, get func(*firewall.Entry) netip.Addr) *vm.Field {
	return entryField(name, "string", doc, func(e *firewall.Entry) lua.LValue { return lua.LString(get(e).String()) })
}

func entryNumber(name, doc string, get func(*firewall.Entry) int) *vm.Field {
	return entryField(name, "integer", doc, func(e *firewall.Entry) lua.LValue { return lua.LNumber(get(e)) })
}

var conntrackClass = &vm.Class{Name: "Conntrack", Doc: "A tracked connection: as it came, and as its answers come.",
	Fields: []*vm.Field{
		entryAddr("src", "Source address.", func(e *firewall.Entry) netip.Addr { return e.Orig.Src }),
		entryAddr("dst", "Destination address.", func(e *firewall.Entry) netip.Addr { return e.Orig.Dst }),
		entryNumber("sport", "Source port.", func(e *firewall.Entry) int { return e.Orig.SPort }),
		entryNumber("dport", "Destination port.", func(e *firewall.Entry) int { return e.Orig.DPort }),
		entryAddr("reply_src", "Source address of answers.", func(e *firewall.Entry) netip.Addr { return e.Reply.Src }),
		entryAddr("reply_dst", "Destination address of answers.",
			func(e *firewall.Entry) netip.Addr { return e.Reply.Dst }),
		entryNumber("reply_sport", "Source port of answers.", func(e *firewall.Entry) int { return e.Reply.SPort }),
		entryNumber("reply_dport", "Destination port of answers.",
			func(e *firewall.Entry) int { return e.Reply.DPort }),
		entryField("proto", "string", "Its protocol, by name or number.", func(e *firewall.Entry) lua.LValue {
			if name, ok := protocolNames[e.Proto]; ok {
				return lua.LString(name)
			}
			return lua.LString(fmt.Sprint(e.Proto))
		}),
		entryField("state", "string", "Of TCP, as the kernel names it; empty for others.",
			func(e *firewall.Entry) lua.LValue { return lua.LString(e.State) }),
		entryNumber("mark", "Its mark.", func(e *firewall.Entry) int { return int(e.Mark) }),
		entryNumber("zone", "Its zone.", func(e *firewall.Entry) int { return int(e.Zone) }),
		entryField("timeout", "number", "Seconds until it is forgotten.",
			func(e *firewall.Entry) lua.LValue { return lua.LNumber(e.Timeout.Seconds()) }),
	},
	String: func(x any) string {
		e := x.(*firewall.Entry)
		return strings.TrimSpace(fmt.Sprintf("%s %s:%d > %s:%d, answers %s:%d > %s:%d %s", protocolNames[e.Proto],
			e.Orig.Src, e.Orig.SPort, e.Orig.Dst, e.Orig.DPort,
			e.Reply.Src, e.Reply.SPort, e.Reply.Dst, e.Reply.DPort, e.State))
	}}
