//go:build linux

package nft

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/nftables/expr"
)

// Words of show.
var (
	bases    = map[expr.PayloadBase]string{expr.PayloadBaseNetworkHeader: "n", expr.PayloadBaseTransportHeader: "t"}
	compared = map[expr.CmpOp]string{expr.CmpOpEq: "=", expr.CmpOpNeq: "!", expr.CmpOpLt: "<", expr.CmpOpLte: "≤",
		expr.CmpOpGt: ">", expr.CmpOpGte: "≥"}
	verdicts = map[expr.VerdictKind]string{expr.VerdictAccept: "accept", expr.VerdictDrop: "drop",
		expr.VerdictReturn: "return"}
)

// show writes expressions in short: what nft --debug=netlink prints, without its
// words.
func show(es []expr.Any) string {
	var out []string
	for _, e := range es {
		switch e := e.(type) {
		case *expr.Meta:
			out = append(out, fmt.Sprintf("meta%d%s", e.Key, arrow(e.SourceRegister)))
		case *expr.Ct:
			out = append(out, fmt.Sprintf("ct%d%s", e.Key, arrow(e.SourceRegister)))
		case *expr.Payload:
			out = append(out, fmt.Sprintf("%s%d+%d%s", bases[e.Base], e.Offset, e.Len,
				arrow(e.OperationType == expr.PayloadWrite)))
		case *expr.Cmp:
			out = append(out, fmt.Sprintf("%s%x", compared[e.Op], e.Data))
		case *expr.Bitwise:
			out = append(out, fmt.Sprintf("&%x^%x", e.Mask, e.Xor))
		case *expr.Immediate:
			out = append(out, fmt.Sprintf("r%d:%x", e.Register, e.Data))
		case *expr.Range:
			out = append(out, fmt.Sprintf("!%x-%x", e.FromData, e.ToData))
		case *expr.Limit:
			out = append(out, fmt.Sprintf("limit%d/%d*%d%t", e.Rate, e.Unit, e.Burst, e.Over))
		case *expr.Exthdr:
			out = append(out, fmt.Sprintf("opt%d@%d+%d%s", e.Type, e.Offset, e.Len, arrow(e.SourceRegister > 0)))
		case *expr.Numgen:
			out = append(out, fmt.Sprintf("numgen%d%%%d+%d", e.Type, e.Modulus, e.Offset))
		case *expr.NAT:
			out = append(out, fmt.Sprintf("nat%d/%d a%d p%d-%d",
				e.Type, e.Family, e.RegAddrMin, e.RegProtoMin, e.RegProtoMax))
		case *expr.Reject:
			out = append(out, fmt.Sprintf("reject%d/%d", e.Type, e.Code))
		case *expr.Verdict:
			out = append(out, verdicts[e.Kind])
		default:
			out = append(out, strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e), "*expr.")))
		}
	}
	return strings.Join(out, " ")
}

func arrow(set bool) string {
	if set {
		return "←"
	}
	return ""
}

// TestCompile holds rules to what nft(8) 1.0.6 makes of them, read from its
// --debug=netlink, on a little-endian machine.
func TestCompile(t *testing.T) {
	for _, tt := range []struct{ text, match, act string }{
		{"tcp dport 443 drop", "meta16 =06 t2+2 =01bb", "drop"},
		{"tcp dport != 443 accept", "meta16 =06 t2+2 !01bb", "accept"},
		{"tcp dport 80-90 return", "meta16 =06 t2+2 ≥0050 ≤005a", "return"},
		{"udp sport != 80-90 drop", "meta16 =11 t0+2 !0050-005a", "drop"},
		{"tcp dport >= 1024 drop", "meta16 =06 t2+2 ≥0400", "drop"},
		{"tcp dport { 80, 443 } drop", "meta16 =06 t2+2 lookup", "drop"},
		{"ip saddr 192.0.2.1 drop", "meta15 =02 n12+4 =c0000201", "drop"},
		{"ip daddr 192.0.2.0/24 drop", "meta15 =02 n16+4 ≥c0000200 ≤c00002ff", "drop"},
		{"ip6 saddr 2001:db8::/32 drop",
			"meta15 =0a n8+16 ≥20010db8000000000000000000000000 ≤20010db8ffffffffffffffffffffffff", "drop"},
		{"tcp sport 1 tcp dport 2 drop", "meta16 =06 t0+2 =0001 t2+2 =0002", "drop"},
		{"ct state established,related accept", "ct0 &06000000^00000000 !00000000", "accept"},
		{"ct state == new drop", "ct0 =08000000", "drop"},
		{"ct state { new, invalid } drop", "ct0 lookup", "drop"},
		{"tcp flags syn drop", "meta16 =06 t13+1 &02^00 !00", "drop"},
		{"tcp flags == syn drop", "meta16 =06 t13+1 =02", "drop"},
		{"tcp flags != syn|ack drop", "meta16 =06 t13+1 !12", "drop"},
		{"tcp flags & (syn|rst) == syn drop", "meta16 =06 t13+1 &06^00 =02", "drop"},
		{"tcp flags syn / syn,ack drop", "meta16 =06 t13+1 &12^00 =02", "drop"},
		{"icmp type destination-unreachable icmp code frag-needed drop", "meta16 =01 t0+1 =03 t1+1 =04", "drop"},
		{"icmpv6 type packet-too-big drop", "meta16 =3a t0+1 =02", "drop"},
		{`iifname "eth0" oifname != "eth1" drop`,
			"meta6 =65746830000000000000000000000000 meta7 !65746831000000000000000000000000", "drop"},
		{"meta mark 7 accept", "meta3 =07000000", "accept"},
		{"meta length > 1000 drop", "meta0 byteorder >000003e8", "drop"},
		{"ip ttl 9 drop", "meta15 =02 n8+2 &ff00^0000 =0900", "drop"},
		{"ip dscp ef drop", "meta15 =02 n0+2 &00fc^0000 =00b8", "drop"},
		{"limit rate 10/second burst 3 packets accept", "limit10/1*3false", "accept"},
		{"limit rate over 5/minute drop", "limit5/60*5true", "drop"},
		{"numgen inc mod 3 0 drop", "numgen0%3+0 =00000000", "drop"},
		{"numgen random mod 100 < 10 drop", "numgen1%100+0 byteorder <0000000a", "drop"},
		{"ip ttl set 3", "meta15 =02", "n8+2 &00ff^0300 n8+2←"},
		{"ip6 hoplimit set 3", "meta15 =0a", "n6+2 &ff00^0003 n6+2←"},
		{"meta mark set 5", "", "r1:05000000 meta3←"},
		{"meta mark set numgen inc mod 2 offset 16", "", "numgen0%2+16 meta3←"},
		{"ct zone set 5", "", "r1:0500 ct17←"},
		{"tcp option maxseg size set 1200", "meta16 =06", "r1:04b0 opt2@2+2←"},
		{"tcp flags & syn == syn tcp option maxseg size set rt mtu", "meta16 =06 t13+1 &02^00 =02",
			"rt byteorder opt2@2+2←"},
		{"tcp dport 80 dnat ip to 192.0.2.7:8080", "meta16 =06 t2+2 =0050 meta15 =02",
			"r1:c0000207 r2:1f90 nat1/2 a1 p2-0"},
		{"tcp dport 80 dnat ip6 to [2001:db8::7]:8080-8090", "meta16 =06 t2+2 =0050 meta15 =0a",
			"r1:20010db8000000000000000000000007 r2:1f90 r3:1f9a nat1/10 a1 p2-3"},
		{"snat to 192.0.2.7", "meta15 =02", "r1:c0000207 nat0/2 a1 p0-0"},
		{"tcp dport 443 redirect to :8443", "meta16 =06 t2+2 =01bb", "r1:20fb redir"},
		{"reject", "", "reject2/1"},
		{"tcp dport 1 reject with tcp reset", "meta16 =06 t2+2 =0001", "reject1/0"},
		{"reject with icmp type admin-prohibited", "meta15 =02", "reject0/13"},
		{"reject with icmpv6 type no-route", "meta15 =0a", "reject0/0"},
		{"reject with icmpx type host-unreachable", "", "reject2/2"},
		{"notrack", "", "notrack"},
		{"counter masquerade random", "", "masq"},
		{`ct state invalid log prefix "odd" drop`, "ct0 &01000000^00000000 !00000000", "log drop"},
	} {
		r, err := Compile(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if m, a := show(r.Match), show(r.Act); m != tt.match || a != tt.act {
			t.Errorf("%s:\n got  %s | %s\n want %s | %s", tt.text, m, a, tt.match, tt.act)
		}
	}
}

func TestSets(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"tcp dport { 80, 443 } drop", "0050 01bb "},
		{"tcp dport != { 80-90, 443 } drop", "0050 005b| 01bb 01bc| "},
		{"ip saddr { 192.0.2.0/25, 198.51.100.7 } drop", "c0000200 c0000280| c6336407 c6336408| "},
		{"tcp dport { 65000-65535 } drop", "fde8 "},
	} {
		r, err := Compile(tt.text)
		if err != nil || len(r.Sets) != 1 {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		got := ""
		for _, e := range r.Sets[0].Elements {
			got += fmt.Sprintf("%x", e.Key)
			if e.End {
				got += "|"
			}
			got += " "
		}
		if got != tt.want {
			t.Errorf("%s: elements %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, tt := range []struct{ text, word string }{
		{"", ""}, {"frobnicate", "frobnicate"}, {"tcp dport", "tcp dport"}, {"tcp dport http drop", "http"},
		{"tcp dport 70000 drop", "70000"},
		{"tcp dport 90-80 drop", "90-80"}, {"ip saddr 2001:db8::1 drop", "2001:db8::1"},
		{"tcp dport 1 udp dport 2 drop", "udp dport"},
		{"ip saddr 192.0.2.1 ip6 daddr 2001:db8::1 drop", "ip6 daddr"}, {"drop accept", "accept"},
		{"meta mark set 1 tcp dport 80", "tcp"},
		{"tcp dport { 80 443 } drop", "443"}, {"tcp dport { } drop", "{"}, {"tcp dport { 80", "{"},
		{`iifname "eth*" drop`, "eth*"},
		{"redirect to :80", ":80"}, {"tcp dport 1 redirect to 80", "80"}, {"dnat to nowhere", "nowhere"},
		{"dnat ip to 2001:db8::1", "2001:db8::1"},
		{"tcp dport 1 reject with icmp nothing", "nothing"}, {"udp dport 1 reject with tcp reset", "reset"},
		{"limit rate 0/second drop", "0/second"},
		{"limit rate 5/second burst 0 packets drop", "0"}, {"ct state sometimes drop", "sometimes"},
		{"ip ttl set 300", "300"}, {"ct state set 1", "ct state"},
		{"ip ttl set numgen inc mod 4", "numgen"}, {"meta mark set rt mtu", "rt"}, {"log prefix", "prefix"},
		{`log prefix "x`, `"x`},
		{"meta l4proto tcp meta l4proto udp drop", "meta l4proto"},
		{"meta nfproto ipv6 ip saddr 192.0.2.1 drop", "ip saddr"},
		{"tcp dport 1 masquerade to :5000", "to"}, {"numgen often mod 3 0 drop", "often"},
	} {
		_, err := Compile(tt.text)
		var ne *Error
		if !errors.As(err, &ne) || ne.Word != tt.word || ne.Msg == "" {
			t.Errorf("%q: error %v, want one at %q", tt.text, err, tt.word)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"tcp dport { 80, 443-450 } ct state new,established counter drop",
		`iifname "eth0" dnat ip to 192.0.2.1:80`,
		"ip saddr 10.0.0.0/8 limit rate over 5/second reject with tcp reset",
		"tcp flags & (syn|ack) == syn meta mark set numgen inc mod 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Compile(s)
		if (err == nil) != (r != nil) {
			t.Errorf("rule %v, error %v", r, err)
		}
	})
}
