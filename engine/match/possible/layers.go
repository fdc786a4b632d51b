package possible

import (
	"slices"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
)

// leastIP is the shortest IPv4 packet (RFC 791, 3.1), which is shorter than one of IPv6.
const leastIP = 20

// aroundIP are EtherTypes of frames that have IP in them: IP, VLAN tags, MPLS, PPPoE.
var aroundIP = []int{0x0800, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8864}

// layers holds fields of one layer to what is asked of another, or of the same in other words.
func (a *asked) layers() {
	if name, ok := get[string](a, "icmp"); ok {
		a.message(name)
	}
	if f, ok := get[value.Field](a, "ether_type"); ok && f.Range.Min == f.Range.Max &&
		!slices.Contains(aroundIP, f.Range.Min) && a.m.Asks("tcp", "udp", "icmp", "seq", "ack", "flags", "rst", "proto", "src",
		"dst", "sport", "dport", "port", "payload", "ttl", "ip_len") {
		a.never("ether_type", "0x%04x is not the EtherType of IP, which is asked for besides", f.Range.Min)
	}
	if f, ok := get[value.Field](a, "timestamps"); ok && f.Value.N == 0 {
		for _, key := range []string{"tsval", "tsecr"} {
			if t, given := get[value.Field](a, key); given && !t.Absent {
				a.never(key, "%s is of the option that timestamps = false wants away", key)
			}
		}
	}
	if f, ok := get[value.Field](a, "ip_len"); ok && f.Range.Max >= 0 && f.Range.Max < leastIP {
		a.never("ip_len", "an IP packet has %d bytes or more", leastIP)
	}
}

// message holds the name of an ICMP message to its type and code.
func (a *asked) message(name string) {
	m, known := packet.ICMPNames[name]
	kind, typed := get[value.Field](a, "icmp_type")
	code, coded := get[value.Field](a, "icmp_code")
	is := func(tc [2]int) bool {
		return tc[0] > -2 && (!typed || tc[0] < 0 || kind.Range.Has(tc[0])) && (!coded || tc[1] < 0 || code.Range.Has(tc[1]))
	}
	if known && !is(m.V4) && !is(m.V6) {
		key := "icmp_type"
		if !typed {
			key = "icmp_code"
		}
		a.never(key, "icmp = %q is another message", name)
	}
}
