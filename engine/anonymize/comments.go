package anonymize

import (
	"net/netip"
	"strings"

	"netrepro/engine/capture"
	"netrepro/engine/pattern"
)

// comments are those of a frame that the engine wrote, with other names. Any others may
// say anything.
func (c *copier) comments(of []string) (out []string) {
	if len(of) == 0 {
		return nil
	}
	in := capture.Told(of)
	if in.Dropped != "" {
		out = append(out, capture.CommentDropped+c.words(in.Dropped))
	}
	if in.Fault != "" {
		out = append(out, capture.CommentFault+c.words(in.Fault))
	}
	in.Conntrack = c.tracked(in.Conntrack)
	in.KernelDrop, in.Timer = c.words(in.KernelDrop), c.words(in.Timer)
	if k := in.Kernel; k != nil {
		to := *k
		to.Reason, to.State, to.Before = c.words(k.Reason), c.words(k.State), c.words(k.Before)
		to.Process, to.Stack = c.words(k.Process), nil
		for _, f := range k.Stack {
			to.Stack = append(to.Stack, c.words(f))
		}
		in.Kernel = &to
	}
	return append(out, capture.Comments(&in)...)
}

// tracked is the state of a connection with other addresses; empty if anything in it is
// neither an address nor a word of the engine's.
func (c *copier) tracked(state string) string {
	words := strings.Fields(state)
	for i, w := range words {
		body := strings.TrimSuffix(w, ",")
		if at, err := netip.ParseAddrPort(body); err == nil {
			words[i] = netip.AddrPortFrom(c.names.Addr(at.Addr()), at.Port()).String() + w[len(body):]
		} else if a, err := netip.ParseAddr(body); err == nil {
			words[i] = c.names.Addr(a).String() + w[len(body):]
		} else if !trackedWord.MatchString(w) {
			return ""
		}
	}
	return strings.Join(words, " ")
}

// trackedWord is a word of what the engine says of a tracked connection.
var trackedWord = pattern.New(`^(NONE|SYN_SENT2?|SYN_RECV|ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|` +
	`TIME_WAIT|CLOSE|\[(UNREPLIED|ASSURED)\]|>|answers|none:|forgotten|id|[0-9]{1,5},?|` +
	`not|translated:|passed|on|as|it|came|[0-9]+\.[0-9]{3}s|before)$`)

var (
	word = pattern.New(`[A-Za-z0-9_\x80-\xff]+`)
	// symbol is what the kernel calls a function or a reason.
	symbol = pattern.New(`^(_{0,2}(tcp|udp|ip|ip6|ipv6|icmp|icmpv6|inet|inet6|nf|nft|sk|skb|sock|kfree|netif|arp|fib|dst|rtnl|sys|do|x64|` +
		`arm64|release|entry|ksys|task|exit|run|call|net|napi|neigh|br|veth|dev|fput|asm|irq|softirq|handle)_[a-z0-9_]+|` +
		`(TCP|UDP|IP|ICMP|NETFILTER|NO|NOT|SOCKET|PKT|SKB|NEIGH|QDISC|XFRM|UNHANDLED|ABORT|KEEPALIVE|INVALID|OTHERHOST|` +
		`FULL|CPU|DEV|HDR|VLAN|FRAG|DUP|SYN|CLOSE|FIN|TIME|LAST|NEW|ERROR|TC|BPF|XDP|TAP|MPTCP|PROTO|UNICAST|LOCAL|RPF)` +
		`(_[A-Z0-9]+)*)$`)
	digits = pattern.New(`^[0-9]+$`)
)

// said are the words that the engine says of what it did to a frame, and states of
// sockets.
var said = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(`queue full is down by to at of the with bytes byte cut rewritten replaced corrupted
		dropped drop delay duplicate copy again a an held hold added payload header frame larger than wire mtu nothing
		fault rule box firewall on from before after times LISTEN ESTABLISHED CLOSED SYN_SENT SYN_RECV NEW_SYN_RECV
		FIN_WAIT1 FIN_WAIT2 CLOSE_WAIT LAST_ACK CLOSING TIME_WAIT CLOSE`) {
		out[w] = true
	}
	return out
}()

// words replaces each word that is none of the engine's or of the kernel's.
func (c *copier) words(s string) string {
	return word.ReplaceAllStringFunc(s, func(w string) string {
		if said[w] || digits.MatchString(w) || symbol.MatchString(w) {
			return w
		}
		b := []byte(w)
		c.names.Label(b)
		return string(b)
	})
}
