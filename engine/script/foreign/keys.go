package foreign

import (
	"slices"
	"strings"
)

// synonym is what others call a key.
type synonym struct {
	words string // of iptables, tc, mininet, toxiproxy, scapy, packetdrill, nginx, openssl, curl
	key   string // that it is here, if the table takes it; of several the first
	write string // how it is written
	when  string // a key that the table takes too, if it matters
}

// synonyms are in the order in which they are looked for: the same word may mean another
// key where the table has that.
var synonyms = []synonym{
	// Rules of nodes, which have no dport.
	{"dport destination_port dest_port dst_port port to_port dports", "tcp", "tcp = 80, or udp = 53", "fwd"},
	{"chain hook table", "fwd", "fwd = true for FORWARD, in = true for INPUT, out = true for OUTPUT", "fwd"},
	{"protocol proto l4proto p ip_proto", "tcp", "tcp = true, or udp = true", "fwd"},
	{"saddr source src src_ip src_addr s", "from", "from = net.NAME, an address or a prefix", "fwd"},
	{"daddr destination dst dst_ip dst_addr d dest", "to", "to = net.NAME, an address or a prefix", "fwd"},
	{"in_interface iifname iface interface dev device i input_interface", "iif", "iif = net.WIRE", "fwd"},
	{"out_interface oifname o output_interface", "oif", "oif = net.WIRE", "fwd"},
	{"ctstate state conntrack_state ct_state m", "ct", `ct = "new"`, "fwd"},
	{"limit limit_rate hashlimit", "rate", `rate = "10/second"`, "fwd"},
	{"length len packet_size", "size", "size = \">= 1000\"", "fwd"},
	{"tcp_flags tcpflags syn", "flags", `flags = "S"`, "fwd"},
	{"icmp_type icmptype icmpv6_type", "icmp", `icmp = "echo-request"`, "fwd"},
	{"nth times chance", "every", "every = 3; which packets of a connection are hit, says a fault of a wire: net.WIRE:drop { nth = 3 }",
		"fwd"},
	{"probability prob percent random", "every", "every = 10; chance is for faults of wires: net.WIRE:drop { chance = \"1%\" }", "fwd"},
	{"comment", "name", `name = "…"`, ""},
	{"jump target j action verdict policy", "", "what becomes of the packets is the verb: drop, reject, accept", "fwd"},
	// Requests.
	{"to host server address target endpoint", "from", "from = net.NAME, or what serve returned", "ssl_protocols"},
	// Wires, and what they can be set to.
	{"bw bandwidth bitrate speed throughput rate_limit link_rate", "rate", `rate = "10Mbit"`, ""},
	{"max_queue_size queue_size qlen txqueuelen buffer buffer_size limit bottleneck queue_limit", "queue", `queue = "100 packets"`,
		"rate"},
	{"latency lag rtt ping one_way_delay propagation delay_ms", "delay", `delay = "20ms"`, "jitter"},
	{"packet_loss lossy loss_rate plr drop_rate loss_percent drop", "loss", `loss = "1%"`, "rate"},
	{"delay_jitter variance variation jitter_ms", "jitter", `jitter = "5ms"`, ""},
	{"duplicate corrupt reorder reordering corruption gap", "", "that is a verb of the wire in run: net.NAME:duplicate { chance = \"1%\" }",
		"trunk"},
	{"mtu_size max_mtu", "mtu", "mtu = 1400", ""},
	// Nodes.
	{"ip address addresses ipaddr ip_address inet ips cidr", "addr", `addr = "192.0.2.1/24"`, "gateway"},
	{"gw default_gw default_route defaultRoute default via", "gateway", `gateway = "NODE"`, "gateway"},
	{"route static_routes", "routes", "routes = { { to = \"default\", via = \"NODE\" } }", ""},
	{"sysctls", "sysctl", "sysctl = { … }", ""},
	{"hosts routers switches", "nodes", "nodes = { host \"a\", host \"b\" }", ""},
	{"edges wires connections", "links", "links = { { \"a\", wire {}, \"b\" } }", "nodes"},
	// Scenarios.
	{"description desc title doc summary", "about", "about = \"…\"", "topology"},
	{"name id", "", "the name stands before the table: scenario \"name\" { … }", "topology"},
	{"test body main steps execute fn func", "run", "run = function(net, v) … end", "topology"},
	{"network net topo nodes", "topology", "topology = path { … }", "topology"},
	{"cases params parameters parametrize", "variants", `variants = { { "bug", key = 1 }, … }`, "topology"},
	{"require requires requirements", "needs", `needs = { "root" }`, "topology"},
	{"labels markers groups", "tags", `tags = { "tcp" }`, "topology"},
	{"deadline max_time", "timeout", `timeout = "30s"`, ""},
	// Matches of packets.
	{"destination_port dest_port dst_port to_port dstport port_dst", "dport", "dport = 80", ""},
	{"source_port src_port srcport from_port port_src", "sport", "sport = 80", "dport"},
	{"syn synack fin data retransmission retransmit", "tcp", `tcp = "syn"`, "nth"},
	{"syn synack fin data retransmission retransmit", "tcp", `tcp = "syn"`, "in_flight"},
	{"tcp_flags tcpflags", "flags", `flags = "S."`, ""},
	{"protocol ip_proto l4proto nw_proto", "proto", `proto = "tcp"`, ""},
	{"saddr source src_ip src_addr source_ip ip_src nw_src", "src", "src = \"192.0.2.1\", or from = net.NAME", ""},
	{"daddr destination dst_ip dst_addr dest dest_ip ip_dst nw_dst", "dst", "dst = \"192.0.2.1\", or to = net.NAME", ""},
	{"length payload_len payload_length data_len datalen bytes", "len", "len = \">= 1\"", "dport"},
	{"content contents contains string load raw", "payload", `payload = "GET"`, ""},
	{"window window_size wnd", "win", "win = 0", ""},
	{"tos", "dscp", "dscp = 46", "ttl"},
	{"id ipid identification", "ip_id", "ip_id = 1", ""},
	{"hop_limit hoplimit hlim", "ttl", "ttl = 64", ""},
	{"seqno sequence sequence_number", "seq", "seq = 1", ""},
	{"ackno acknr ack_number acknowledgement", "ack", "ack = 1", ""},
	{"dont_fragment dontfrag no_fragment", "df", "df = true", ""},
	{"probability prob percent percentage ratio p rate loss", "chance", `chance = "1%"`, "nth"},
	{"count n number index packet nr", "nth", "nth = 3", "nth"},
	{"limit max repeat times_hit", "times", "times = 2", "nth"},
	{"duration time ms delay latency", "by", `by = "200ms"`, "by"},
	{"filter condition when_ match predicate", "where", "where = function(pkt) return … end", "nth"},
	// Servers and TLS.
	{"cert key certificate certfile keyfile cert_file key_file ssl_certificate ssl_certificate_key pem keyout ca cafile CAfile ca_file",
		"chain", "leave it out: certificates are made for the server, and chain = { … } says of what kind", ""},
	{"ca cafile CAfile ca_file cacert capath insecure k skip_verify verify_peer InsecureSkipVerify no_verify", "verify",
		"verify = false to believe any certificate; that of the lab is believed", ""},
	{"servername sni server_name", "name", `name = "…"`, "verify"},
	{"protocols tls_version min_version ssl_version tls_versions minVersion", "ssl_protocols", "ssl_protocols = \"TLSv1.2\"", ""},
	{"session_tickets tickets", "ssl_session_tickets", "ssl_session_tickets = false", ""},
	{"listen server_port bind_port", "port", "port = 80", ""},
	{"location locations paths handlers endpoints", "routes", "routes = { [\"/\"] = { body = \"…\" } }", ""},
	{"code status_code response_code http_status", "status", "status = 404", ""},
	{"content text response data html payload", "body", "body = \"…\"", "status"},
	{"length content_length bytes body_size", "size", "size = \"1MB\"", "status"},
	{"header add_header", "headers", "headers = { [\"X-Name\"] = \"…\" }", ""},
	{"root index document_root return", "body", "body = \"…\", or routes = { … }", "status"},
	{"keepalive_time keep_alive_timeout", "keepalive_timeout", "keepalive_timeout = \"75s\"", ""},
	// Clients.
	{"url uri href target address", "from", "from = site, path = \"/\", where site is what serve returned", "path"},
	{"host hostname server dst destination remote peer", "from", "from = site, which is what serve returned", "path"},
	{"url uri address target host hostname server dst destination remote peer addr", "to", "to = net.NAME", ""},
	{"max_time connect_timeout timeout_ms read_timeout wait deadline", "timeout", `timeout = "5s"`, ""},
	{"data json form post post_data", "upload", "upload = \"10KB\"", "path"},
	{"verb X request http_method type", "method", "method = \"POST\"", "path"},
	{"header H user_agent", "headers", "headers = { [\"User-Agent\"] = \"…\" }", "path"},
	// Sockets.
	{"keep_alive so_keepalive SO_KEEPALIVE", "keepalive", "keepalive = true", ""},
	{"tcp_nodelay TCP_NODELAY no_delay", "nodelay", "nodelay = true", ""},
	{"so_linger SO_LINGER linger_time", "linger", "linger = \"0s\"", ""},
	{"so_rcvbuf SO_RCVBUF recvbuf rcvbuf_size receive_buffer recv_buffer", "rcvbuf", `rcvbuf = "64KB"`, ""},
	{"so_sndbuf SO_SNDBUF sendbuf sndbuf_size send_buffer", "sndbuf", `sndbuf = "64KB"`, ""},
	{"tcp_cork TCP_CORK", "cork", "cork = true", ""},
	{"tcp_quickack TCP_QUICKACK", "quickack", "quickack = true", ""},
	{"so_reuseport SO_REUSEPORT reuse_port", "reuseport", "reuseport = true", ""},
	{"cc cca congestion_control congestion_algorithm tcp_congestion TCP_CONGESTION", "congestion", `congestion = "cubic"`, ""},
	{"local_port source_port src_port bind_port sport", "from_port", "from_port = 40000", ""},
	{"local_addr local_address bind bind_address source_address src", "from_addr", "from_addr = \"192.0.2.1\"", ""},
	{"remote_port dport dst_port", "port", "port = 80", ""},
	{"tcp_user_timeout TCP_USER_TIMEOUT", "user_timeout", "user_timeout = \"5s\"", ""},
	{"fast_open tfo TCP_FASTOPEN", "fastopen", "fastopen = 1", ""},
	// Programs.
	{"cmd command argv program exec", "", "the words are the elements of the table: { \"curl\", \"-v\", \"http://server/\" }", "env"},
	{"environment environ", "env", "env = { NAME = \"…\" }", ""},
}

// Key says what to write for a key that a table does not take, which takes those known;
// empty if it is nothing that others write.
func Key(key string, known []string) string {
	has := func(k string) bool { return k == "" || slices.Contains(known, k) }
	bare := strings.ReplaceAll(strings.ToLower(key), "-", "_")
	for _, s := range synonyms {
		if !has(s.key) || !has(s.when) || key == s.key {
			continue
		}
		for w := range strings.FieldsSeq(s.words) {
			if w == key || w == bare {
				if s.key == "" || strings.HasPrefix(s.write, "leave ") {
					return s.write
				}
				return "write " + s.write
			}
		}
	}
	return ""
}

// Keys are the keys that synonyms lead to, for a test.
func Keys() (out []string) {
	for _, s := range synonyms {
		out = append(out, s.key, s.when)
	}
	return out
}
