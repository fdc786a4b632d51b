package line

import (
	"strconv"
	"strings"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/pattern"
)

// link is what stands before the addresses: where the packet was seen, the header of its
// link and, with -v, that of IP.
type link struct {
	iface     string
	direction pcap.Direction
	v6        bool
	ttl       uint8
	id        uint16
	df        bool
	proto     uint8
	offset    int  // of a fragment
	ends      bool // the addresses come next
}

var (
	anyText   = pattern.New(`^([A-Za-z0-9_.:@/+-]+)(?:@\S+)? +(In|Out|B|M|P) +(?:ifindex \d+ +)?(?:IP|[0-9a-f]{2}:|ethertype|\(|MPLS|vlan|PPPoE)`)
	sllText   = pattern.New(`^(In|Out|B|M|P) +(?:[0-9a-f]{2}:|ethertype|IP)`)
	pktapText = pattern.New(`^\((\w[\w.-]*)(?:, [^()]*)?\)`)
	pflogText = pattern.New(`^rule [^:]*?(?:: )?\b(?:pass|block|match|scrub|nat|rdr|binat|synproxy drop)(?:/\S+)? (in|out) on ([\w.]+):`)
	nextText  = pattern.New(`(?:(?:^|[\s,:)\]])IP6?:?|ethertype IPv[46](?: \(0x[0-9a-f]{4}\))?,?(?: length \d+:)?|, length \d+:|bytes missing!|` +
		`PPP-IP6?(?: \(0x[0-9a-f]{4}\), length \d+:)?|\bip:|\bip \d+:|\b0?800 \d+:|on [\w.]+:)$`)
	bigText = pattern.New(`^ ?\[(?:real|presumed)[^\]]*\]`)
)

// ipHeader finds the header of IP that -v prints in parentheses; end is behind it.
func ipHeader(s string) (fields string, end int, closed bool) {
	at := ipText.FindStringIndex(s)
	if at == nil {
		return "", 0, false
	}
	depth := 0
	for i := at[0]; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[at[0]+1 : i], i + 1, true
			}
		}
	}
	return s[at[0]+1:], len(s), false
}

var ipText = pattern.New(`\((?:tos|class|flowlabel|hlim|ttl|id|DF|len|prio|dsfield|payload length|next-header) ?`)

// linkOf reads what stands before the addresses.
func linkOf(s string) (l link) {
	s = strings.TrimRight(s, " ")
	if m := anyText.FindStringSubmatch(s); m != nil && !mac.MatchString(m[1]) {
		l.iface, l.direction = m[1], directions[m[2]]
	} else if m := sllText.FindStringSubmatch(s); m != nil {
		l.direction = directions[m[1]]
	} else if m := pflogText.FindStringSubmatch(s); m != nil {
		l.iface, l.direction = m[2], directions[m[1]]
	} else if m := pktapText.FindStringSubmatch(s); m != nil && ipText.FindStringIndex(s) == nil || m != nil &&
		strings.Contains(m[0], "proc") {
		l.iface = m[1]
		for _, w := range strings.Split(strings.Trim(m[0], "()"), ", ") {
			if d, ok := directions[w]; ok {
				l.direction = d
			}
		}
	}
	l.v6 = strings.Contains(s, "IP6") || strings.Contains(s, "IPv6")
	fields, end, closed := ipHeader(s)
	if fields != "" {
		l.header(fields)
		tail := strings.TrimSpace(s[end:])
		tail = strings.TrimSpace(tail[len(bigText.FindString(tail)):])
		l.ends = closed && tail == "" || !closed
		s = s[:0]
	}
	l.ends = l.ends || nextText.MatchString(s)
	return l
}

var directions = map[string]pcap.Direction{"In": pcap.Inbound, "in": pcap.Inbound, "Out": pcap.Outbound,
	"out": pcap.Outbound, "B": pcap.Inbound, "M": pcap.Inbound}

// header reads the fields of an IP header.
func (l *link) header(s string) {
	for _, f := range strings.Split(s, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(f), " ")
		number := func(bits int) uint64 {
			n, _ := strconv.ParseUint(strings.TrimSpace(v), 10, bits)
			return n
		}
		switch name {
		case "ttl", "hlim":
			l.ttl = uint8(number(8))
		case "id":
			l.id = uint16(number(16))
		case "offset":
			l.offset = int(number(16))
		case "flags":
			l.df = strings.Contains(v, "DF")
		case "DF":
			l.df = true
		case "proto", "next-header":
			if i := strings.LastIndexByte(v, '('); i >= 0 {
				n, _ := strconv.ParseUint(strings.Trim(v[i:], "() "), 10, 8)
				l.proto = uint8(n)
				if name == "next-header" && (n == 0 || n == 43 || n == 44 || n == 60) {
					l.proto = 0 // more headers follow
				}
			}
		}
	}
}

var (
	extText = pattern.New(`^(?:(?:HBH|DSTOPT)(?: *\((?:[^()]|\([^()]*\))*\))*(?: +|$)|` +
		`(?:RT\d*|srcrt|AH|frag|Mobility|SHIM6|opt_\w+|mobility)\b[^()]*?\((?:[^()]|\([^()]*\))*\) *)`)
	// portsAlone are those of a packet whose addresses stand further up.
	portsAlone    = pattern.New(`^([\w-]+) > ([\w-]+): `)
	laterFragment = pattern.New(`frag \((?:0x[0-9a-f]+:)?[1-9]\d*\|\d+\)|\(frag \d+:\d+@[1-9]\d*\+?\)`)
	firstFragment = pattern.New(`frag \((?:0x[0-9a-f]+:)?0\|\d+\)|\(frag \d+:\d+@0\+\)`)
	atFragment    = pattern.New(`([1-9]\d*)\||@([1-9]\d*)`)
)

// extensions is how long the IPv6 headers are that a text begins with.
func extensions(s string) (n int, any bool) {
	for range 8 {
		m := extText.FindString(s[n:])
		if m == "" {
			break
		}
		n, any = n+len(m), true
	}
	return n, any
}

func fragmentOffset(s string) int {
	m := atFragment.FindStringSubmatch(s)
	if m == nil {
		return 8
	}
	n, _ := strconv.Atoi(m[1] + m[2])
	return n
}
