//go:build linux

package nft

import (
	"encoding/binary"
	"math/bits"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// field is something of a packet that rules compare or set.
type field struct {
	load []expr.Any // into register 1
	size int        // bytes in the register
	// mask and shift pick bits of what is loaded; 0 is all of it.
	mask  uint64
	host  bool // it is in the byte order of the machine
	text  bool // an interface name
	addr  int  // bits of an address, 0 if it is none
	names map[string]uint64
	bits  bool // a set of flags: a list of names is any of them
	store func() []expr.Any
	deps  [][2]string // what must be known before: {"l4proto", "tcp"}
}

// net and trans are fields of the network and transport headers.
func payload(base expr.PayloadBase, offset, size int) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: base, Offset: uint32(offset), Len: uint32(size)}}
}

var (
	ip4 = [2]string{"nfproto", "ip"}
	ip6 = [2]string{"nfproto", "ip6"}
)

func l4(name string) [2]string { return [2]string{"l4proto", name} }

func header(base expr.PayloadBase, offset, size int, names map[string]uint64, deps ...[2]string) *field {
	return &field{load: payload(base, offset, size), size: size, names: names, deps: deps}
}

// Checksums that a write to a header must mend.
const (
	ip4Checksum = 10
)

// part is some bits of a header, which are read and written in two bytes, so
// that the IPv4 checksum can follow.
func part(offset int, mask uint64, names map[string]uint64, deps ...[2]string) *field {
	f := header(expr.PayloadBaseNetworkHeader, offset, 2, names, deps...)
	f.mask = mask
	w := &expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: uint32(offset), Len: 2}
	if deps[0] == ip4 {
		w.CsumType, w.CsumOffset = expr.CsumTypeInet, ip4Checksum
	}
	f.store = func() []expr.Any { c := *w; return []expr.Any{&c} }
	return f
}

func meta(key expr.MetaKey, size int, names map[string]uint64) *field {
	return &field{load: []expr.Any{&expr.Meta{Key: key, Register: 1}}, size: size, host: size > 1, names: names}
}

func ct(key expr.CtKey, size int, names map[string]uint64) *field {
	return &field{load: []expr.Any{&expr.Ct{Key: key, Register: 1}}, size: size, host: size > 1, names: names}
}

func settable(f *field, store func() []expr.Any) *field {
	f.store = store
	return f
}

// option is a number in a TCP option.
func option(kind, offset, size int) *field {
	return &field{size: size, deps: [][2]string{l4("tcp")},
		load: []expr.Any{&expr.Exthdr{DestRegister: 1, Type: uint8(kind), Offset: uint32(offset), Len: uint32(size), Op: expr.ExthdrOpTcpopt}},
		store: func() []expr.Any {
			return []expr.Any{&expr.Exthdr{SourceRegister: 1, Type: uint8(kind), Offset: uint32(offset), Len: uint32(size), Op: expr.ExthdrOpTcpopt}}
		}}
}

func flagged(f *field) *field {
	f.bits = true
	return f
}

func addressed(f *field, n int) *field {
	f.addr = n
	return f
}

var (
	protocols = map[string]uint64{"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "sctp": 132}
	tcpFlags  = map[string]uint64{"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "ece": 64, "cwr": 128}
	ctStates  = map[string]uint64{"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
	ctStatus  = map[string]uint64{"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512}
	icmpTypes = map[string]uint64{"echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
		"time-exceeded": 11, "parameter-problem": 12}
	icmpCodes = map[string]uint64{"net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
		"net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13}
	icmp6Types = map[string]uint64{"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128,
		"echo-reply": 129, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136}
	icmp6Codes = map[string]uint64{"no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4}
	nfprotos   = map[string]uint64{"ipv4": unix.NFPROTO_IPV4, "ipv6": unix.NFPROTO_IPV6}
	directions = map[string]uint64{"original": 0, "reply": 1}
	dscps      = map[string]uint64{"cs0": 0, "cs1": 8, "af11": 10, "af12": 12, "af13": 14, "cs2": 16, "af21": 18, "af22": 20, "af23": 22, "cs3": 24,
		"af31": 26, "af32": 28, "af33": 30, "cs4": 32, "af41": 34, "af42": 36, "af43": 38, "cs5": 40, "ef": 46, "cs6": 48, "cs7": 56}
	ecns = map[string]uint64{"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3} //nolint:misspell // nft names it so
)

const (
	netHead   = expr.PayloadBaseNetworkHeader
	transHead = expr.PayloadBaseTransportHeader
)

// fields are what rules know, by the words that name them.
var fields = map[string]*field{
	"ip saddr":     addressed(header(netHead, 12, 4, nil, ip4), 32),
	"ip daddr":     addressed(header(netHead, 16, 4, nil, ip4), 32),
	"ip protocol":  header(netHead, 9, 1, protocols, ip4),
	"ip length":    header(netHead, 2, 2, nil, ip4),
	"ip id":        header(netHead, 4, 2, nil, ip4),
	"ip frag-off":  header(netHead, 6, 2, nil, ip4),
	"ip ttl":       part(8, 0xff00, nil, ip4),
	"ip dscp":      part(0, 0x00fc, dscps, ip4),
	"ip ecn":       part(0, 0x0003, ecns, ip4),
	"ip6 saddr":    addressed(header(netHead, 8, 16, nil, ip6), 128),
	"ip6 daddr":    addressed(header(netHead, 24, 16, nil, ip6), 128),
	"ip6 length":   header(netHead, 4, 2, nil, ip6),
	"ip6 nexthdr":  header(netHead, 6, 1, protocols, ip6),
	"ip6 hoplimit": part(6, 0x00ff, nil, ip6),
	"ip6 dscp":     part(0, 0x0fc0, dscps, ip6),
	"ip6 ecn":      part(0, 0x0030, ecns, ip6),

	"tcp sport":    header(transHead, 0, 2, nil, l4("tcp")),
	"tcp dport":    header(transHead, 2, 2, nil, l4("tcp")),
	"tcp sequence": header(transHead, 4, 4, nil, l4("tcp")),
	"tcp ackseq":   header(transHead, 8, 4, nil, l4("tcp")),
	"tcp flags":    flagged(header(transHead, 13, 1, tcpFlags, l4("tcp"))),
	"tcp window":   header(transHead, 14, 2, nil, l4("tcp")),
	"tcp urgptr":   header(transHead, 18, 2, nil, l4("tcp")),
	"udp sport":    header(transHead, 0, 2, nil, l4("udp")),
	"udp dport":    header(transHead, 2, 2, nil, l4("udp")),
	"udp length":   header(transHead, 4, 2, nil, l4("udp")),
	"th sport":     header(transHead, 0, 2, nil),
	"th dport":     header(transHead, 2, 2, nil),

	"icmp type":   header(transHead, 0, 1, icmpTypes, l4("icmp")),
	"icmp code":   header(transHead, 1, 1, icmpCodes, l4("icmp")),
	"icmpv6 type": header(transHead, 0, 1, icmp6Types, l4("icmpv6")),
	"icmpv6 code": header(transHead, 1, 1, icmp6Codes, l4("icmpv6")),

	"tcp option maxseg size":     option(2, 2, 2),
	"tcp option window count":    option(3, 2, 1),
	"tcp option timestamp tsval": option(8, 2, 4),
	"tcp option timestamp tsecr": option(8, 6, 4),

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
	"ct mark":      settable(ct(expr.CtKeyMARK, 4, nil), func() []expr.Any { return []expr.Any{&expr.Ct{Key: expr.CtKeyMARK, SourceRegister: true, Register: 1}} }),
	"ct zone":      settable(ct(expr.CtKeyZONE, 2, nil), func() []expr.Any { return []expr.Any{&expr.Ct{Key: expr.CtKeyZONE, SourceRegister: true, Register: 1}} }),
	"ct packets":   ct(expr.CtKeyPKTS, 8, nil),
	"ct bytes":     ct(expr.CtKeyBYTES, 8, nil),
}

func named(f *field) *field {
	f.text, f.host = true, false
	return f
}

// short are names that need no meta before them.
var short = map[string]string{"iifname": "meta iifname", "oifname": "meta oifname", "iif": "meta iifname", "oif": "meta oifname", "mark": "meta mark"}

// shift is how far up the bits of the field stand.
func (f *field) shift() int {
	if f.mask == 0 {
		return 0
	}
	return bits.TrailingZeros64(f.mask)
}

// top is the largest value of the field.
func (f *field) top() uint64 {
	if f.mask != 0 {
		return f.mask >> f.shift()
	}
	if f.size >= 8 {
		return 1<<64 - 1
	}
	return 1<<(8*f.size) - 1
}

// bytes are a value as it is in the register.
func (f *field) bytes(v uint64) []byte {
	b := make([]byte, 8)
	if f.host {
		binary.NativeEndian.PutUint64(b, v)
		if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
			return b[:f.size]
		}
		return b[8-f.size:]
	}
	binary.BigEndian.PutUint64(b, v<<f.shift())
	return b[8-f.size:]
}
