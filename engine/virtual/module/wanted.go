package module

import (
	"strings"

	"netrepro/engine/pattern"
)

// wanted are the modules that a lab may ask for, besides those of nftables and of
// connection tracking.
var wanted = words(`
veth dummy bridge stp llc 8021q garp mrp vxlan geneve ipip ip_gre gre sit ip6_gre ip6_tunnel ip_tunnel tunnel4 tunnel6
wireguard macvlan vrf tun
af_packet packet_diag inet_diag tcp_diag udp_diag raw_diag unix_diag netlink_diag
sch_ingress sch_netem sch_tbf sch_fq sch_fq_codel cls_bpf cls_u32 cls_matchall act_mirred act_bpf act_gact
tcp_bbr tcp_dctcp tcp_vegas tcp_westwood tcp_htcp tls
crc32c_generic crc32c_intel libcrc32c crc32c_cryptoapi`)

// wantedFolders hold the modules of nftables and of connection tracking.
var wantedFolders = []string{"kernel/net/netfilter/", "kernel/net/ipv4/netfilter/nf",
	"kernel/net/ipv6/netfilter/nf"}

// unwanted are modules in those folders that no lab asks for.
var unwanted = pattern.New(`^(ip_vs|xt_|ipt_|ip6t_|ip_set|x_tables|ip_tables|ip6_tables|nfnetlink_acct|` +
	`nf_(conntrack|nat)_(h323|sip|amanda|irc|pptp|sane|snmp|tftp|broadcast|netbios_ns)|nf_nat_snmp)`)

// Wanted reports whether a module, by the path of its file, belongs to those that a lab
// may ask for. What it needs belongs to them too.
func Wanted(file string) bool {
	name, ok := NameOf(file)
	if !ok {
		return false
	}
	for _, w := range wanted {
		if w == name {
			return true
		}
	}
	if unwanted.MatchString(name) {
		return false
	}
	for _, f := range wantedFolders {
		if strings.Contains(file, f) {
			return true
		}
	}
	return false
}

// Early are the modules that are loaded before any lab is made, for the kernel does not
// ask for them, or is slow to.
var Early = words(`
af_packet veth bridge nf_tables nf_conntrack nf_nat nft_ct nft_chain_nat nft_nat nft_masq nft_redir nft_reject_inet
nft_reject nft_limit nft_quota nft_log nft_hash nft_numgen nft_fib_inet nft_connlimit nft_objref nft_counter
nf_conntrack_netlink inet_diag tcp_diag udp_diag crc32c_generic`)

func words(s string) []string { return strings.Fields(s) }
