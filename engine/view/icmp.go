package view

import (
	"fmt"

	"netrepro/engine/packet"
)

// icmpNames are those of RFC 792 and RFC 4443, by type and code; a code of -1 is
// any.
var icmpNames = map[uint8]map[[2]int]string{
	packet.ProtoICMP: {{8, -1}: "echo-request", {0, -1}: "echo-reply", {3, 0}: "net-unreachable", {3, 1}: "host-unreachable", {3, 3}: "port-unreachable",
		{3, 4}: "frag-needed", {3, 13}: "admin-prohibited", {3, -1}: "unreachable", {11, -1}: "time-exceeded", {5, -1}: "redirect"},
	packet.ProtoICMPv6: {{128, -1}: "echo-request", {129, -1}: "echo-reply", {1, -1}: "unreachable", {1, 4}: "port-unreachable", {1, 1}: "admin-prohibited",
		{2, -1}: "packet-too-big", {3, -1}: "time-exceeded"},
}

// ICMPName is the name of an ICMP or ICMPv6 message, with the MTU it tells of.
func ICMPName(proto uint8, m *packet.ICMP) string {
	names := icmpNames[proto]
	name, ok := names[[2]int{int(m.Type), int(m.Code)}]
	if !ok {
		name, ok = names[[2]int{int(m.Type), -1}]
	}
	if !ok {
		name = fmt.Sprintf("type %d code %d", m.Type, m.Code)
	}
	if m.MTU > 0 {
		name += fmt.Sprintf(" mtu %d", m.MTU)
	}
	return name
}
