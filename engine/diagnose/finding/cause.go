package finding

// Cause is what is known of a cause whatever the incident.
type Cause struct {
	ID string
	// Title is what it is in a few words.
	Title string
	// Try are the next steps: settings, rules, commands.
	Try []string
	// Scenario is the shipped scenario that shows the same, empty if there is none.
	Scenario string
	// Harmless causes hurt nobody.
	Harmless bool
}

// Clean is the id of the finding that nothing is wrong, Unclear of the one that the
// capture cannot tell.
const (
	Clean   = "clean"
	Unclear = "cannot-tell"
)

// Causes are all causes by id.
var Causes = map[string]Cause{}

func init() {
	for _, c := range causes {
		Causes[c.ID] = c
	}
}

var causes = []Cause{
	{ID: "pmtu-blackhole", Title: "packets above the path's MTU are lost, smaller ones pass",
		Scenario: "pmtu-blackhole",
		Try: []string{"let ICMP type 3 code 4 (IPv6: type 2) through to the sender, in every firewall on the way",
			"clamp the MSS on the router: nft add rule … tcp flags syn tcp option maxseg size set rt mtu",
			"on the sender, as a stopgap: sysctl net.ipv4.tcp_mtu_probing=1"}},
	{ID: "mss-not-clamped", Title: "an end behind a tunnel announces an MSS that does not fit into it",
		Scenario: "half-loaded-page",
		Try: []string{"clamp the MSS where the tunnel begins, in both directions: nft add rule … tcp flags syn " +
			"tcp option maxseg size set rt mtu",
			"or set the MTU of the end's interface to what the tunnel carries"}},
	{ID: "jumbo-is-tso", Title: "frames above the MTU are segmentation or receive offload of the capturing host",
		Scenario: "jumbo-segment", Harmless: true,
		Try: []string{"to see what crosses the wire: ethtool -K DEV tso off gso off gro off, or capture on the " +
			"next hop"}},
	{ID: "rst-linger-or-unread", Title: "the application's own socket resets: SO_LINGER 0, or closed with data unread",
		Scenario: "linger-close-rst",
		Try: []string{"look for close() before everything is read, and for SO_LINGER {on, 0}, in the program that " +
			"resets",
			"strace -f -e trace=network,close -p PID shows both"}},
	{ID: "rst-no-listener", Title: "nobody listens on the port", Scenario: "no-listener",
		Try: []string{"on the server: ss -ltn 'sport = :PORT'", "look whether the service listens on another address"}},
	{ID: "rst-no-socket-stale", Title: "a kernel resets a connection that it does not have any more",
		Scenario: "half-open",
		Try: []string{"look whether the peer was restarted or failed over at that time",
			"use keep-alives, so that a dead connection is found before it is needed: SO_KEEPALIVE"}},
	{ID: "rst-after-close-notify", Title: "data comes after the other side has closed; its kernel answers with a reset",
		Scenario: "harmless-reset", Harmless: true,
		Try: []string{"nothing need be done: everything was exchanged before",
			"to be rid of it, the side that closes first waits for the other's close_notify before it closes"}},
	{ID: "rst-middlebox-injected", Title: "a third party between the ends forged the reset",
		Try: []string{"capture at the other end: there the reset was not sent",
			"compare time to live and IP identification of the reset with the peer's other packets"}},
	{ID: "firewall-reject", Title: "a firewall refuses aloud",
		Try: []string{"look for reject rules on the way: nft list ruleset",
			"ask who sends the refusal: traceroute -T -p PORT"}},
	{ID: "syn-unanswered-filtered", Title: "SYNs vanish: something drops them without a word",
		Try: []string{"capture at the server: if the SYN does not arrive there, a filter on the way has it",
			"look for drop rules and missing policy or security-group entries for the port"}},
	{ID: "syn-unanswered-backlog", Title: "the server's accept queue is full", Scenario: "backlog-overflow",
		Try: []string{"on the server: ss -ltn shows Recv-Q above Send-Q; nstat TcpExtListenOverflows",
			"accept faster, or raise the backlog of listen() and net.core.somaxconn"}},
	{ID: "syn-unanswered-tw-recycle", Title: "SYNs are dropped by the per-host timestamp check of tcp_tw_recycle",
		Scenario: "tw-recycle",
		Try: []string{"on the server: sysctl net.ipv4.tcp_tw_recycle=0 (Linux before 4.12 has it)",
			"nstat TcpExtPAWSPassiveRejected counts what it drops"}},
	{ID: "asymmetric-path", Title: "the answer takes another way than the question, and something on it drops it",
		Try: []string{"compare routes of both ends: ip route get ADDRESS",
			"on routers: rp_filter; on stateful firewalls: both directions must pass the same one"}},
	{ID: "loss-one-way", Title: "packets are lost in one direction", Scenario: "one-lost-segment",
		Try: []string{"count errors along the way in that direction: ethtool -S DEV, ip -s link",
			"capture at the receiver: it tells whether the packets arrive damaged or not at all"}},
	{ID: "loss-bursty", Title: "many packets in a row are lost, with calm between", Scenario: "lossy-path",
		Try: []string{"look for a short queue or a policer: tc -s qdisc, tail drops of the switch port",
			"pace the sender: net.core.default_qdisc=fq"}},
	{ID: "reordering", Title: "packets overtake each other",
		Try: []string{"look for load sharing by packet (bonding balance-rr, ECMP by packet) on the way"}},
	{ID: "zero-window", Title: "the receiver's window is closed",
		Try: []string{"on the receiver: ss -tmn shows what the program has not read (Recv-Q)",
			"find what keeps the program from reading: a lock, a full disk, a slow peer behind it"}},
	{ID: "slow-application", Title: "the network delivers at once; the time goes by in an application",
		Scenario: "busy-server",
		Try: []string{"look at the program that was asked, not at the network: its log, a profile, its own " +
			"back ends"}},
	{ID: "delayed-ack-nagle", Title: "a small write waits for a delayed acknowledgement",
		Try: []string{"set TCP_NODELAY on the side that writes in pieces, or write the request in one piece"}},
	{ID: "keepalive-dead-peer", Title: "keep-alives are not answered any more", Scenario: "peer-gone",
		Try: []string{"look whether the peer crashed, or what on the way forgot the connection"}},
	{ID: "idle-timeout-middlebox", Title: "something on the way forgot the connection while it was idle",
		Scenario: "gateway-forgot",
		Try: []string{"send keep-alives more often than the timeout: net.ipv4.tcp_keepalive_time, or the program's own",
			"raise the idle timeout of the NAT, firewall or balancer"}},
	{ID: "keepalive-race", Title: "the server's close of an idle connection and the next request cross",
		Scenario: "crossing-fin",
		Try: []string{"let the client's idle timeout be shorter than the server's",
			"let the client repeat a request that was not answered at all"}},
	{ID: "conntrack-invalid-escapes-dnat", Title: "conntrack calls a packet invalid, so it is not translated",
		Scenario: "invalid-escapes-dnat",
		Try: []string{"drop what is invalid before it leaves: nft add rule … ct state invalid drop",
			"or sysctl net.netfilter.nf_conntrack_tcp_be_liberal=1"}},
	{ID: "snat-missing", Title: "the source was not translated, so the answer comes from another address",
		Try: []string{"masquerade what comes from the server's own network: nft add rule … ip saddr NET ip daddr " +
			"SERVER masquerade"}},
	{ID: "nat-port-clash", Title: "after translation two connections have the same addresses and ports",
		Scenario: "redirect-port-clash",
		Try: []string{"let the NAT choose the port: nft … masquerade random, or more addresses",
			"look at conntrack -S: clash_resolve, insert_failed"}},
	{ID: "port-reuse-time-wait", Title: "a port is used again while the other side still holds the old connection",
		Scenario: "timewait-port-reuse",
		Try: []string{"widen net.ipv4.ip_local_port_range, keep connections open, or leave tcp_timestamps on",
			"let the client, not the server, close first"}},
	{ID: "wscale-stripped", Title: "something on the way changes the window scale",
		Try: []string{"capture at both ends and compare the options of the SYN",
			"as a stopgap: sysctl net.ipv4.tcp_window_scaling=0 on one end"}},
	{ID: "checksum-bad", Title: "packets arrive with a wrong checksum and are dropped",
		Try: []string{"count: nstat TcpInCsumErrors; ethtool -S DEV",
			"look for a card, driver or tunnel that computes it wrongly: ethtool -K DEV tx off on the sender"}},
	{ID: "bufferbloat", Title: "the round trip grows many times over under load: a queue is too long",
		Try: []string{"shape a little below the bottleneck and use fq_codel or cake there"}},
	{ID: "tls-alert-cert", Title: "the client ends the handshake after the server's certificate",
		Scenario: "private-ca",
		Try: []string{"openssl s_client -connect HOST:PORT -servername NAME -showcerts",
			"look at dates, names and chain of the certificate, and at what the client trusts"}},
	{ID: "tls-version", Title: "the server turns the ClientHello away",
		Try: []string{"openssl s_client -connect HOST:PORT -tls1_2, then -tls1_3; compare -cipher lists"}},
	{ID: "dns-truncated-tcp-blocked", Title: "the UDP answer is truncated and DNS over TCP is not answered",
		Try: []string{"let TCP port 53 through as well (RFC 7766)", "dig +tcp NAME @SERVER shows it"}},
	{ID: "ipv6-broken-v4-works", Title: "IPv6 fails where IPv4 works",
		Try: []string{"ping -6 and traceroute -6 to the server", "mend IPv6 on the way, or take the AAAA record away"}},
	{ID: "half-close-timeout", Title: "one side half-closed, and who keeps state gave up too soon",
		Try: []string{"raise the half-closed timeout of the balancer or NAT; on Linux hosts net.ipv4.tcp_fin_timeout",
			"do not half-close: say the end of the request in the protocol"}},
	{ID: Clean, Title: "nothing is wrong here", Harmless: true},
	{ID: Unclear, Title: "this capture cannot tell",
		Try: []string{"capture at both ends at once, from before the connection opens: tcpdump -s 128 -w FILE"}},
}
