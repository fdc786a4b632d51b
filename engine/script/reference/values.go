package reference

// Value is a type of plain values that has a name of its own.
type Value struct{ Name, Type, Doc string }

// Values are the types of plain values. What package script's kinds of arguments
// call so is told here in one sentence each, with its unit.
var Values = []Value{
	{"Duration", "string", `a time with its unit: "40ms", "1.5s", "2m"; at most 24 hours`},
	{"Size", "integer|string", `bytes: 4096, or "4KB" (1024 bytes each), "1MB", "1GB"`},
	{"Percent", "string", `a share: "1%", "0.5%"`},
	{"Rate", "string", `bits a second: "10Mbit", "64kbit"; a kbit is 1000 bits`},
	{"Link", "{ [1]: string, [2]: Wire.Part, [3]: string }", `two nodes and the wire between them: { "a", wire {}, "b" }`},
}

// Results are the plain tables that verbs return. A test compares them with what
// the verbs of a scenario return.
func Results() []Table { return results }

var results = []Table{
	{Name: "PingResult", Doc: "What came of echo requests. Times are seconds.", Keys: []Key{
		num("sent", "requests sent"), num("received", "answers"), num("lost", "requests without an answer"),
		maybe("min", "number", "the shortest round trip"), maybe("avg", "number", "the mean round trip"), maybe("max", "number", "the longest round trip"),
		key("replies", "Reply[]", "each request and its answer")}},
	{Name: "Reply", Doc: "One probe and what answered it.", Keys: []Key{
		num("seq", "number of the probe"), maybe("error", "string", `why there is no answer: "timeout", or the error's name`),
		maybe("from", "string", "the address that answered"), maybe("node", "string", "its node"), maybe("time", "number", "seconds until the answer"),
		maybe("type", "integer", "ICMP type of the answer"), maybe("code", "integer", "ICMP code"), maybe("ttl", "integer", "TTL of the answer"),
		maybe("mtu", "integer", "the MTU that an ICMP error names")}},
	{Name: "Hops", Doc: "A path, hop by hop.", Item: "Hop", Keys: []Key{key("reached", "boolean", "the last hop is the target")}},
	{Name: "Hop", Doc: "One hop of a path. Times are seconds.", Keys: []Key{
		num("ttl", "the TTL of the probes"), key("siblings", "string[]", "all nodes that answered at this TTL"),
		key("replies", "Reply[]", "each probe and its answer"), key("loss", "number", "the share of probes without an answer, 0 to 1"),
		key("reached", "boolean", "it is the target"), maybe("from", "string", "the address that answered"), maybe("node", "string", "its node"),
		maybe("best", "number", "the shortest round trip"), maybe("avg", "number", "the mean round trip"), maybe("worst", "number", "the longest round trip")}},
	{Name: "PathMTU", Doc: "What was found of a path's MTU.", Keys: []Key{
		maybe("mtu", "integer", "bytes; nil if nothing was answered"), key("told", "boolean", "an ICMP error named the MTU"),
		key("black_hole", "boolean", "larger packets vanish, and no ICMP error says so"), num("tries", "sizes that were tried"),
		maybe("node", "string", "the node whose ICMP error named it")}},
	{Name: "Connect", Doc: "One attempt to connect.", Keys: []Key{key("time", "number", "seconds it took"), maybe("error", "string", `what failed: "ECONNREFUSED"`)}},
	{Name: "LearnedAddress", Doc: "Where a switch has learned that a MAC address is.", Keys: []Key{
		key("mac", "string", "the MAC address"), key("wire", "string", "the wire"), num("vlan", "the VLAN, 0 without any")}},
	{Name: "Injected", Doc: "Numbers of a forged TCP segment, as on the wire.", Keys: []Key{
		maybe("raw_seq", "integer", "sequence number"), maybe("raw_ack", "integer", "acknowledgement number")}},
	{Name: "Bucket", Doc: "A part of a histogram.", Keys: []Key{key("upto", "number", "the longest time in it, seconds"), num("count", "how many times are in it")}},
	{Name: "ServedRequest", Doc: "A request that a server had.", Keys: []Key{
		maybe("method", "string", "HTTP method"), maybe("path", "string", "what was asked for"), maybe("proto", "string", `"HTTP/1.1" or "HTTP/2.0"`),
		maybe("peer", "string", "address and port of the client"), maybe("error", "string", "why it failed"), num("status", "HTTP status that was sent"),
		num("sent", "bytes of the body that were sent"), num("received", "bytes of the request's body"), num("conn", "number of its connection"),
		num("n", "its place on the connection"), key("time", "number", "seconds it took")}},
	{Name: "Query", Doc: "A question that a name server had.", Keys: []Key{
		key("name", "string", "the name"), key("type", "string", `"A" or "AAAA"`), key("proto", "string", `"udp" or "tcp"`), key("from", "string", "who asked")}},
	{Name: "Message", Doc: "A datagram.", Keys: []Key{
		key("data", "string", "its payload"), key("from", "string", "the sender's address"), key("node", "string", "the sender's node"),
		num("port", "the sender's port"), num("ttl", "TTL as it arrived"), num("tos", "DSCP and ECN bits")}},
	{Name: "ICMPError", Doc: "An ICMP error that a socket was told of.", Keys: []Key{
		key("error", "string", `the error's name: "EHOSTUNREACH"`), num("type", "ICMP type"), num("code", "ICMP code"),
		maybe("icmp", "string", `its name: "host-unreachable"`), maybe("from", "string", "the address that sent it"), maybe("node", "string", "its node"),
		maybe("mtu", "integer", "the MTU that it names")}},
	{Name: "ConnInfo", Doc: "TCP_INFO of a connection: bytes, segments, and times in seconds.", Keys: []Key{
		key("state", "string", `state of TCP: "ESTABLISHED"`), key("rto", "number", "retransmission timeout"), key("ato", "number", "delayed acknowledgement timeout"),
		key("rtt", "number", "smoothed round-trip time"), key("rttvar", "number", "its variation"), key("min_rtt", "number", "the shortest round trip"),
		num("snd_mss", "MSS that it sends with"), num("rcv_mss", "MSS that it guesses its peer sends with"), num("adv_mss", "MSS that it offered"),
		num("pmtu", "path MTU"), num("snd_cwnd", "congestion window, segments"), num("snd_ssthresh", "slow-start threshold, segments"),
		num("unacked", "segments in flight"), num("sacked", "segments reported by SACK"), num("lost", "segments taken for lost"),
		num("retrans", "retransmissions in flight"), num("retransmits", "timeouts in a row"), num("total_retrans", "retransmissions in all"),
		num("backoff", "doublings of the timeout"), num("bytes_sent", "bytes sent, retransmissions included"), num("bytes_acked", "bytes acknowledged"),
		num("bytes_received", "bytes received in order"), num("bytes_retrans", "bytes sent again"), num("snd_wnd", "window of the peer"),
		num("rcv_wnd", "window it offers")}},
	{Name: "SocketState", Doc: "A socket, as the kernel lists it. Times are seconds.", Keys: []Key{
		key("proto", "string", `"tcp" or "udp"`), key("state", "string", `state of TCP: "TIME_WAIT"`), key("addr", "string", "its own address"),
		num("sport", "its own port"), key("peer", "string", "the peer's address"), num("dport", "the peer's port"),
		num("recv_queue", "bytes received and not read; of a listener, connections not accepted"),
		num("send_queue", "bytes written and not acknowledged; of a listener, the most that may wait"),
		num("retrans", "timeouts in a row, or probes"), num("uid", "user of its owner"), maybe("timer", "string", "the timer that runs"),
		maybe("expires", "number", "when it fires"), maybe("owner", "string", "the program that holds it"), maybe("pid", "integer", "its process"),
		maybe("rto", "number", "retransmission timeout"), maybe("rtt", "number", "smoothed round-trip time"),
		maybe("snd_cwnd", "integer", "congestion window, segments"), maybe("snd_mss", "integer", "MSS that it sends with"),
		maybe("unacked", "integer", "segments in flight"), maybe("lost", "integer", "segments taken for lost"),
		maybe("backoff", "integer", "doublings of the timeout"), maybe("total_retrans", "integer", "retransmissions in all"),
		maybe("bytes_acked", "integer", "bytes acknowledged"), maybe("bytes_received", "integer", "bytes received in order")}},
	{Name: "KernelEvents", Doc: "What a node's kernel did, in order.", Item: "KernelEvent", Keys: []Key{num("lost", "events that were lost")}},
	{Name: "KernelEvent", Doc: "Something that a node's kernel did.", Keys: []Key{
		key("kind", `"drop"|"reset"|"reset-received"|"retransmit"`, "what it did"), key("time", "number", "seconds since the case began"),
		maybe("reason", "string", `the kernel's reason, as in its enums: "NETFILTER_DROP"`), maybe("func", "string", "the function of the kernel that did it"),
		maybe("state", "string", "state of the socket"), maybe("before", "string", "the state before that"),
		maybe("process", "string", "the program that called, 15 bytes of its name"), maybe("from", "string", "source address of the packet"),
		maybe("to", "string", "destination address"), maybe("sport", "integer", "source port"), maybe("dport", "integer", "destination port"),
		maybe("stack", "string[]", "functions of the kernel, innermost first")}},
}

func key(name, typ, doc string) Key { return Key{Name: name, Type: typ, Doc: doc} }
func num(name, doc string) Key      { return key(name, "integer", doc) }
func maybe(name, typ, doc string) Key {
	return Key{Name: name, Type: typ, Doc: doc, Sometimes: true}
}
