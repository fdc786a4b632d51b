//go:build ignore

// What the kernel itself says of resets, retransmissions and dropped packets.
//
// The programs hang on raw tracepoints with BTF, which need neither kprobes nor
// ftrace. Structures are declared as far as they are read; the loader moves each
// access to where the running kernel has the field (CO-RE).

#include <linux/types.h>
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net { __u64 net_cookie; };
typedef struct { struct net *net; } possible_net_t;
struct in6_addr { union { __u8 u6_addr8[16]; } in6_u; };

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	unsigned long sk_lingertime;
};

struct tcp_sock {
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq;
};

struct net_device { possible_net_t nd_net; };
struct dst_entry { struct net_device *dev; };

struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
	__u8 tcp_flags;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	char cb[48];
	__u8 cloned:1;
	unsigned char *head;
	__u16 transport_header;
	__u16 network_header;
};

// Its numbers are those of the running kernel: NO_SOCKET is 2 on Linux 5.17 to
// 6.1 and 3 on later ones.
enum skb_drop_reason { SKB_DROP_REASON_NOT_SPECIFIED = 2 };

#pragma clang attribute pop

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum kind { SEND_RESET = 1, RECEIVE_RESET, RETRANSMIT, DROP };

#define STACK 24
#define CUT 120

// struct event is what user space reads; event.go has the same.
struct event {
	__u64 time; // CLOCK_MONOTONIC
	__u64 location; // DROP: where the packet was freed
	__u64 socket;
	__u64 netns; // its cookie
	__u32 reason;
	__u32 pid; // whoever ran on the processor: the caller only of active resets
	__u32 stack_len; // bytes
	__u32 rcv_nxt, copied_seq, snd_una, snd_nxt, write_seq;
	__u8 kind;
	__u8 state, old_state; // old_state is the one before, 0 if not seen
	__u8 family;
	__u8 linger0; // SO_LINGER is on with no time
	__u8 packet; // bytes of packet are those of the skb that was looked at
	__u8 cloned; // another skb has, or had, the same packet
	__u16 sport, dport; // host order; local and remote
	__u8 saddr[16], daddr[16];
	char comm[16];
	__u8 data[CUT]; // the packet from its network header
	__u64 stack[STACK];
};

struct change { __u8 from, to; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 1 << 20);
	});
} rings SEC(".maps"); // by the cookie of a network namespace: where its case listens

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u64);
} lost SEC(".maps"); // by the cookie of a network namespace: events that found its ring full

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct change);
} changes SEC(".maps"); // by socket: its newest change of state

// Linux keeps the flags of a route's reference in its low bit.
#define NOREF 1UL

// The cookie of a namespace is never given again, as its number is: a namespace
// may thus be forgotten at any time after its end.
static __always_inline __u64 netns_of(struct sk_buff *skb, struct sock *sk)
{
	struct net *net = NULL;

	if (sk)
		net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	if (!net && skb) {
		struct net_device *dev = BPF_CORE_READ(skb, dev);

		if (!dev) {
			struct dst_entry *dst = (void *)(BPF_CORE_READ(skb, _skb_refdst) & ~NOREF);

			if (dst)
				dev = BPF_CORE_READ(dst, dev);
		}
		if (dev)
			net = BPF_CORE_READ(dev, nd_net.net);
	}
	return net ? BPF_CORE_READ(net, net_cookie) : 0;
}

static __always_inline void about_socket(struct event *e, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u64 key = (__u64)sk; // on the stack: Linux before 6.4 takes no key in a ring
	struct change *c;

	e->socket = key;
	e->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	e->dport = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (e->family == 10) {
		BPF_CORE_READ_INTO(&e->saddr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&e->daddr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else {
		BPF_CORE_READ_INTO((__be32 *)&e->saddr, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__be32 *)&e->daddr, sk, __sk_common.skc_daddr);
	}
	c = bpf_map_lookup_elem(&changes, &key);
	if (c && c->to == e->state)
		e->old_state = c->from;
	// TIME_WAIT (6) and NEW_SYN_RECV (12) are no whole sockets.
	if (e->state == 6 || e->state == 12)
		return;
	e->linger0 = (BPF_CORE_READ(sk, __sk_common.skc_flags) & (1UL << 4)) && !BPF_CORE_READ(sk, sk_lingertime);
	e->rcv_nxt = BPF_CORE_READ(tp, rcv_nxt);
	e->copied_seq = BPF_CORE_READ(tp, copied_seq);
	e->snd_una = BPF_CORE_READ(tp, snd_una);
	e->snd_nxt = BPF_CORE_READ(tp, snd_nxt);
	e->write_seq = BPF_CORE_READ(tp, write_seq);
}

static __always_inline void report(void *ctx, __u8 kind, struct sock *sk, struct sk_buff *skb, __u32 reason, __u64 location)
{
	__u64 netns = netns_of(skb, sk);
	struct event *e;
	void *ring;
	long n;

	if (!netns)
		return;
	ring = bpf_map_lookup_elem(&rings, &netns);
	if (!ring)
		return;
	e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);
	if (!e) {
		__u64 one = 1, *count = bpf_map_lookup_elem(&lost, &netns);

		if (count)
			__sync_fetch_and_add(count, 1);
		else
			bpf_map_update_elem(&lost, &netns, &one, BPF_NOEXIST);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->time = bpf_ktime_get_ns();
	e->kind = kind;
	e->netns = netns;
	e->reason = reason;
	e->location = location;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&e->comm, sizeof(e->comm));
	if (sk)
		about_socket(e, sk);
	if (skb) {
		unsigned char *head = BPF_CORE_READ(skb, head);

		if (kind == RETRANSMIT) {
			// No headers yet: the control block has the numbers.
			struct tcp_skb_cb *cb = (void *)__builtin_preserve_access_index(&skb->cb);

			e->snd_una = BPF_CORE_READ(cb, seq);
			e->snd_nxt = BPF_CORE_READ(cb, end_seq);
		} else {
			// The tail may be beyond what is mapped for the packet: what
			// cannot be read whole is read as far as the headers go.
			if (!bpf_probe_read_kernel(e->data, CUT, head + BPF_CORE_READ(skb, network_header)))
				e->packet = 1;
			e->cloned = BPF_CORE_READ_BITFIELD_PROBED(skb, cloned);
		}
	}
	if (kind != DROP) {
		n = bpf_get_stack(ctx, e->stack, sizeof(e->stack), 0);
		if (n > 0)
			e->stack_len = n;
	}
	bpf_ringbuf_submit(e, 0);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(send_reset, struct sock *sk, struct sk_buff *skb, int reason)
{
	report(ctx, SEND_RESET, sk, skb, reason, 0);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(receive_reset, struct sock *sk)
{
	report(ctx, RECEIVE_RESET, sk, NULL, 0, 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, struct sock *sk, struct sk_buff *skb)
{
	report(ctx, RETRANSMIT, sk, skb, 0, 0);
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(drop, struct sk_buff *skb, void *location, int reason)
{
	// SKB_DROP_REASON_NOT_SPECIFIED is what code says that frees a packet
	// without thinking of drops; what is below it are no drops.
	if (reason <= (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED))
		return 0;
	report(ctx, DROP, NULL, skb, reason, (__u64)location);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(set_state, struct sock *sk, int from, int to)
{
	__u64 netns = netns_of(NULL, sk);
	struct change c = { from, to };
	__u64 key = (__u64)sk;

	if (netns && bpf_map_lookup_elem(&rings, &netns))
		bpf_map_update_elem(&changes, &key, &c, BPF_ANY);
	return 0;
}
