//go:build ignore

// Has the lookup of a segment's socket miss the connection: the segment is given
// to whoever listens on its port, as if the connection's socket had not been in
// the table of established ones at that moment.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define KIND_DATA 1
#define KIND_FIN  2
#define KIND_ACK  3

// Which segments are meant, and what became of them.
struct rule {
	__u16 port;   // they are for, in host order
	__u16 peer;   // they come from, 0 for any
	__u32 kind;
	__u32 skip;   // so many of them first
	__u32 times;
	__u32 seen;
	__u32 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rule);
} rules SEC(".maps");

static __always_inline int meant(struct rule *r, struct tcphdr *t, __u32 payload)
{
	if (bpf_ntohs(t->dest) != r->port || (r->peer && bpf_ntohs(t->source) != r->peer))
		return 0;
	if (t->syn || t->rst)
		return 0;
	switch (r->kind) {
	case KIND_DATA: return payload > 0;
	case KIND_FIN:  return t->fin;
	case KIND_ACK:  return !payload && !t->fin && t->ack;
	}
	return 0;
}

SEC("tc")
int miss(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct bpf_sock_tuple tuple = {};
	struct tcphdr *t;
	__u32 key = 0, size, len;

	struct rule *r = bpf_map_lookup_elem(&rules, &key);
	if (!r || (void *)(eth + 1) > end)
		return TC_ACT_OK;
	// A peer that no connection has: what is found listens.
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP || ip->ihl != 5)
			return TC_ACT_OK;
		t = (void *)(ip + 1);
		len = bpf_ntohs(ip->tot_len) - sizeof(*ip);
		tuple.ipv4.saddr = tuple.ipv4.daddr = ip->daddr;
		size = sizeof(tuple.ipv4);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);
		if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_TCP)
			return TC_ACT_OK;
		t = (void *)(ip + 1);
		len = bpf_ntohs(ip->payload_len);
		__builtin_memcpy(tuple.ipv6.saddr, &ip->daddr, 16);
		__builtin_memcpy(tuple.ipv6.daddr, &ip->daddr, 16);
		size = sizeof(tuple.ipv6);
	} else {
		return TC_ACT_OK;
	}
	if ((void *)(t + 1) > end || len < t->doff * 4)
		return TC_ACT_OK;
	if (!meant(r, t, len - t->doff * 4))
		return TC_ACT_OK;
	if (r->seen++ < r->skip || r->hits >= r->times)
		return TC_ACT_OK;

	struct bpf_sock *sk;
	if (size == sizeof(tuple.ipv4)) {
		tuple.ipv4.sport = bpf_htons(1);
		tuple.ipv4.dport = t->dest;
		sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		tuple.ipv6.sport = bpf_htons(1);
		tuple.ipv6.dport = t->dest;
		sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return TC_ACT_OK;
	if (sk->state == BPF_TCP_LISTEN && bpf_sk_assign(skb, sk, 0) == 0)
		r->hits++;
	bpf_sk_release(sk);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Apache-2.0";
