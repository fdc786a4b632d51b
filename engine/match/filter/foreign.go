package filter

import (
	"strings"

	"netrepro/engine/match"
)

// foreign are terms of Wireshark's and tcpdump's filters, and what is written here.
var foreign = map[string]string{
	"tcp.flags.syn": "tcp=syn", "tcp.flags.reset": "tcp=rst", "tcp.flags.fin": "tcp=fin", "tcp.flags.ack": "tcp=ack",
	"tcp.flags.push": "flags=P.", "tcp.flags": "flags=S.", "tcp.port": "port=80", "tcp.srcport": "sport=80",
	"tcp.dstport": "dport=80", "udp.port": "udp port=53", "udp.srcport": "udp sport=53", "udp.dstport": "udp dport=53",
	"ip.src": "src=192.0.2.1", "ip.dst": "dst=192.0.2.1", "ip.addr": "host=192.0.2.1", "ip.host": "host=NAME",
	"ipv6.src": "src=2001:db8::1", "ipv6.dst": "dst=2001:db8::1", "ipv6.addr": "host=2001:db8::1",
	"eth.src": "src_mac=02:00:00:00:01:01", "eth.dst": "dst_mac=02:00:00:00:01:01", "tcp.stream": "flow=0",
	"tcp.len": "len=>=1", "frame.number": "frame=10..20", "frame.len": "size=>=1000", "ip.len": "ip_len=>=1000",
	"tcp.seq": "seq=1", "tcp.ack": "ack=1", "tcp.window_size": "win=0", "tcp.window_size_value": "win=0",
	"ip.ttl": "ttl=64", "ip.id": "ip_id=1", "ip.flags.df": "df", "ip.flags.mf": "mf", "ip.proto": "proto=6",
	"ip.dsfield.dscp": "dscp=46", "ip.dsfield.ecn": "ecn=3", "tcp.options.mss_val": "mss=1460",
	"tcp.analysis.retransmission": "tcp=rexmit", "tcp.analysis.fast_retransmission": "tcp=fast",
	"tcp.analysis.zero_window": "tcp=zero-window", "tcp.analysis.keep_alive": "tcp=keep-alive",
	"http.request": "http=request", "http.request.method": "http=GET", "http.response": "http=response",
	"http.response.code": `http="HTTP/1.1 404"`, "tls.handshake.type": "tls=client-hello", "ssl.handshake.type": "tls",
	"tls.handshake": "tls", "ssl": "tls", "icmp.type": "icmp", "icmpv6.type": "icmp", "vlan.id": "vlan=10",
	"tcp.payload": "payload=TEXT", "data.data": "payload=TEXT", "rexmits": "tcp=rexmit", "src.port": "sport=80",
	"dst.port": "dport=80", "port.src": "sport=80", "port.dst": "dport=80", "greater": "size=>=1000", "less": "size=0..100",
	"ether": "src_mac=02:00:00:00:01:01", "net": "src=192.0.2.0/24", "ip": "src=0.0.0.0/0", "ip6": "src=::/0",
	"arp": "ether_type=2054", "dns": "port=53", "retransmission": "tcp=rexmit", "reset": "tcp=rst", "syn": "tcp=syn",
	"fin": "tcp=fin",
}

// joins are what others write between terms, and what is said of it.
var joins = map[string]string{
	"and": "leave it out: all terms must hold", "&&": "leave it out: all terms must hold",
	"or": "several values of one key stand with commas: tcp=rto,fast", "||": "several values of one key stand with commas: tcp=rto,fast",
	"not": "write ! before the term: !tcp=rto", "!": "write ! right before the term: !tcp=rto",
	"==": "write key=value without spaces", "=": "write key=value without spaces",
	"!=": "write !key=value without spaces", ">": "write key=>=2, or key=1..9", "<": "write key=0..9",
	">=": "write key=>=2 without spaces", "<=": "write key=0..9", "contains": "write payload=TEXT or http=TEXT",
	"matches": "write payload=TEXT or http=TEXT", "in": "several values of one key stand with commas: port=80,443",
	"src": "write src=ADDRESS or sport=PORT", "dst": "write dst=ADDRESS or dport=PORT",
}

// hint is what to write for term i of several, if it is one of another program's; empty if
// it is not.
func hint(words []string, i int) string {
	word := words[i]
	if h := joins[word]; h != "" {
		return h
	}
	bare := strings.Trim(word, "!()")
	name := bare
	if end := strings.IndexAny(bare, "=<>!~"); end >= 0 {
		name = bare[:end]
	}
	if ours := foreign[name]; ours != "" && match.KeyNamed(name) == nil {
		return "write " + ours
	}
	key, rest, _ := strings.Cut(bare, "=")
	switch k := match.KeyNamed(name); {
	case strings.ContainsAny(word, "()"):
		return "there are no parentheses: all terms must hold, and several values of one key stand with commas"
	case strings.HasPrefix(rest, "="):
		return "write " + key + "=" + strings.TrimPrefix(rest, "=")
	case strings.HasSuffix(key, "!"):
		return "write !" + strings.TrimSuffix(key, "!") + "=" + rest
	case k != nil && strings.HasPrefix(bare[len(name):], "<"):
		return "write " + name + "=0..9"
	case k != nil && strings.HasPrefix(bare[len(name):], ">"):
		return "write " + name + "=>=2"
	case k != nil && k.Kind.Bare == nil && bare == name && i+1 < len(words):
		return "write " + name + "=" + words[i+1]
	}
	return ""
}
