//go:build linux

package nft

import (
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"netrepro/engine/packet/header"
)

// Words that stand for values.
var (
	protocols = map[string]uint64{"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "gre": 47, "esp": 50,
		"ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "sctp": 132}
	tcpFlags = map[string]uint64{"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64,
		"ece": 64, "cwr": 128}
	ctStates = map[string]uint64{"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
	ctStatus = map[string]uint64{"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16,
		"dnat": 32, "dying": 512}
	icmpTypes = map[string]uint64{"echo-reply": 0, "destination-unreachable": 3, "source-quench": 4,
		"redirect": 5, "echo-request": 8,
		"time-exceeded": 11, "parameter-problem": 12}
	icmpCodes = map[string]uint64{"net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2,
		"port-unreachable": 3, "frag-needed": 4,
		"net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13}
	icmp6Types = map[string]uint64{"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3,
		"parameter-problem": 4, "echo-request": 128,
		"echo-reply": 129, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
		"nd-neighbor-advert": 136}
	icmp6Codes = map[string]uint64{"no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3,
		"port-unreachable": 4}
	nfprotos   = map[string]uint64{"ipv4": unix.NFPROTO_IPV4, "ipv6": unix.NFPROTO_IPV6}
	directions = map[string]uint64{"original": 0, "reply": 1}
	dscps      = map[string]uint64{"cs0": 0, "cs1": 8, "af11": 10, "af12": 12, "af13": 14, "cs2": 16,
		"af21": 18, "af22": 20, "af23": 22, "cs3": 24,
		"af31": 26, "af32": 28, "af33": 30, "cs4": 32, "af41": 34, "af42": 36, "af43": 38, "cs5": 40, "ef": 46,
		"cs6": 48, "cs7": 56}
	ecns = map[string]uint64{"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3} //nolint:misspell // nft names it so
)

// fields are what rules know, by the words that name them.
var fields = map[string]*field{
	"ip saddr":     addressed(of(netHead, header.IPv4Src, nil, ip4), 32),
	"ip daddr":     addressed(of(netHead, header.IPv4Dst, nil, ip4), 32),
	"ip protocol":  of(netHead, header.IPv4Proto, protocols, ip4),
	"ip length":    of(netHead, header.IPv4Length, nil, ip4),
	"ip id":        of(netHead, header.IPv4ID, nil, ip4),
	"ip frag-off":  of(netHead, header.IPv4Fragment, nil, ip4),
	"ip ttl":       part(header.Whole(header.IPv4TTL), nil, ip4),
	"ip dscp":      part(header.IPv4DSCP, dscps, ip4),
	"ip ecn":       part(header.IPv4ECN, ecns, ip4),
	"ip6 saddr":    addressed(of(netHead, header.IPv6Src, nil, ip6), 128),
	"ip6 daddr":    addressed(of(netHead, header.IPv6Dst, nil, ip6), 128),
	"ip6 length":   of(netHead, header.IPv6Length, nil, ip6),
	"ip6 nexthdr":  of(netHead, header.IPv6Next, protocols, ip6),
	"ip6 hoplimit": part(header.Whole(header.IPv6Hops), nil, ip6),
	"ip6 dscp":     part(header.IPv6DSCP, dscps, ip6),
	"ip6 ecn":      part(header.IPv6ECN, ecns, ip6),

	"tcp sport":    of(transHead, header.TCPSrcPort, nil, l4("tcp")),
	"tcp dport":    of(transHead, header.TCPDstPort, nil, l4("tcp")),
	"tcp sequence": of(transHead, header.TCPSeq, nil, l4("tcp")),
	"tcp ackseq":   of(transHead, header.TCPAck, nil, l4("tcp")),
	"tcp flags":    flagged(of(transHead, header.TCPControl, tcpFlags, l4("tcp"))),
	"tcp window":   of(transHead, header.TCPWindow, nil, l4("tcp")),
	"tcp urgptr":   of(transHead, header.TCPUrgent, nil, l4("tcp")),
	"udp sport":    of(transHead, header.UDPSrcPort, nil, l4("udp")),
	"udp dport":    of(transHead, header.UDPDstPort, nil, l4("udp")),
	"udp length":   of(transHead, header.UDPLength, nil, l4("udp")),
	"th sport":     of(transHead, header.TCPSrcPort, nil),
	"th dport":     of(transHead, header.TCPDstPort, nil),

	"icmp type":   of(transHead, header.ICMPType, icmpTypes, l4("icmp")),
	"icmp code":   of(transHead, header.ICMPCode, icmpCodes, l4("icmp")),
	"icmpv6 type": of(transHead, header.ICMPType, icmp6Types, l4("icmpv6")),
	"icmpv6 code": of(transHead, header.ICMPCode, icmp6Codes, l4("icmpv6")),

	"tcp option maxseg size":     option(header.TCPOptMSS, header.OptionMSS),
	"tcp option window count":    option(header.TCPOptWScale, header.OptionShift),
	"tcp option timestamp tsval": option(header.TCPOptTimestamps, header.OptionTSVal),
	"tcp option timestamp tsecr": option(header.TCPOptTimestamps, header.OptionTSEcr),

	"meta l4proto": meta(expr.MetaKeyL4PROTO, 1, protocols),
	"meta nfproto": meta(expr.MetaKeyNFPROTO, 1, nfprotos),
	"meta length":  meta(expr.MetaKeyLEN, 4, nil),
	"meta iifname": named(meta(expr.MetaKeyIIFNAME, unix.IFNAMSIZ, nil)),
	"meta oifname": named(meta(expr.MetaKeyOIFNAME, unix.IFNAMSIZ, nil)),
	"meta mark": settable(meta(expr.MetaKeyMARK, 4, nil), func() []expr.Any {
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1}}
	}),
	"meta priority": meta(expr.MetaKeyPRIORITY, 4, nil),

	"ct state":     flagged(ct(expr.CtKeySTATE, 4, ctStates)),
	"ct status":    flagged(ct(expr.CtKeySTATUS, 4, ctStatus)),
	"ct direction": ct(expr.CtKeyDIRECTION, 1, directions),
	"ct mark":      settable(ct(expr.CtKeyMARK, 4, nil), setCt(expr.CtKeyMARK)),
	"ct zone":      settable(ct(expr.CtKeyZONE, 2, nil), setCt(expr.CtKeyZONE)),
	"ct packets":   ct(expr.CtKeyPKTS, 8, nil),
	"ct bytes":     ct(expr.CtKeyBYTES, 8, nil),
}
