---@meta
-- What a scenario can say, for the Lua language server. Generated from the tables of
-- the language: go test ./engine/script/reference -update writes it anew.
---@diagnostic disable: missing-return, unused-local

---a time with its unit: "40ms", "1.5s", "2m", "1h30m", "5d"; at most 20 days
---@alias Duration string

---bytes: 4096; "4KB" and "4KiB" are 1024 each, "4kB" is 1000 each; "1MB", "1GB"
---@alias Size integer|string

---a share: "1%", "0.5%"
---@alias Percent string

---bits a second: "10Mbit", "64kbit"; a kbit is 1000 bits
---@alias Rate string

---two nodes and the wire between them: { "a", wire {}, "b" }
---@alias Link { [1]: string, [2]: Wire.Part, [3]: string }

---A route.
---@class Route
---@field to string a prefix, or "default"
---@field via? string|string[]|table<string,integer> the neighbour: a node or an address; or several that share the traffic, as a list or { node = weight }
---@field wire? string the wire to the neighbour, if several lead there
---@field kind? "blackhole"|"unreachable"|"prohibit" the route leads nowhere: packets vanish, or are answered with an error
---@field mtu? integer MTU of what is sent along the route
---@field lock? boolean path MTU discovery does not change this MTU, and DF is not set. In IPv6 the kernel still changes it (default false)
---@field src? string the address of this node to send from
---@field rto_min? Duration TCP's least retransmission timeout on this route, 200ms else; the first probe of a tail loss waits longer too
---@field initcwnd? integer TCP's first congestion window, in segments, 10 else
---@field initrwnd? integer TCP's first receive window, in segments
---@field advmss? integer the MSS that TCP announces
---@field quickack? boolean TCP delays no acknowledgement (default false)
---@field congestion? string TCP's congestion control, such as "reno"
---@field table? integer routing table, by number; the main one by default

---Nodes and wires in turn.
---@class Parts
---@field [integer] Node.Part|Wire.Part
---@field ip? 4|6|"dual" IP versions: 4, 6 or "dual" (default 4)
---@field tunnels? Tunnel.Part[] tunnels between nodes: { tunnel { "gre", between = { "a", "b" } } }

---A key of TCP_MD5SIG.
---@class MD5
---@field peer Host|Router whom the key is shared with
---@field key string the key, up to 80 bytes

---A certificate chain.
---@class Chain
---@field bytes? Size size of all certificates together
---@field length? integer how many are sent, with the server's own; 2 by default
---@field names? string[] the names it is for; the node's by default. "*.example.test" is for all names one label below
---@field key? "ed25519"|"ecdsa"|"rsa" ed25519 by default: all its signatures have the same size
---@field expired? boolean it is no longer valid
---@field not_yet_valid? boolean it is not valid yet
---@field untrusted? boolean signed by an authority that no client of the case trusts
---@field missing_intermediate? boolean the server's own certificate is sent alone
---@field self_signed? boolean signed by its own key

---What a server answers to a path.
---@class Answer
---@field body? string what is answered (default "")
---@field size? Size answer this many bytes instead of a body
---@field status? integer HTTP status (default 200)
---@field headers? table<string,string> more header fields: { ["Retry-After"] = "1" }
---@field delay? Duration before it answers
---@field chunked? boolean|Size in chunks, without Content-Length: true, or their size
---@field drip? Size send this many bytes at a time
---@field every? Duration between two of them
---@field upload? boolean read the whole request's body first
---@field close? boolean say Connection: close, and close
---@field cut? Size close after so many bytes of the body
---@field method? string only of requests of this method

---When a program is ready.
---@class Ready
---@field port? integer it listens on this TCP port
---@field udp? integer it has this UDP port open
---@field line? string it has written this, to either output

---What a name server answers.
---@class Record
---@field [1]? Host|string|(Host|string)[]
---@field to? Host|string|(Host|string)[] what it is answered: a node, an address, or a list of them
---@field cname? string the name it is another one for
---@field ttl? Duration how long an answer may be kept; 0 by default
---@field delay? Duration before the answer
---@field drop? boolean no answer
---@field truncate? boolean over UDP the answer is cut short, so that the client asks again over TCP
---@field code? "FORMERR"|"NOTIMP"|"NXDOMAIN"|"REFUSED"|"SERVFAIL" answered instead of addresses
---@field times? integer for this many questions; later ones are answered as before

---A model of chance: independent, in bursts, or by Gilbert and Elliott's chain.
---@class Chance
---@field [1]? Percent
---@field rate? Percent the share of all packets that are hit
---@field burst? number how many in a row, on average
---@field p? Percent of Gilbert and Elliott's chain: how likely a packet leaves the good state
---@field r? Percent how likely a packet leaves the bad state
---@field bad? Percent the share hit in the bad state (default 100%)
---@field good? Percent the share hit in the good state (default 0%)

---Which packets are meant while they pass: all keys must hold.
---@class PassingMatch
---@field from? Host|Router the sender, by its addresses
---@field to? Host|Router the receiver, by its addresses
---@field host? Host|Router either end, by its addresses
---@field tcp? "syn"|"synack"|"data"|"ack"|"fin"|"rst"|"rexmit"|"rto"|"fast"|"any"|"tlp"|"rack"|"recovery"|"pmtu"|"keep-alive"|"window-probe"|"zero-window" what a TCP segment is; "data" is new data only, "any" is data new or sent again
---@field icmp? "admin-prohibited"|"any"|"echo-reply"|"echo-request"|"frag-needed"|"host-prohibited"|"host-unreachable"|"neighbor-advertise"|"neighbor-solicit"|"net-prohibited"|"net-unreachable"|"packet-too-big"|"parameter-problem"|"port-unreachable"|"proto-unreachable"|"redirect"|"time-exceeded"|"unreachable" an ICMP message
---@field udp? true UDP datagrams only
---@field conn? Conn|Call|Response one connection, in a trace on both sides of a NAT
---@field port? integer either port
---@field sport? integer source port
---@field dport? integer destination port
---@field seq? integer relative sequence number
---@field ack? integer relative acknowledgement number
---@field len? integer|string bytes of payload
---@field flags? string exactly these TCP flags, as tcpdump writes them: "S", "P."
---@field sacks? Fault acknowledgements that report the segment this fault hit missing
---@field covers? Fault acknowledgements that cover the segment this fault hit
---@field src_mac? string of Ethernet: source MAC address
---@field dst_mac? string of Ethernet: destination MAC address
---@field ether_type? integer|string of Ethernet: EtherType, or that of the 802.1Q tag
---@field vlan? integer|string of an 802.1Q tag: VLAN of the 802.1Q tag
---@field pcp? integer|string of an 802.1Q tag: priority of the 802.1Q tag
---@field src? string|Host of IP: source address
---@field dst? string|Host of IP: destination address
---@field ttl? integer|string of IP: time to live, or hop limit
---@field dscp? integer|string of IP: differentiated services code point (RFC 2474)
---@field ecn? integer|string of IP: explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion (RFC 3168)
---@field ip_len? integer|string of IP: length of the IP packet
---@field ip_id? integer|string of IPv4: identification
---@field df? boolean of IPv4: don't fragment
---@field mf? boolean of IP: more fragments
---@field frag_offset? integer|string of IP: fragment offset, in units of 8 bytes
---@field flow_label? integer|string of IPv6: flow label
---@field proto? integer|string of IP: transport protocol number
---@field win? integer|string of TCP: window as on the wire, unscaled
---@field urgent? integer|string of TCP: urgent pointer
---@field mss? integer|string of TCP: maximum segment size option
---@field wscale? integer|string of TCP: window scale option: the shift
---@field tsval? integer|string of TCP: timestamp option: the sender's clock
---@field tsecr? integer|string of TCP: timestamp option: the clock it echoes
---@field timestamps? boolean of TCP: there is a timestamp option
---@field sack_permitted? boolean of TCP: there is a SACK-permitted option
---@field sack? boolean of TCP: there is a SACK option
---@field icmp_type? integer|string of ICMP: ICMP or ICMPv6 type
---@field icmp_code? integer|string of ICMP: ICMP or ICMPv6 code
---@field icmp_id? integer|string of ICMP: identifier of an echo
---@field icmp_seq? integer|string of ICMP: sequence number of an echo; MTU of fragmentation needed
---@field toward? Host|Router on its way to this end of a wire
---@field payload? string bytes that the payload has in it
---@field size? integer|string bytes of the whole frame
---@field rexmit? integer|string how often its bytes were sent before: 1 is the first retransmission
---@field dropped? boolean true: packets that a fault, a box or a full wire dropped; false: all others
---@field tls? "any"|"alert"|"application-data"|"certificate"|"certificate-request"|"certificate-status"|"certificate-verify"|"change-cipher-spec"|"client-hello"|"client-key-exchange"|"close-notify"|"encrypted-extensions"|"end-of-early-data"|"finished"|"hello-request"|"hello-retry-request"|"key-update"|"new-session-ticket"|"server-hello"|"server-hello-done"|"server-key-exchange" a TLS record or handshake message that begins in it, as far as it is in the clear
---@field http? string the beginning of an HTTP start line in it: "GET /", "HTTP/1.1 200"; or "request", "response" or "any"

---Header fields and what they become: a value, "+1" to add, false to take a TCP option away.
---@class Settings
---@field payload? string the payload; lengths are made to fit
---@field src_mac? integer|string|boolean of Ethernet: source MAC address
---@field dst_mac? integer|string|boolean of Ethernet: destination MAC address
---@field ether_type? integer|string|boolean of Ethernet: EtherType, or that of the 802.1Q tag
---@field vlan? integer|string|boolean of an 802.1Q tag: VLAN of the 802.1Q tag
---@field pcp? integer|string|boolean of an 802.1Q tag: priority of the 802.1Q tag
---@field src? integer|string|boolean of IP: source address
---@field dst? integer|string|boolean of IP: destination address
---@field ttl? integer|string|boolean of IP: time to live, or hop limit
---@field dscp? integer|string|boolean of IP: differentiated services code point (RFC 2474)
---@field ecn? integer|string|boolean of IP: explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion (RFC 3168)
---@field ip_id? integer|string|boolean of IPv4: identification
---@field df? integer|string|boolean of IPv4: don't fragment
---@field mf? integer|string|boolean of IP: more fragments
---@field frag_offset? integer|string|boolean of IP: fragment offset, in units of 8 bytes
---@field flow_label? integer|string|boolean of IPv6: flow label
---@field proto? integer|string|boolean of IP: transport protocol number
---@field sport? integer|string|boolean of TCP or UDP: source port
---@field dport? integer|string|boolean of TCP or UDP: destination port
---@field seq? integer|string|boolean of TCP: sequence number
---@field ack? integer|string|boolean of TCP: acknowledgement number
---@field flags? integer|string|boolean of TCP: TCP flags as tcpdump writes them: "S", "P."
---@field win? integer|string|boolean of TCP: window as on the wire, unscaled
---@field urgent? integer|string|boolean of TCP: urgent pointer
---@field mss? integer|string|boolean of TCP: maximum segment size option
---@field wscale? integer|string|boolean of TCP: window scale option: the shift
---@field tsval? integer|string|boolean of TCP: timestamp option: the sender's clock
---@field tsecr? integer|string|boolean of TCP: timestamp option: the clock it echoes
---@field timestamps? integer|string|boolean of TCP: there is a timestamp option
---@field sack_permitted? integer|string|boolean of TCP: there is a SACK-permitted option
---@field sack? integer|string|boolean of TCP: there is a SACK option
---@field icmp_type? integer|string|boolean of ICMP: ICMP or ICMPv6 type
---@field icmp_code? integer|string|boolean of ICMP: ICMP or ICMPv6 code
---@field icmp_id? integer|string|boolean of ICMP: identifier of an echo
---@field icmp_seq? integer|string|boolean of ICMP: sequence number of an echo; MTU of fragmentation needed

---A reset, by who sent it and why.
---@class Reset
---@field kind? "active"|"passive"|"challenge"|"firewall"|"forged" who sent it
---@field cause? "unread"|"linger"|"linger2"|"memory"|"keepalive"|"listener-closed"|"aborted"|"closed-port"|"no-socket"|"timed-out"|"syn-sent"|"syn-received"|"listener"|"overflow"|"time-wait"|"data-after-close"|"out-of-window"|"after-reset"|"bad-flags"|"not-captured"|"rejected"|"injected"|"challenge-ack" why; a verdict that leaves this cause open counts too
---@field evidence? "kernel"|"inferred" what the verdict was drawn from
---@field reason? string the kernel's own reason, as enum sk_rst_reason has it: "TCP_ABORT_ON_CLOSE"
---@field state? string the state of the socket, or the one before that: "FIN_WAIT2"
---@field through? string a function of the kernel that it was sent through: "__tcp_close"
---@field process? string the program that called, as far as the kernel keeps its name (15 bytes)

---A row of a sequence: a match, how often and how soon.
---@class Row: Match
---@field times? integer|string at least this many before the next row; others may stand between (default 1)
---@field within? Duration at most this long after the packet of the row before

---Which packets of a trace are meant: all keys must hold.
---@class Match: PassingMatch
---@field flow? integer the number of a connection in the ladder, NAT or not
---@field queued? integer|string bytes that waited before it on a wire with a rate
---@field in_flight? integer|string bytes that its sender has in flight after it
---@field fault? boolean true: packets that a fault changed, delayed or forged; false: all others
---@field original? "lost"|"arrived" a retransmission: was what it sends again lost, or had it arrived
---@field kernel_drop? string a packet that the kernel of the node it arrived at threw away, by the reason or the function: "NETFILTER_DROP"
---@field timer? string a retransmission, by the kernel's function that sent it: "tcp_retransmit_timer"
---@field rst? Reset|string a reset, by who sent it and why; a text is its kind or its cause
---@field analysis? "any"|"ack_lost_segment"|"duplicate_ack"|"fast_retransmission"|"keep_alive"|"keep_alive_ack"|"lost_segment"|"out_of_order"|"retransmission"|"reused_ports"|"spurious_retransmission"|"window_full"|"window_update"|"zero_window"|"zero_window_probe"|"zero_window_probe_ack" one of Wireshark's tcp.analysis flags
---@field frame? integer|string the number of its frame: 7, "10..20"

---A request.
---@class Request
---@field [1]? string
---@field path? string what to ask for (default "/")
---@field method? string HTTP method (default "GET")
---@field headers? table<string,string> more header fields: { Range = "bytes=0-99" }
---@field body? string what to upload
---@field upload? Size upload this many bytes instead of a body; the method is then POST
---@field range? string bytes wanted: "0-99", "100-", "-100"
---@field stop? Size close the connection after so many bytes of the answer
---@field close? boolean say Connection: close, and let the server close
---@field expect? boolean say Expect: 100-continue, and wait before the body

---Socket options that change what is on the wire.
---@class SocketOptions: DatagramOptions
---@field linger? integer|Duration SO_LINGER: seconds close waits; 0 makes close send RST
---@field nodelay? boolean TCP_NODELAY: do not gather small writes
---@field cork? boolean TCP_CORK: send full segments only
---@field quickack? boolean TCP_QUICKACK: acknowledge at once
---@field keepalive? boolean SO_KEEPALIVE: ask an idle peer whether it is there
---@field keepidle? Duration TCP_KEEPIDLE: how long idle before the first keep-alive
---@field keepintvl? Duration TCP_KEEPINTVL: between keep-alives
---@field keepcnt? integer TCP_KEEPCNT: how many unanswered keep-alives are the end
---@field mss? integer TCP_MAXSEG
---@field window_clamp? Size TCP_WINDOW_CLAMP: the largest window offered
---@field notsent_lowat? Size TCP_NOTSENT_LOWAT: unsent bytes above which it takes no more
---@field user_timeout? Duration TCP_USER_TIMEOUT: how long data may stay unacknowledged
---@field linger2? integer TCP_LINGER2: seconds in FIN_WAIT2 after close; -1 makes close reset there
---@field syncnt? integer TCP_SYNCNT: how often a SYN is sent again
---@field defer_accept? Duration TCP_DEFER_ACCEPT: a listener wakes when data comes, or after this time
---@field congestion? string TCP_CONGESTION: the congestion control

---Socket options of UDP and ICMP sockets.
---@class DatagramOptions
---@field rcvbuf? Size SO_RCVBUF: bytes asked for; the kernel doubles it
---@field sndbuf? Size SO_SNDBUF: bytes asked for; the kernel doubles it
---@field tos? integer IP_TOS or IPV6_TCLASS: DSCP and ECN bits
---@field ttl? integer IP_TTL or IPV6_UNICAST_HOPS
---@field mtu_discover? "do"|"dont"|"interface"|"omit"|"probe"|"want" IP_MTU_DISCOVER: what it does about the path MTU
---@field recverr? boolean IP_RECVERR: ICMP errors fail the socket, even UDP's and soft ones of TCP
---@field mark? integer SO_MARK: a mark for firewall and routing rules
---@field priority? integer SO_PRIORITY
---@field broadcast? boolean SO_BROADCAST: of UDP, may send to broadcast addresses

---Which of the packets that match a fault hits, and how it is shown.
---@class FaultOptions
---@field nth? integer the first packet hit, counted per connection from 1
---@field every? integer from there on, every n-th
---@field times? integer how many are hit per connection; 1 with nth alone, all without
---@field chance? Percent|Chance hit by chance, from the case's seed: "1%", or { "1%", burst = 3 }
---@field after? Fault|PassingMatch active after this packet on the wire, or after this fault has hit
---@field before? Fault|PassingMatch active until this packet on the wire, or until this fault has hit
---@field where? fun(pkt: Passing): any function(pkt): hit only if it returns true; it is called for what matches all else
---@field name? string shown in the trace and in messages
---@field optional? boolean the fault may hit nothing; without this, a fault that hits nothing fails the case (default false)

---Which packets a rule of a node is about, and how it is shown.
---@class RuleMatch
---@field from? Host|string the sender: a host, an address or a prefix
---@field tcp? integer|string|boolean TCP to this port, or true
---@field udp? integer|string|boolean UDP to this port, or true
---@field sport? integer|string|boolean from this port
---@field icmp? "admin-prohibited"|"any"|"echo-reply"|"echo-request"|"frag-needed"|"host-prohibited"|"host-unreachable"|"neighbor-advertise"|"neighbor-solicit"|"net-prohibited"|"net-unreachable"|"packet-too-big"|"parameter-problem"|"port-unreachable"|"proto-unreachable"|"redirect"|"time-exceeded"|"unreachable" an ICMP or ICMPv6 message
---@field flags? string exactly these TCP flags, as tcpdump writes them: "S", "R."
---@field iif? Wire|string what came by this wire
---@field oif? Wire|string what goes by this wire
---@field ct? string|string[] the state of its connection: new established related invalid untracked
---@field mark? integer packets that a rule has marked
---@field size? integer|string bytes of the IP packet
---@field every? integer every n-th of them
---@field rate? string those up to this rate: "10/second"
---@field over? string those beyond this rate: "10/second"
---@field name? string shown in the trace and in messages
---@field optional? boolean the fault may hit nothing; without this, a fault that hits nothing fails the case (default false)

---What a forged packet is.
---@class PacketFields
---@field src? string|Host source address
---@field dst? string|Host destination address
---@field sport? integer source port
---@field dport? integer destination port
---@field flags? string of a TCP segment, its flags as tcpdump writes them: "R", "S."
---@field seq? integer|"next"|"in window"|"blind" relative sequence number
---@field ack? integer|"next"|"in window"|"blind" relative acknowledgement number
---@field raw_seq? integer sequence number on the wire
---@field raw_ack? integer acknowledgement number on the wire
---@field win? integer window as on the wire
---@field urgent? integer urgent pointer
---@field mss? integer MSS option
---@field wscale? integer window scale option
---@field sack_permitted? boolean SACK-permitted option
---@field sack? integer[][] SACK option: blocks of relative numbers
---@field timestamps? boolean timestamp option; of a connection that has them, unless false
---@field tsval? integer timestamp option: the sender's clock
---@field tsecr? integer timestamp option: the clock it echoes
---@field udp? boolean a UDP datagram
---@field icmp? "admin-prohibited"|"any"|"echo-reply"|"echo-request"|"frag-needed"|"host-prohibited"|"host-unreachable"|"neighbor-advertise"|"neighbor-solicit"|"net-prohibited"|"net-unreachable"|"packet-too-big"|"parameter-problem"|"port-unreachable"|"proto-unreachable"|"redirect"|"time-exceeded"|"unreachable" an ICMP or ICMPv6 message
---@field icmp_code? integer its code, if the name does not say it
---@field icmp_id? integer identifier of an echo
---@field icmp_seq? integer sequence number of an echo
---@field mtu? integer the MTU that an ICMP message says the path takes
---@field proto? integer another protocol, by number; the payload then follows the IP header
---@field payload? string the payload
---@field ttl? integer time to live, or hop limit
---@field tos? integer type of service, or traffic class
---@field ip_id? integer IPv4 identification
---@field df? boolean don't fragment
---@field vlan? integer VLAN of its 802.1Q tag; by default that of the packets around it

---What is asked of an HTTP server.
---@class RequestOptions: Request
---@field timeout? Duration how long to wait (default 10s)

---What an HTTP server does, under nginx's names.
---@class ServerOptions: SocketOptions, Answer
---@field routes? table<string,string|Answer> answers by path: { ["/big"] = { size = "1MB" }, ["/api/"] = { status = 503 } }; else 404
---@field keepalive_timeout? Duration|false how long a connection may be idle between requests; false closes after each answer (default 75s)
---@field keepalive_requests? integer requests on one connection (default 1000)
---@field lingering_close? "on"|"off"|"always" what happens to data that a client still sends: on reads it for a while, off resets the connection (default on)
---@field lingering_time? Duration how long altogether (default 30s)
---@field lingering_timeout? Duration how long without anything coming (default 5s)
---@field discard_body? boolean read the rest of a request's body before closing; false leaves it unread, as careless servers do (default true)
---@field reset_timedout_connection? boolean connections that time out are reset (default false)
---@field client_header_timeout? Duration for a request's header, and the TLS handshake (default 60s)
---@field client_body_timeout? Duration between two reads of a request's body (default 60s)
---@field send_timeout? Duration between two writes of an answer (default 60s)
---@field client_max_body_size? Size|false larger requests get 413; false is no bound (default 1MB)
---@field backlog? integer length of the accept queue (default 511)
---@field workers? integer with reuseport: how many sockets listen; 2 by default
---@field busy? integer how many requests are worked on at once; others wait
---@field fastopen? integer TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN
---@field fastopen_connect? boolean TCP_FASTOPEN_CONNECT: the first write goes in the SYN
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---How a program runs.
---@class ProgramOptions
---@field timeout? Duration how long to wait (default 10s)
---@field args string[] the program and its arguments, the elements of the table; $DIR in them is a directory of its own
---@field files? table<string,string> files made in that directory before it starts, by name; $DIR in them is its path
---@field env? table<string,string> environment variables besides those that it gets
---@field input? string its standard input
---@field chain? Chain makes server.crt and server.key in its directory, for this certificate
---@field names? string[] the names in that certificate, besides the node's
---@field trusted? boolean it may write what you may write on this machine. Without this it may write its own directory, /tmp and the settings of its network, and has no other capabilities (default false)
---@field quiet? boolean do not show what it writes in the log

---What of a wire can change.
---@class WireSettings
---@field delay? Duration one way (default 0ms)
---@field jitter? Duration each frame takes up to this much more or less, drawn from the case's seed; the order is kept (default 0ms)
---@field rate? Rate bits a second, counted over whole frames
---@field queue? Size|string what may wait for a wire with a rate; what does not fit is dropped (default "100 packets")

---What came of echo requests. Times are seconds.
---@class PingResult
---@field sent integer requests sent
---@field received integer answers
---@field lost integer requests without an answer
---@field min? number the shortest round trip
---@field avg? number the mean round trip
---@field max? number the longest round trip
---@field replies Reply[] each request and its answer

---One probe and what answered it.
---@class Reply
---@field seq integer number of the probe
---@field error? string why there is no answer: "timeout", or the error's name
---@field from? string the address that answered
---@field node? string its node
---@field time? number seconds until the answer
---@field type? integer ICMP type of the answer
---@field code? integer ICMP code
---@field ttl? integer TTL of the answer
---@field mtu? integer the MTU that an ICMP error names

---A path, hop by hop.
---@class Hops
---@field [integer] Hop
---@field reached boolean the last hop is the target

---One hop of a path. Times are seconds.
---@class Hop
---@field ttl integer the TTL of the probes
---@field siblings string[] all nodes that answered at this TTL
---@field replies Reply[] each probe and its answer
---@field loss number the share of probes without an answer, 0 to 1
---@field reached boolean it is the target
---@field from? string the address that answered
---@field node? string its node
---@field best? number the shortest round trip
---@field avg? number the mean round trip
---@field worst? number the longest round trip

---What was found of a path's MTU.
---@class PathMTU
---@field mtu? integer bytes; nil if nothing was answered
---@field told boolean an ICMP error named the MTU
---@field black_hole boolean larger packets vanish, and no ICMP error says so
---@field tries integer sizes that were tried
---@field node? string the node whose ICMP error named it

---One attempt to connect.
---@class Connect
---@field time number seconds it took
---@field error? string what failed: "ECONNREFUSED"

---Where a switch has learned that a MAC address is.
---@class LearnedAddress
---@field mac string the MAC address
---@field wire string the wire
---@field vlan integer the VLAN, 0 without any

---Numbers of a forged TCP segment, as on the wire.
---@class Injected
---@field raw_seq? integer sequence number
---@field raw_ack? integer acknowledgement number

---A part of a histogram.
---@class Bucket
---@field upto number the longest time in it, seconds
---@field count integer how many times are in it

---A request that a server had.
---@class ServedRequest
---@field method? string HTTP method
---@field path? string what was asked for
---@field proto? string "HTTP/1.1" or "HTTP/2.0"
---@field peer? string address and port of the client
---@field error? string why it failed
---@field status integer HTTP status that was sent
---@field sent integer bytes of the body that were sent
---@field received integer bytes of the request's body
---@field conn integer number of its connection
---@field n integer its place on the connection
---@field time number seconds it took

---A question that a name server had.
---@class Query
---@field name string the name
---@field type string "A" or "AAAA"
---@field proto string "udp" or "tcp"
---@field from string who asked

---A datagram.
---@class Message
---@field data string its payload
---@field from string the sender's address
---@field node string the sender's node
---@field port integer the sender's port
---@field ttl integer TTL as it arrived
---@field tos integer DSCP and ECN bits

---An ICMP error that a socket was told of.
---@class ICMPError
---@field error string the error's name: "EHOSTUNREACH"
---@field type integer ICMP type
---@field code integer ICMP code
---@field icmp? string its name: "host-unreachable"
---@field from? string the address that sent it
---@field node? string its node
---@field mtu? integer the MTU that it names

---TCP_INFO of a connection: bytes, segments, and times in seconds.
---@class ConnInfo
---@field state string state of TCP: "ESTABLISHED"
---@field rto number retransmission timeout
---@field ato number delayed acknowledgement timeout
---@field rtt number smoothed round-trip time
---@field rttvar number its variation
---@field min_rtt number the shortest round trip
---@field snd_mss integer MSS that it sends with
---@field rcv_mss integer MSS that it guesses its peer sends with
---@field adv_mss integer MSS that it offered
---@field pmtu integer path MTU
---@field snd_cwnd integer congestion window, segments
---@field snd_ssthresh integer slow-start threshold, segments
---@field unacked integer segments in flight
---@field sacked integer segments reported by SACK
---@field lost integer segments taken for lost
---@field retrans integer retransmissions in flight
---@field retransmits integer timeouts in a row
---@field total_retrans integer retransmissions in all
---@field backoff integer doublings of the timeout
---@field bytes_sent integer bytes sent, retransmissions included
---@field bytes_acked integer bytes acknowledged
---@field bytes_received integer bytes received in order
---@field bytes_retrans integer bytes sent again
---@field snd_wnd integer window of the peer
---@field rcv_wnd integer window it offers

---A socket, as the kernel lists it. Times are seconds.
---@class SocketState
---@field proto string "tcp" or "udp"
---@field state string state of TCP: "TIME_WAIT"
---@field addr string its own address
---@field sport integer its own port
---@field peer string the peer's address
---@field dport integer the peer's port
---@field recv_queue integer bytes received and not read; of a listener, connections not accepted
---@field send_queue integer bytes written and not acknowledged; of a listener, the most that may wait
---@field retrans integer timeouts in a row, or probes
---@field uid integer user of its owner
---@field timer? string the timer that runs
---@field expires? number when it fires
---@field owner? string the program that holds it
---@field pid? integer its process
---@field rto? number retransmission timeout
---@field rtt? number smoothed round-trip time
---@field snd_cwnd? integer congestion window, segments
---@field snd_mss? integer MSS that it sends with
---@field unacked? integer segments in flight
---@field lost? integer segments taken for lost
---@field backoff? integer doublings of the timeout
---@field total_retrans? integer retransmissions in all
---@field bytes_acked? integer bytes acknowledged
---@field bytes_received? integer bytes received in order

---What a node's kernel did, in order.
---@class KernelEvents
---@field [integer] KernelEvent
---@field lost integer events that were lost

---Something that a node's kernel did.
---@class KernelEvent
---@field kind "drop"|"reset"|"reset-received"|"retransmit" what it did
---@field time number seconds since the case began
---@field reason? string the kernel's reason, as in its enums: "NETFILTER_DROP"
---@field func? string the function of the kernel that did it
---@field state? string state of the socket
---@field before? string the state before that
---@field process? string the program that called, 15 bytes of its name
---@field from? string source address of the packet
---@field to? string destination address
---@field sport? integer source port
---@field dport? integer destination port
---@field stack? string[] functions of the kernel, innermost first

---Functions that are called with a dot.
---@class timelib
time = {}

---Seconds since the case began.
---```lua
---time.now()
---```
---@return number
function time.now() end

---The lab of this case: its nodes, its named wires and the trace.
---@class Net
---@field trace Trace What all wires saw.
---@field evidence "kernel"|"inferred" What verdicts are drawn from: the kernel's own word, or the packets alone.
---@field seed integer The case's seed.
---@field [string] any

---The parameters of the variant and the matrix cell.
---@class Variant
---@field name string The name of the variant.
---@field [string] any

---A node where endpoints live.
---@class Host
---@field name string Its name.
---@field addr string Its first address.
---@field addr4 string? Its first IPv4 address, nil if it has none.
---@field addr6 string? Its first IPv6 address, nil if it has none.
---@field addrs string[] All its addresses.
---@field counters Counters The node's counters now, by the kernel's names: server.counters.TCPAbortOnClose. A node begins with all of them 0. A counter that this kernel does not have is nil.
local Host = {}

---@class Host.ListenOptions: SocketOptions
---@field backlog? integer length of the accept queue (default 4096)
---@field addr? string the one address to listen at; all by default
---@field background? boolean the case does not wait for it to end; what it expects after the case has ended is not judged (default false)
---@field md5? MD5 TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)
---@field wire? string SO_BINDTODEVICE: only over the wire of this name
---@field fastopen? integer TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN
---@field fastopen_connect? boolean TCP_FASTOPEN_CONNECT: the first write goes in the SYN
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Opens a listening TCP socket. With a function, that is run for each connection; without, take them with accept.
---```lua
---server:listen(8080, function(conn) conn:write "hello" conn:close() end)
---```
---@param port integer where to listen
---@param handler? fun(conn: Conn) run for each connection, as a task
---@param options? Host.ListenOptions
---@return Listener
---@overload fun(self: Host, port: integer, options?: Host.ListenOptions): Listener
function Host:listen(port, handler, options) end

---@class Host.DialOptions: SocketOptions
---@field to Host|Listener|Server a host, or what listen returned
---@field port? integer where to; not needed for a listener or a server
---@field ip? integer the IP version, if there are two; 4 by default
---@field to_addr? string the address to connect to, if it is not the host's first: that of a service behind NAT, say
---@field from_addr? string source address; the kernel's choice by default
---@field from_port? integer source port; otherwise 40000 and up, the same each run
---@field timeout? Duration how long to wait (default 10s)
---@field md5? MD5 TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)
---@field wire? string SO_BINDTODEVICE: only over the wire of this name
---@field fastopen? integer TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN
---@field fastopen_connect? boolean TCP_FASTOPEN_CONNECT: the first write goes in the SYN
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Opens a TCP connection. If that fails it returns nil and the error's name.
---```lua
---local conn, err = client:dial { to = server, port = 8080 }
---```
---@param options Host.DialOptions
---@return Conn
---@return string?
function Host:dial(options) end

---@class Host.TlsOptions: ServerOptions
---@field to? Host|Listener|Server client: a host, or what tls returned on another
---@field name? string client: the name it expects; the server's own unless said
---@field verify? boolean client: the server's certificate is checked (default true)
---@field chain? Chain server: its certificate chain
---@field certificates? Chain[] server: further chains, for the names in them that a client asks for
---@field names? string[] server: the names in its certificate, besides its own
---@field ssl_buffer_size? Size server: the largest TLS record (default 16KB)
---@field ssl_protocols? string[] versions of TLS: { "TLSv1.2", "TLSv1.3" }, which is the default
---@field ssl_session_tickets? boolean sessions may be resumed (default true)
---@field http2? boolean HTTP/2 is spoken too, if the other side does
---@field close_notify? boolean connections are closed in TLS before they are in TCP (default true)
---@field port? integer where to; not needed for a listener or a server
---@field ip? integer the IP version, if there are two; 4 by default
---@field to_addr? string the address to connect to, if it is not the host's first: that of a service behind NAT, say
---@field from_addr? string source address; the kernel's choice by default
---@field from_port? integer source port; otherwise 40000 and up, the same each run
---@field timeout? Duration how long to wait (default 10s)
---@field md5? MD5 TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)
---@field wire? string SO_BINDTODEVICE: only over the wire of this name

---With port alone: starts an HTTP server over TLS, with nginx's knobs. With to: connects and begins a handshake, which goes on by itself.
---```lua
---local call = client:tls { to = site, timeout = "8s" }
---```
---@param options? Host.TlsOptions
---@return Server|Call
function Host:tls(options) end

---@class Host.ServeOptions: ServerOptions
---@field port integer where to listen

---Starts an HTTP/1.1 server, with nginx's knobs.
---```lua
---local file = server:serve { port = 80, body = ("x"):rep(30000) }
---```
---@param options Host.ServeOptions
---@return Server
function Host:serve(options) end

---@class Host.FetchOptions: SocketOptions, RequestOptions
---@field from Host|Listener|Server a server, or a host with port
---@field name? string the name it asks for and expects; the server's own unless said
---@field tls? boolean over TLS; a server that was started with tls is known
---@field resolver? Host|Router a node with a name server, which is asked for the name's address before each connection
---@field verify? boolean the server's certificate is checked against the case's authority (default true)
---@field ssl_protocols? string[] versions of TLS: { "TLSv1.2" }
---@field ssl_session_tickets? boolean sessions may be resumed (default true)
---@field http2? boolean speak HTTP/2
---@field close_notify? boolean connections are closed in TLS before they are in TCP (default true)
---@field port? integer where to; not needed for a listener or a server
---@field ip? integer the IP version, if there are two; 4 by default
---@field to_addr? string the address to connect to, if it is not the host's first: that of a service behind NAT, say
---@field from_addr? string source address; the kernel's choice by default
---@field from_port? integer source port; otherwise 40000 and up, the same each run
---@field md5? MD5 TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)
---@field wire? string SO_BINDTODEVICE: only over the wire of this name
---@field fastopen? integer TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN
---@field fastopen_connect? boolean TCP_FASTOPEN_CONNECT: the first write goes in the SYN
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Makes one HTTP request on a connection of its own, as curl does, and waits for the whole answer. A failure is in what it returns. There are no retries.
---```lua
---local got = client:fetch { from = file }
---```
---@param options Host.FetchOptions
---@return Response
function Host:fetch(options) end

---@class Host.SessionOptions: SocketOptions
---@field from Host|Listener|Server a server, or a host with port
---@field name? string the name it asks for and expects; the server's own unless said
---@field tls? boolean over TLS; a server that was started with tls is known
---@field resolver? Host|Router a node with a name server, which is asked for the name's address before each connection
---@field verify? boolean the server's certificate is checked against the case's authority (default true)
---@field ssl_protocols? string[] versions of TLS: { "TLSv1.2" }
---@field ssl_session_tickets? boolean sessions may be resumed (default true)
---@field http2? boolean speak HTTP/2
---@field close_notify? boolean connections are closed in TLS before they are in TCP (default true)
---@field port? integer where to; not needed for a listener or a server
---@field ip? integer the IP version, if there are two; 4 by default
---@field to_addr? string the address to connect to, if it is not the host's first: that of a service behind NAT, say
---@field from_addr? string source address; the kernel's choice by default
---@field from_port? integer source port; otherwise 40000 and up, the same each run
---@field timeout? Duration how long to wait (default 10s)
---@field md5? MD5 TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)
---@field wire? string SO_BINDTODEVICE: only over the wire of this name
---@field fastopen? integer TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN
---@field fastopen_connect? boolean TCP_FASTOPEN_CONNECT: the first write goes in the SYN
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Begins a client of one server that keeps its connections open between requests.
---```lua
---local browser = client:session { from = site }
---```
---@param options Host.SessionOptions
---@return Session
function Host:session(options) end

---@class Host.LoadOptions: SocketOptions, Request
---@field connections? integer how many at once at most (default 10)
---@field rate? number requests a second. Each is made at its time, even if earlier ones are not answered yet. Without a rate, a connection asks again as soon as it has an answer
---@field requests? integer how many altogether
---@field lasts? Duration for how long
---@field reuse? boolean connections are all opened first and stay open between requests; false opens one for each request (default true)
---@field timeout? Duration how long each request may take (default 10s)
---@field ssl_session_tickets? boolean connections resume one another's sessions (default false)
---@field from Host|Listener|Server a server, or a host with port
---@field name? string the name it asks for and expects; the server's own unless said
---@field tls? boolean over TLS; a server that was started with tls is known
---@field resolver? Host|Router a node with a name server, which is asked for the name's address before each connection
---@field verify? boolean the server's certificate is checked against the case's authority (default true)
---@field ssl_protocols? string[] versions of TLS: { "TLSv1.2" }
---@field close_notify? boolean connections are closed in TLS before they are in TCP (default true)
---@field port? integer where to; not needed for a listener or a server
---@field ip? integer the IP version, if there are two; 4 by default
---@field to_addr? string the address to connect to, if it is not the host's first: that of a service behind NAT, say
---@field from_addr? string source address; the kernel's choice by default
---@field md5? MD5 TCP_MD5SIG: every segment to and from a node is signed (RFC 2385)
---@field wire? string SO_BINDTODEVICE: only over the wire of this name
---@field fastopen? integer TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN
---@field fastopen_connect? boolean TCP_FASTOPEN_CONNECT: the first write goes in the SYN
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Makes many requests and waits for the last answer. Every request and every connection is counted once. Times count from when a request was due.
---```lua
---local got = client:load { from = site, connections = 100, rate = 500, lasts = "2s" }
---```
---@param options Host.LoadOptions
---@return Load
function Host:load(options) end

---@class Host.DropOptions: RuleMatch
---@field out? boolean what this node sends (default false)
---@field fwd? boolean what it passes on (default false)
---@field in? boolean what is for itself (default false)
---@field to? Host|string the receiver: a host, an address or a prefix

---Drops packets on this node, as a firewall does.
---```lua
---edge:drop { out = true, icmp = "frag-needed" }
---```
---@param options? Host.DropOptions
---@return Fault
function Host:drop(options) end

---@class Host.AcceptOptions: RuleMatch
---@field out? boolean what this node sends (default false)
---@field fwd? boolean what it passes on (default false)
---@field in? boolean what is for itself (default false)
---@field to? Host|string the receiver: a host, an address or a prefix

---Accepts packets on this node: rules after it do not see them.
---```lua
---edge:accept { fwd = true, tcp = 443 }
---```
---@param options? Host.AcceptOptions
---@return Fault
function Host:accept(options) end

---@class Host.RejectOptions: RuleMatch
---@field out? boolean what this node sends (default false)
---@field fwd? boolean what it passes on (default false)
---@field in? boolean what is for itself (default false)
---@field to? Host|string the receiver: a host, an address or a prefix
---@field with? "tcp-reset"|"net-unreachable"|"host-unreachable"|"proto-unreachable"|"port-unreachable"|"net-prohibited"|"host-prohibited"|"admin-prohibited" what it says (default "port-unreachable")

---Drops packets on this node and answers them: with a TCP reset, or an ICMP error.
---```lua
---edge:reject { fwd = true, tcp = 81, with = "tcp-reset" }
---```
---@param options? Host.RejectOptions
---@return Fault
function Host:reject(options) end

---@class Host.Clamp_mssOptions: RuleMatch
---@field [1]? "path"|integer
---@field to? Host|string the receiver: a host, an address or a prefix
---@field mss? "path"|integer "path" or bytes

---Rewrites the MSS of connections that pass: to a number, or to what the path takes.
---```lua
---edge:clamp_mss "path"
---```
---@param options Host.Clamp_mssOptions
---@return Fault
---@overload fun(self: Host, mss: "path"|integer, options?: Host.Clamp_mssOptions): Fault
function Host:clamp_mss(options) end

---@class Host.NotrackOptions: RuleMatch
---@field to? Host|string the receiver: a host, an address or a prefix
---@field out? boolean what this node sends, instead of what reaches it (default false)

---Packets pass without their connection being tracked.
---```lua
---gateway:notrack { tcp = 443 }
---```
---@param options? Host.NotrackOptions
---@return Fault
function Host:notrack(options) end

---@class Host.ZoneOptions: RuleMatch
---@field to? Host|string the receiver: a host, an address or a prefix
---@field out? boolean what this node sends, instead of what reaches it (default false)
---@field id integer number of the zone

---Packets are tracked in a zone of connection tracking of their own.
---```lua
---gateway:zone { id = 5, iif = net.left }
---```
---@param options Host.ZoneOptions
---@return Fault
function Host:zone(options) end

---@class Host.MarkOptions: RuleMatch
---@field to? Host|string the receiver: a host, an address or a prefix
---@field out? boolean what this node sends, instead of what reaches it (default false)
---@field set integer the mark they get

---Marks packets before they are routed, for policies and other rules.
---```lua
---edge:mark { set = 7, tcp = 443 }
---```
---@param options Host.MarkOptions
---@return Fault
function Host:mark(options) end

---@class Host.RuleOptions
---@field name? string shown in the trace and in messages
---@field optional? boolean the fault may hit nothing; without this, a fault that hits nothing fails the case (default false)

---Installs a rule in the words of nft(8), for what the other verbs cannot say. A counter is added.
---```lua
---edge:rule("forward", "tcp dport 443 ct state invalid drop")
---```
---@param chain "dstnat"|"dstnat_output"|"forward"|"input"|"mangle"|"mangle_prerouting"|"output"|"postrouting"|"prerouting"|"raw"|"raw_output"|"route_output"|"srcnat" where it stands
---@param text string what it matches and does
---@param options? Host.RuleOptions
---@return Fault
function Host:rule(chain, text, options) end

---@class Host.RedirectOptions: RuleMatch
---@field dst? Host|string whom they were sent to: a host, an address or a prefix
---@field out? boolean what this node sends, instead of what reaches it (default false)
---@field to integer the port they get

---Sends connections to one port on to another port of this node, as REDIRECT does.
---```lua
---gateway:redirect { tcp = 443, to = 8443 }
---```
---@param options Host.RedirectOptions
---@return Fault
function Host:redirect(options) end

---@class Host.DnatOptions: RuleMatch
---@field dst? Host|string whom they were sent to: a host, an address or a prefix
---@field out? boolean what this node sends, instead of what reaches it (default false)
---@field to Host|string the address they get: a host's first, or one as text
---@field port? integer|string|boolean the port they get

---Sends connections on to another address, and port if one is given.
---```lua
---gateway:dnat { tcp = 443, to = net.server, port = 8443 }
---```
---@param options Host.DnatOptions
---@return Fault
function Host:dnat(options) end

---@class Host.SnatOptions: RuleMatch
---@field dst? Host|string whom they were sent to: a host, an address or a prefix
---@field to Host|string the source address they get
---@field port? integer|string|boolean the source port they get, or a range

---Gives packets that leave another source address, and another port if one is given.
---```lua
---gateway:snat { oif = net.wan, to = "203.0.113.7" }
---```
---@param options Host.SnatOptions
---@return Fault
function Host:snat(options) end

---@class Host.MasqueradeOptions: RuleMatch
---@field dst? Host|string whom they were sent to: a host, an address or a prefix
---@field port? integer|string|boolean the source port they get, or a range; of TCP or UDP alone
---@field random? boolean source ports are drawn by chance (default false)
---@field fully_random? boolean source ports are drawn by chance, by the kernel's best generator (default false)

---Gives packets that leave the address of the device that they leave by.
---```lua
---gateway:masquerade { oif = net.wan, tcp = true, port = 5000 }
---```
---@param options? Host.MasqueradeOptions
---@return Fault
function Host:masquerade(options) end

---@class Host.ConntrackOptions
---@field src? Host|string where it came from
---@field dst? Host|string where it went to
---@field sport? integer source port as it came
---@field dport? integer destination port as it came
---@field proto? "tcp"|"udp"|"icmp"|"icmpv6" its protocol
---@field state? string of TCP, as the kernel names it: ESTABLISHED, TIME_WAIT
---@field zone? integer its zone
---@field mark? integer its mark

---The first tracked connection that matches, nil if there is none.
---```lua
---gateway:conntrack { sport = 40000, dport = 443 }
---```
---@param options? Host.ConntrackOptions
---@return Conntrack
function Host:conntrack(options) end

---@class Host.TrackedOptions
---@field src? Host|string where it came from
---@field dst? Host|string where it went to
---@field sport? integer source port as it came
---@field dport? integer destination port as it came
---@field proto? "tcp"|"udp"|"icmp"|"icmpv6" its protocol
---@field state? string of TCP, as the kernel names it: ESTABLISHED, TIME_WAIT
---@field zone? integer its zone
---@field mark? integer its mark

---The tracked connections that match, as a list.
---```lua
---#gateway:tracked { proto = "tcp" }
---```
---@param options? Host.TrackedOptions
---@return Conntrack[]
function Host:tracked(options) end

---@class Host.ForgetOptions
---@field src? Host|string where it came from
---@field dst? Host|string where it went to
---@field sport? integer source port as it came
---@field dport? integer destination port as it came
---@field proto? "tcp"|"udp"|"icmp"|"icmpv6" its protocol
---@field zone? integer its zone
---@field mark? integer its mark

---Makes the node forget the tracked connections that match, or all of them without options. Returns how many there were.
---```lua
---gateway:forget { dport = 443 }
---```
---@param options? Host.ForgetOptions
---@return integer
function Host:forget(options) end

---@class Host.TrackOptions
---@field be_liberal? boolean TCP segments out of the window are not invalid, but for resets
---@field loose? boolean connections are picked up in their middle
---@field ignore_invalid_rst? boolean resets out of the window are passed, not invalid
---@field timeouts? table<string,Duration> how long connections are remembered, by state: established, time_wait, …, udp, icmp

---Makes the node track connections, and says how. Otherwise a node tracks only if one of its rules needs it.
---```lua
---gateway:track { be_liberal = true, timeouts = { established = "10s", time_wait = "1s" } }
---```
---@param options? Host.TrackOptions
function Host:track(options) end

---@class Host.RouteOptions: Route
---@field delete? boolean takes the route away (default false)
---@field spread? "address"|"flow"|"packet" how several neighbours share the traffic: by addresses, by addresses and ports, or each packet by itself

---Adds a route, or replaces the one to the same prefix. Over several neighbours it shares the traffic between them.
---```lua
---edge:route { to = "default", via = { "left", "right" }, spread = "flow" }
---```
---@param options Host.RouteOptions
function Host:route(options) end

---@class Host.PolicyOptions
---@field table integer the table that is asked
---@field from? string of packets from here
---@field to? string of packets to here
---@field mark? integer of packets that a rule has marked
---@field iif? Wire|string of packets that came by this wire
---@field priority? integer rules with lower ones are asked first

---Adds a rule that says which routing table is asked (ip-rule(8)).
---```lua
---edge:policy { from = "10.0.1.0/24", table = 100 }
---```
---@param options Host.PolicyOptions
function Host:policy(options) end

---Reads a kernel setting of this node, or sets it.
---```lua
---server:sysctl("net.ipv4.tcp_mtu_probing", 1)
---```
---@param name string dotted, below net.
---@param value? any a string or a number
---@return string
function Host:sysctl(name, value) end

---@class Host.SocketsOptions
---@field state? string a state of TCP, as the kernel names it: "TIME_WAIT"
---@field proto? "tcp"|"udp" tcp or udp
---@field port? integer either port
---@field sport? integer its own port
---@field dport? integer the peer's port

---The node's sockets that match, as the kernel lists them (sock_diag): a table each.
---```lua
---#server:sockets { state = "ESTABLISHED", port = 443 }
---```
---@param options? Host.SocketsOptions
---@return SocketState[]
function Host:sockets(options) end

---@class Host.EventsOptions
---@field kind? "drop"|"reset"|"reset-received"|"retransmit" what happened
---@field reason? string the kernel's reason, as in its enums without the prefix
---@field port? integer either port
---@field tcp? boolean of TCP only

---Waits until the wires are idle, and returns what the node's kernel did: a list of events, in order. It is nil if netrepro may not ask the kernel (see net.evidence).
---```lua
---for _, e in ipairs(server:events { kind = "drop" }) do print(e.reason, e.func) end
---```
---@param options? Host.EventsOptions
---@return KernelEvents?
function Host:events(options) end

---@class Host.RunOptions: ProgramOptions
---@field [integer] string

---Runs a program to its end, in the node's network, with the lab's names and authority. If it does not end in time, it is killed with all that it started.
---```lua
---local curl = client:run { "curl", "-sS", "https://server/" }
---```
---@param options Host.RunOptions
---@return Exit
function Host:run(options) end

---@class Host.StartOptions: ProgramOptions
---@field [integer] string
---@field ready? Ready when it is: { port = 80 }, { udp = 53 }, or { line = "listening" }

---Starts a program and waits until it is ready. It ends with the case, and so does all that it started.
---```lua
---local web = server:start { "nginx", "-c", "$DIR/nginx.conf", ready = { port = 80 } }
---```
---@param options Host.StartOptions
---@return Process
function Host:start(options) end

---@class Host.PingOptions
---@field [1]? Host|Router|string
---@field to? Host|Router|string a node or an address
---@field count? integer how many (default 1)
---@field size? integer bytes of ICMP payload (default 56)
---@field interval? Duration between an answer and the next (default 0s)
---@field ttl? integer time to live
---@field tos? integer DSCP and ECN bits
---@field df? true|"probe" true sets DF and obeys the path MTU that is known; "probe" sets DF and ignores it
---@field timeout? Duration for each (default 1s)
---@field ip? integer the IP version, if there are two; 4 by default
---@field from_addr? string source address; the kernel's choice by default

---Sends ICMP echo requests, one after the other, and returns what came of them: sent, received, lost, min, avg, max, and replies, a table each.
---```lua
---local p = client:ping { to = server, count = 3 }
---```
---@param options Host.PingOptions
---@return PingResult
---@overload fun(self: Host, to: Host|Router|string, options?: Host.PingOptions): PingResult
function Host:ping(options) end

---@class Host.TracerouteOptions
---@field [1]? Host|Router|string
---@field to? Host|Router|string a node or an address
---@field by? "udp"|"icmp"|"tcp" what is sent (default udp)
---@field port? integer by default 33434 for UDP and 443 for TCP
---@field tries? integer at each hop (default 3)
---@field hops? integer at most (default 30)
---@field vary? boolean another port for each probe, so that ECMP sends them over all its next hops
---@field timeout? Duration for each (default 1s)
---@field ip? integer the IP version, if there are two; 4 by default
---@field from_addr? string source address; the kernel's choice by default

---Traces the path to a node, as mtr shows it: a table for each hop with node, from, loss, best, avg, worst, siblings and replies; reached says that the last is the target.
---```lua
---for i, hop in ipairs(client:traceroute { to = server, by = "tcp" }) do print(i, hop.node, hop.loss) end
---```
---@param options Host.TracerouteOptions
---@return Hops
---@overload fun(self: Host, to: Host|Router|string, options?: Host.TracerouteOptions): Hops
function Host:traceroute(options) end

---@class Host.Path_mtuOptions
---@field [1]? Host|Router|string
---@field to? Host|Router|string a node or an address
---@field first? integer the largest size that is tried; by default the MTU of its own device
---@field timeout? Duration for each size (default 300ms)
---@field ip? integer the IP version, if there are two; 4 by default

---Finds the path MTU to a node by echo requests that must not be fragmented. Returns a table: mtu, nil if nothing is answered; told, whether the narrow place says so, and node, which it is; black_hole, if larger packets vanish. What the path says, the host learns: TCP then sends smaller segments, and a transfer that should hang does not. So measure after it, or from another host.
---```lua
---expect(client:path_mtu(server).mtu):equals(1400)
---```
---@param options Host.Path_mtuOptions
---@return PathMTU
---@overload fun(self: Host, to: Host|Router|string, options?: Host.Path_mtuOptions): PathMTU
function Host:path_mtu(options) end

---@class Host.Tcp_pingOptions
---@field to Host|Router|string a node or an address
---@field port integer where to
---@field count? integer how many (default 1)
---@field interval? Duration between two (default 0s)
---@field timeout? Duration for each (default 1s)
---@field ip? integer the IP version, if there are two; 4 by default
---@field from_addr? string source address; the kernel's choice by default

---Opens TCP connections one after the other and closes each at once. Returns a table for each: time, or error.
---```lua
---expect(client:tcp_ping({ to = server, port = 443 })[1].error):is_nil()
---```
---@param options Host.Tcp_pingOptions
---@return Connect[]
function Host:tcp_ping(options) end

---@class Host.DnsOptions
---@field port? integer where to listen (default 53)
---@field names? table<string,Host|string|Record> what is answered, by name

---Starts a name server. It knows every node by its name, and the names that you give it. Programs that start later ask it.
---```lua
---local names = net.server:dns { names = { ["api.test"] = net.server } }
---```
---@param options? Host.DnsOptions
---@return NameServer
function Host:dns(options) end

---@class Host.ResolveOptions
---@field [1]? string
---@field name? string what to look up
---@field at Host|Router|string the name server
---@field port? integer where it listens (default 53)
---@field ip? integer the version of the address; 4 by default
---@field attempt? Duration for each attempt (default 5s)
---@field tries? integer attempts (default 2)
---@field timeout? Duration altogether (default 30s)

---Asks a name server for the address of a name, as the C library does: twice, five seconds each. Returns the address, or nil and the error's name.
---```lua
---local addr, err = client:resolve { "api.test", at = net.server }
---```
---@param options Host.ResolveOptions
---@return string
---@return string?
---@overload fun(self: Host, name: string, options?: Host.ResolveOptions): string, string?
function Host:resolve(options) end

---@class Host.UdpOptions: DatagramOptions
---@field port? integer its own port; otherwise 40000 and up, the same each run
---@field to_port? integer the port it is connected to
---@field to? Host|Router|string whom it is connected to; then it takes messages from there only, and is told of ICMP errors
---@field ip? integer the IP version, if there are two; 4 by default
---@field from_addr? string source address; the kernel's choice by default
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Opens a UDP socket.
---```lua
---local s = server:udp { port = 53 }
---```
---@param options? Host.UdpOptions
---@return Datagram
function Host:udp(options) end

---@class Host.IcmpOptions: DatagramOptions
---@field to? Host|Router|string whom it is connected to; then it takes messages from there only, and is told of ICMP errors
---@field ip? integer the IP version, if there are two; 4 by default
---@field from_addr? string source address; the kernel's choice by default
---@field transparent? boolean IP_TRANSPARENT: addresses of others may be bound to
---@field freebind? boolean IP_FREEBIND: addresses that are not there yet may be bound to
---@field reuseport? boolean SO_REUSEPORT: several sockets share a port

---Opens a raw ICMP socket: messages begin with the ICMP header.
---```lua
---local s = server:icmp {}
---```
---@param options? Host.IcmpOptions
---@return Datagram
function Host:icmp(options) end

---@class Host.BoxOptions
---@field name? string shown in the trace and in messages

---Runs a function on every packet that reaches this node. It may drop, change and answer packets, make new ones, and keep state in locals. Return false to drop.
---```lua
---edge:box(function(pkt) if pkt.dport == 81 then pkt:answer { flags = "R." } return false end end)
---```
---@param body fun(pkt: Passing): boolean? function(pkt): false drops the packet, anything else lets it pass
---@param options? Host.BoxOptions
---@return Fault
function Host:box(body, options) end

---@class Host.Lookup_missOptions
---@field port integer the port that the segments are for
---@field tcp "data"|"fin"|"ack" which segments: with payload, with FIN, or acknowledgements with neither
---@field sport? integer the port they come from
---@field nth? integer the first of them that misses (default 1)
---@field times? integer how many miss (default 1)
---@field name? string shown in the trace and in messages
---@field optional? boolean the fault may hit nothing; without this, a fault that hits nothing fails the case (default false)

---Makes the node's kernel give a segment to the listener of its port and not to its connection, as if another processor moved the connection in the socket table at that moment. Returns nil and the reason if programs may not be loaded into the kernel.
---```lua
---local race, why = server:lookup_miss { port = 443, tcp = "data" }
---```
---@param options Host.Lookup_missOptions
---@return Fault
---@return string?
function Host:lookup_miss(options) end

---A node that forwards, filters and rewrites.
---@class Router: Host
---@field name string Its name.
---@field addr string Its first address.
---@field addr4 string? Its first IPv4 address, nil if it has none.
---@field addr6 string? Its first IPv6 address, nil if it has none.
---@field addrs string[] All its addresses.
---@field counters Counters The node's counters now, by the kernel's names: server.counters.TCPAbortOnClose. A node begins with all of them 0. A counter that this kernel does not have is nil.

---A node that bridges its wires.
---@class Switch
---@field name string Its name.
local Switch = {}

---Where the switch has learned that MAC addresses are: a list of { mac, wire, vlan }.
---```lua
---#net.lan:fdb()
---```
---@return LearnedAddress[]
function Switch:fdb() end

---Makes the switch forget where MAC addresses are. Frames for them are flooded again.
---```lua
---net.lan:forget()
---```
function Switch:forget() end

---A link between two nodes.
---@class Wire
---@field name string Its name.
---@field delay number One way, in seconds.
local Wire = {}

---@class Wire.DropOptions: PassingMatch, FaultOptions

---Drops the packets that match. Counted per connection, in order of arrival at this wire; what an earlier fault dropped or held is not counted.
---```lua
---net.wan:drop { from = net.server, tcp = "data", nth = 3 }
---```
---@param options? Wire.DropOptions
---@return Fault
function Wire:drop(options) end

---@class Wire.LossOptions: PassingMatch, Chance
---@field [1]? Percent
---@field name? string shown in the trace and in messages

---Drops packets by chance, from the case's seed: independently, in bursts, or by Gilbert and Elliott's chain.
---```lua
---net.wan:loss { "1%", burst = 3, from = net.server }
---```
---@param options? Wire.LossOptions
---@return Fault
---@overload fun(self: Wire, rate: Percent, options?: Wire.LossOptions): Fault
function Wire:loss(options) end

---@class Wire.DelayOptions: PassingMatch, FaultOptions
---@field by Duration how much later
---@field jitter? Duration up to this much more or less, drawn from the case's seed

---The packets that match arrive later than the wire's own delay says; others overtake them.
---```lua
---net.wan:delay { by = "80ms", from = net.server, tcp = "data", nth = 2 }
---```
---@param options Wire.DelayOptions
---@return Fault
function Wire:delay(options) end

---@class Wire.DuplicateOptions: PassingMatch, FaultOptions
---@field copies? integer how many more (default 1)
---@field gap? Duration between one and the next (default 0ms)

---The packets that match arrive more than once.
---```lua
---net.wan:duplicate { from = net.server, tcp = "data", nth = 2 }
---```
---@param options? Wire.DuplicateOptions
---@return Fault
function Wire:duplicate(options) end

---@class Wire.ReorderOptions: PassingMatch, FaultOptions
---@field behind? integer how many others go first (default 1)
---@field most? Duration how long it waits for them at most (default 1s)

---The packets that match arrive behind the next ones that match in the same direction.
---```lua
---net.wan:reorder { from = net.server, tcp = "data", nth = 2, behind = 3 }
---```
---@param options? Wire.ReorderOptions
---@return Fault
function Wire:reorder(options) end

---@class Wire.HoldOptions: PassingMatch, FaultOptions
---@field till? Fault|PassingMatch a packet on the wire that lets all go, behind itself
---@field most? Duration how long each is held at most; without it, until it is released

---Holds back the packets that match until they are released: one by one or all, in any order.
---```lua
---local frozen = net.wan:hold { from = net.server, tcp = "fin" }
---```
---@param options? Wire.HoldOptions
---@return Fault
function Wire:hold(options) end

---@class Wire.CorruptOptions: PassingMatch, FaultOptions
---@field layer? "frame"|"ip"|"transport"|"payload" where bytes are counted from: the payload by default. If a packet has no payload and you name no byte, the header before it
---@field byte? integer which byte, from 0; by default drawn from the case's seed
---@field xor? integer which of its bits are flipped; by default one, drawn from the seed
---@field checksum? "mended"|"kept" whether checksums are made to fit (default "kept")

---Flips bits of the packets that match. The checksums stay, so that the receiver notices, unless you ask to mend them.
---```lua
---net.wan:corrupt { from = net.server, tcp = "data", nth = 2, byte = 10 }
---```
---@param options? Wire.CorruptOptions
---@return Fault
function Wire:corrupt(options) end

---@class Wire.TruncateOptions: PassingMatch, FaultOptions
---@field bytes integer of the IP packet that are left
---@field checksum? "mended"|"kept" whether lengths and checksums are made to fit (default "kept")

---Cuts the packets that match short. Their lengths and checksums still tell of the whole packet, unless you ask to mend them.
---```lua
---net.wan:truncate { bytes = 100, from = net.server, tcp = "data", nth = 2 }
---```
---@param options Wire.TruncateOptions
---@return Fault
function Wire:truncate(options) end

---@class Wire.RewriteOptions: PassingMatch, FaultOptions
---@field set Settings fields and what they become: a value, "+1" or "-1" to add, false to take a TCP option away
---@field checksum? "mended"|"kept" whether checksums are made to fit (default "mended")

---Changes header fields of the packets that match, and mends their checksums.
---```lua
---net.wan:rewrite { from = net.client, tcp = "syn", set = { mss = 1200, wscale = false, ttl = "-1" } }
---```
---@param options Wire.RewriteOptions
---@return Fault
function Wire:rewrite(options) end

---@class Wire.ReplaceOptions: PassingMatch, FaultOptions
---@field with? string what the payload becomes; lengths and checksums are made to fit
---@field ip? string what the IP packet becomes, header and all, as it is given

---Replaces the packets that match: by one with another payload, or by other bytes altogether.
---```lua
---net.wan:replace { from = net.server, http = "HTTP/1.1 200", with = "HTTP/1.1 500 no\r\n\r\n" }
---```
---@param options? Wire.ReplaceOptions
---@return Fault
function Wire:replace(options) end

---@class Wire.SetOptions: WireSettings

---Changes the wire for what enters it from now on.
---```lua
---net.wan:set { delay = "200ms", rate = "1Mbit", queue = "32KB" }
---```
---@param options? Wire.SetOptions
function Wire:set(options) end

---@class Wire.DownOptions
---@field carrier? boolean the devices at both ends see it (default false)

---Lets nothing pass in either direction. With carrier = true, the devices at both ends lose their carrier too, and what is on its way is lost: the trace shows it as dropped at the end that it would have reached.
---```lua
---net.wan:down()
---```
---@param options? Wire.DownOptions
function Wire:down(options) end

---Lets frames pass again after down.
---```lua
---net.wan:up()
---```
function Wire:up() end

---@class Wire.InjectOptions: PacketFields
---@field toward? Host|Router who gets it; with conn, one end of it
---@field from? Host|Router who the packet pretends to be from; of an ICMP error, who complains
---@field conn? Conn|Call|Response the connection it pretends to belong to
---@field packet? Packet an earlier packet, sent again as it was
---@field set? Settings of an earlier packet: what is changed
---@field quote? Packet|Conn of an ICMP error: the packet it complains about, or a connection whose last packet it is
---@field ip? string a whole IP packet, header and all, as it is given
---@field name? string shown in the trace and in messages

---Makes a forged packet arrive at an end of the wire, as if it came from the other end. With conn it fits that connection exactly, unless you say otherwise. Returns its numbers.
---```lua
---net.wan:inject { conn = conn, toward = client, flags = "R" }
---```
---@param options? Wire.InjectOptions
---@return Injected
function Wire:inject(options) end

---@class Wire.BoxOptions
---@field name? string shown in the trace and in messages

---Runs a function on every packet that enters the wire. It may drop, change and answer packets, make new ones, and keep state in locals. Return false to drop.
---```lua
---net.wan:box(function(pkt) if pkt.ttl == 1 then return false end end)
---```
---@param body fun(pkt: Passing): boolean? function(pkt): false drops the packet, anything else lets it pass
---@param options? Wire.BoxOptions
---@return Fault
function Wire:box(body, options) end

---A rule that breaks something, and what it hit.
---@class Fault
---@field hits integer How many packets it hit so far.
---@field seq integer? Relative sequence number of the first segment hit, nil if none.
---@field len integer? Sequence space of the first segment hit, nil if none.
---@field name string What it is called in messages.
---@field held integer Of a hold: how many packets it holds now.
local Fault = {}

---@class Fault.ReleaseOptions
---@field [1]? integer|integer[]
---@field [integer] integer|integer
---@field places? integer|integer[] a place from 1, or several
---@field now? boolean they arrive at once, and overtake what is on its way (default false)

---Of a hold: lets packets go, all or by their places among those held now, in that order. Each leaves as if it were sent then: it takes the wire's delay and overtakes nothing.
---```lua
---frozen:release { 2, 1 }
---```
---@param options? Fault.ReleaseOptions
---@overload fun(self: Fault, places: integer|integer[], options?: Fault.ReleaseOptions)
function Fault:release(options) end

---@class Fault.WaitOptions
---@field timeout? Duration how long to wait (default 10s)

---Of a hold: waits until so many packets were held in all. Returns true, or nil and "timeout".
---```lua
---frozen:wait(2)
---```
---@param n? integer how many; 1 by default
---@param options? Fault.WaitOptions
---@return boolean
---@return string?
---@overload fun(self: Fault, options?: Fault.WaitOptions): boolean, string?
function Fault:wait(n, options) end

---Ends the fault: nothing is hit any more. What it holds stays held.
---```lua
---lost:disarm()
---```
function Fault:disarm() end

---A function that runs beside the rest.
---@class Task
local Task = {}

---Waits for it to end.
---```lua
---t:wait()
---```
function Task:wait() end

---A node, before it is put in a topology.
---@class Node.Part

---A wire, before it is put in a topology.
---@class Wire.Part

---A tunnel, before it is put in a topology.
---@class Tunnel.Part

---Nodes and the wires between them.
---@class Topology

---What the wires saw: every packet where it left a node and where it arrived. :at(node) is one vantage point.
---@class Trace
---@field [integer] Packet?
---@operator len: integer
local Trace = {}

---What the devices of one node saw.
---```lua
---net.trace:at(net.server)
---```
---@param node Host|Router a node
---@return Trace
function Trace:at(node) end

---@class Trace.TcpOptions: Match

---The TCP segments among them that match.
---```lua
---net.trace:tcp { from = net.server }
---```
---@param options? Trace.TcpOptions
---@return Trace
function Trace:tcp(options) end

---What two nodes said to each other.
---```lua
---net.trace:between(net.client, net.server)
---```
---@param a Host|Router a node
---@param b Host|Router another
---@return Trace
function Trace:between(a, b) end

---One connection, on both sides of a NAT.
---```lua
---net.trace:conn(call)
---```
---@param conn Conn|Call|Response what dial, tls or fetch returned
---@return Trace
function Trace:conn(conn) end

---Each TCP connection in it, in the order they began, once the wires are idle. One that a NAT translates is two: before and behind it.
---```lua
---#net.trace:connections()
---```
---@return Trace[]
function Trace:connections() end

---@class Trace.PacketsOptions: Match

---The packets that match, as a list, once the wires are idle.
---```lua
---for _, p in ipairs(net.trace:packets { tcp = "rst" }) do print(p) end
---```
---@param options? Trace.PacketsOptions
---@return Packet[]
function Trace:packets(options) end

---@class Trace.CountOptions: Match

---How many packets match, once the wires are idle.
---```lua
---net.trace:count { tcp = "rexmit" }
---```
---@param options? Trace.CountOptions
---@return integer
function Trace:count(options) end

---Waits until the wires are idle, and says in words how this trace differs from another in what it means. The list is empty if they mean the same.
---```lua
---for _, d in ipairs(b:differences(a)) do print(d) end
---```
---@param trace Trace the other
---@return string[]
function Trace:differences(trace) end

---One packet at one capture point. Numbers are relative.
---@class Packet
---@field n integer Frame number in trace.pcapng.
---@field time number Seconds since the trace began.
---@field at string Capture point, node/wire.
---@field from string Sender: a node, or an address.
---@field to string Receiver: a node, or an address.
---@field flags string TCP flags as tcpdump writes them.
---@field seq integer Relative sequence number.
---@field ack integer Relative acknowledgement number.
---@field len integer Bytes of payload.
---@field win integer Window as on the wire, unscaled.
---@field mss integer MSS option, 0 if absent.
---@field ttl integer Time to live.
---@field ip_len integer Length of the IP packet.
---@field sport integer Source port.
---@field dport integer Destination port.
---@field rexmit integer? How often its sequence space was sent before; nil if it never was.
---@field syn boolean SYN is set.
---@field rst boolean RST is set.
---@field verdict string? Of a reset: who sent it and why, nil for all else.
---@field kernel_drop string? Why the kernel of the node it arrived at threw it away; nil if it did not, or if netrepro may not ask the kernel.
---@field timer string? Of a retransmission: the function of its sender's kernel that sent it, where it was asked.
---@field original string? Of a retransmission: what became of what it sends again, lost or arrived, where that is known.
---@field left boolean It left the node here; else it arrived.
---@field fault string? What a fault did to it besides dropping it, or who forged it; nil if nothing was done.
---@field queued integer Bytes that waited before it on a wire with a rate.
---@field dropped string? What dropped it, nil if nothing did.
---@field payload string The payload, as far as the trace keeps it.
---@field src_mac integer|string|boolean? Of Ethernet: source MAC address; nil if it has none.
---@field dst_mac integer|string|boolean? Of Ethernet: destination MAC address; nil if it has none.
---@field ether_type integer|string|boolean? Of Ethernet: EtherType, or that of the 802.1Q tag; nil if it has none.
---@field vlan integer|string|boolean? Of an 802.1Q tag: VLAN of the 802.1Q tag; nil if it has none.
---@field pcp integer|string|boolean? Of an 802.1Q tag: priority of the 802.1Q tag; nil if it has none.
---@field src integer|string|boolean? Of IP: source address; nil if it has none.
---@field dst integer|string|boolean? Of IP: destination address; nil if it has none.
---@field dscp integer|string|boolean? Of IP: differentiated services code point (RFC 2474); nil if it has none.
---@field ecn integer|string|boolean? Of IP: explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion (RFC 3168); nil if it has none.
---@field ip_id integer|string|boolean? Of IPv4: identification; nil if it has none.
---@field df integer|string|boolean? Of IPv4: don't fragment; nil if it has none.
---@field mf integer|string|boolean? Of IP: more fragments; nil if it has none.
---@field frag_offset integer|string|boolean? Of IP: fragment offset, in units of 8 bytes; nil if it has none.
---@field flow_label integer|string|boolean? Of IPv6: flow label; nil if it has none.
---@field proto integer|string|boolean? Of IP: transport protocol number; nil if it has none.
---@field urgent integer|string|boolean? Of TCP: urgent pointer; nil if it has none.
---@field wscale integer|string|boolean? Of TCP: window scale option: the shift; nil if it has none.
---@field tsval integer|string|boolean? Of TCP: timestamp option: the sender's clock; nil if it has none.
---@field tsecr integer|string|boolean? Of TCP: timestamp option: the clock it echoes; nil if it has none.
---@field timestamps integer|string|boolean? Of TCP: there is a timestamp option; nil if it has none.
---@field sack_permitted integer|string|boolean? Of TCP: there is a SACK-permitted option; nil if it has none.
---@field sack integer|string|boolean? Of TCP: there is a SACK option; nil if it has none.
---@field icmp_type integer|string|boolean? Of ICMP: ICMP or ICMPv6 type; nil if it has none.
---@field icmp_code integer|string|boolean? Of ICMP: ICMP or ICMPv6 code; nil if it has none.
---@field icmp_id integer|string|boolean? Of ICMP: identifier of an echo; nil if it has none.
---@field icmp_seq integer|string|boolean? Of ICMP: sequence number of an echo; MTU of fragmentation needed; nil if it has none.

---What is expected of a trace.
---@class Expectation
local Expectation = {}

---@class Expectation.IncludesOptions: Match
---@field times? integer|string how many: 3 or ">= 3" (default >= 1)

---A matching packet is there.
---```lua
---expect(net.trace):includes { tcp = "rexmit", seq = 1 }
---```
---@param options? Expectation.IncludesOptions
function Expectation:includes(options) end

---@class Expectation.NeverOptions: Match

---No packet matches, until the wires are idle.
---```lua
---expect(net.trace):never { tcp = "rto" }
---```
---@param options? Expectation.NeverOptions
function Expectation:never(options) end

---@class Expectation.ExactlyOptions: Match

---Exactly this many packets match.
---```lua
---expect(net.trace:at(net.client)):exactly(2, { tcp = "syn" })
---```
---@param n integer how many
---@param options? Expectation.ExactlyOptions
function Expectation:exactly(n, options) end

---Packets come in this order; others may come between.
---```lua
---expect(net.trace:at(net.client)):sequence { { tcp = "syn" }, { tcp = "synack", within = "1s" } }
---```
---@param rows Row[] matches in order, with times and within
function Expectation:sequence(rows) end

---The exchange reads as written: one packet a line, from the first on; ... lets any pass.
---```lua
---expect(net.trace:at(net.server)):reads [[
---  client > server  S
---  server > client  S.
---  ...
---  server > client  R.  within 50ms
---]]
---```
---@param text string SRC > DST FLAGS [seq N] [ack N] [len N|A..B] [rexmit] [tls NAME] [rst CAUSE] [xN|x>=N] [within D]
function Expectation:reads(text) end

---@class Expectation.RetransmitsOptions: Match
---@field times? integer|string how many: 3 or ">= 3" (default >= 1)
---@field backoff? "exponential" how the gaps between timeouts grow

---A segment is sent again, as seen at one capture point.
---```lua
---expect(net.trace:at(net.server)):retransmits { seq = 1, times = ">= 4", backoff = "exponential" }
---```
---@param options? Expectation.RetransmitsOptions
function Expectation:retransmits(options) end

---@class Expectation.EveryOptions: Match

---Begins an expectation of all packets that match, of which there must be one; has says what they must have.
---```lua
---expect(net.trace):every { tcp = "syn" }:has { sport = 40000 }
---```
---@param options? Expectation.EveryOptions
---@return Every
function Expectation:every(options) end

---What comes after the first packet that matches.
---```lua
---expect(net.trace):after({ tcp = "fin" }):never { tcp = "data" }
---```
---@param match Match the packet before the part
---@return Expectation
function Expectation:after(match) end

---What comes before the first packet that matches.
---```lua
---expect(net.trace):before({ tcp = "rst" }):includes { tcp = "data" }
---```
---@param match Match the packet after the part
---@return Expectation
function Expectation:before(match) end

---What comes between two packets: the first that matches, and the first after it that matches the second.
---```lua
---expect(net.trace):between({ tcp = "synack" }, { tcp = "fin" }):exactly(1, { tcp = "rexmit" })
---```
---@param first Match the packet before the part
---@param last Match the packet after it
---@return Expectation
function Expectation:between(first, last) end

---What comes after the first packet that matches, for this long.
---```lua
---expect(net.trace):within("50ms", { tcp = "rto" }):includes { tcp = "ack" }
---```
---@param time Duration how long the part is
---@param match Match the packet before the part
---@return Expectation
function Expectation:within(time, match) end

---Every connection by itself, and at least one.
---```lua
---expect(net.trace:at(net.client)):each_connection():exactly(1, { tcp = "syn" })
---```
---@return Expectation
function Expectation:each_connection() end

---@class Expectation.StallsOptions
---@field from Host|Router the sender
---@field longer Duration how long at least
---@field conn? Conn|Call|Response one connection
---@field times? integer|string how many: 3 or ">= 3" (default >= 1)

---The stream that a sender's peer receives in order stops for this long, somewhere between its first and its last byte.
---```lua
---expect(net.trace):stalls { from = net.server, longer = "200ms" }
---```
---@param options Expectation.StallsOptions
function Expectation:stalls(options) end

---@class Expectation.FlowsOptions
---@field from Host|Router the sender
---@field longer Duration how long is too long
---@field conn? Conn|Call|Response one connection

---A sender's peer receives a stream in order, which never stops for this long; nor does it stop for good before all that was sent is there.
---```lua
---expect(net.trace):flows { from = net.server, longer = "200ms" }
---```
---@param options Expectation.FlowsOptions
function Expectation:flows(options) end

---Only faults drop packets: everything else that leaves a node arrives, and routers send on what they receive.
---```lua
---expect(net.trace):lossless()
---```
function Expectation:lossless() end

---It means the same as another trace: the same events in the same order, for the same reasons.
---```lua
---expect(net.trace:at(net.client)):same_as(net.trace:at(net.server))
---```
---@param trace Trace another trace, or part of one
function Expectation:same_as(trace) end

---The trace means what the golden trace NAME.golden beside the scenario says; netrepro run --update writes it.
---```lua
---expect(net.trace):matches "one-lost-segment"
---```
---@param name string of the golden trace
function Expectation:matches(name) end

---What is expected of every packet that matches.
---@class Every
local Every = {}

---@class Every.HasOptions: Match

---Each of them matches this too.
---```lua
---expect(net.trace):every { tcp = "syn" }:has { sport = 40000 }
---```
---@param options? Every.HasOptions
function Every:has(options) end

---What is expected of how something ended.
---@class ResultExpectation
local ResultExpectation = {}

---@class ResultExpectation.SucceedsOptions
---@field after? Duration it took at least this long
---@field before? Duration it took less than this

---It worked, and took as long as said. An answer of HTTP whose status is 400 or more, or that came before the whole request was sent, has not.
---```lua
---expect(done):succeeds { before = "500ms" }
---```
---@param options? ResultExpectation.SucceedsOptions
function ResultExpectation:succeeds(options) end

---It failed; if a text is given, with this error.
---```lua
---expect(done):fails "handshake timeout"
---```
---@param error? string what failed and how: "connect ECONNREFUSED"
function ResultExpectation:fails(error) end

---What is expected of a value.
---@class ValueExpectation
local ValueExpectation = {}

---It is this value.
---```lua
---expect(got.bytes):equals(30000)
---```
---@param want any a value
function ValueExpectation:equals(want) end

---It is another value.
---```lua
---expect(peer.port):differs_from(40000)
---```
---@param other any a value
function ValueExpectation:differs_from(other) end

---It is a smaller number.
---```lua
---expect(fault.hits):less_than(1)
---```
---@param want number a number
function ValueExpectation:less_than(want) end

---It is a larger number.
---```lua
---expect(fault.hits):more_than(1)
---```
---@param want number a number
function ValueExpectation:more_than(want) end

---It is this number or a larger one.
---```lua
---expect(fault.hits):at_least(1)
---```
---@param want number a number
function ValueExpectation:at_least(want) end

---It is this number or a smaller one.
---```lua
---expect(fault.hits):at_most(1)
---```
---@param want number a number
function ValueExpectation:at_most(want) end

---It is a number in a range, both ends included.
---```lua
---expect(got.time):between(0.04, 0.5)
---```
---@param low number a number
---@param high number a number
function ValueExpectation:between(low, high) end

---It is a string in which a Lua pattern is found.
---```lua
---expect(err):matches "^E"
---```
---@param pattern string a Lua pattern
function ValueExpectation:matches(pattern) end

---It is nil.
---```lua
---expect(err):is_nil()
---```
function ValueExpectation:is_nil() end

---It is true.
---```lua
---expect(ok):is_true()
---```
function ValueExpectation:is_true() end

---Its members have these values.
---```lua
---expect(entry):has { reply_dport = 27464 }
---```
---@param members table values by name
function ValueExpectation:has(members) end

---A TCP connection, with or without TLS. Reading verbs return what came and, if it failed, the error's name.
---@class Conn
---@field peer Address Address and port of the other side.
---@field here Address Address and port of this side.
---@field snd_next integer? Relative number of the next byte this side will send, as the trace has seen it; nil before the other side has sent.
---@field snd_una integer? Relative number of the first byte it sent that is not acknowledged.
---@field rcv_next integer? Relative number of the next byte it expects, as it has acknowledged.
---@field snd_wnd integer? Bytes the other side takes beyond snd_una.
---@field rcv_wnd integer? Bytes it takes beyond rcv_next.
local Conn = {}

---@class Conn.ReadOptions
---@field timeout? Duration how long to wait (default 10s)

---Reads what is there, waiting for the first byte.
---```lua
---local data, err = conn:read()
---```
---@param options? Conn.ReadOptions
---@return string
---@return string?
function Conn:read(options) end

---@class Conn.Read_untilOptions
---@field timeout? Duration how long to wait (default 10s)

---Reads up to and including a text.
---```lua
---local head, err = conn:read_until "\r\n\r\n"
---```
---@param text string what ends it
---@param options? Conn.Read_untilOptions
---@return string
---@return string?
function Conn:read_until(text, options) end

---@class Conn.Read_allOptions
---@field timeout? Duration how long to wait (default 10s)

---Reads to the end of the stream. What came is returned even with an error.
---```lua
---local body, err = conn:read_all()
---```
---@param options? Conn.Read_allOptions
---@return string
---@return string?
function Conn:read_all(options) end

---@class Conn.WriteOptions
---@field timeout? Duration how long to wait (default 10s)

---Writes all of a string. Returns how many bytes the kernel took, and the error's name if not all.
---```lua
---conn:write "GET / HTTP/1.0\r\n\r\n"
---```
---@param data string what to write
---@param options? Conn.WriteOptions
---@return integer
---@return string?
function Conn:write(data, options) end

---@class Conn.SetOptions: SocketOptions

---Changes socket options.
---```lua
---conn:set { linger = 0 }
---```
---@param options? Conn.SetOptions
function Conn:set(options) end

---Closes one direction.
---```lua
---conn:shutdown "write"
---```
---@param how "read"|"write"|"both" read, write or both
function Conn:shutdown(how) end

---Closes the connection, as close(2) does. Closing twice is harmless.
---```lua
---conn:close()
---```
function Conn:close() end

---Resets the connection at once, as connect(2) to AF_UNSPEC does, and closes the socket.
---```lua
---conn:abort()
---```
function Conn:abort() end

---Closes the connection and sends nothing, as a machine that loses its power (TCP_REPAIR). The other side learns of it when it sends something.
---```lua
---conn:vanish()
---```
function Conn:vanish() end

---@class Conn.Wait_readableOptions
---@field timeout? Duration how long to wait (default 10s)

---Waits until something can be read, and leaves it there. Returns true, or nil and the error's name.
---```lua
---local ok, err = conn:wait_readable { timeout = "1s" }
---```
---@param options? Conn.Wait_readableOptions
---@return boolean
---@return string?
function Conn:wait_readable(options) end

---The kernel's own account of the connection (TCP_INFO).
---```lua
---conn:info().retransmits
---```
---@return ConnInfo
function Conn:info() end

---@class Conn.HandshakeOptions
---@field timeout? Duration how long to wait (default 10s)
---@field as? "client"|"server" which side it is (default client)
---@field node? Host|Router server: whose certificate it shows; client: whose name it expects
---@field name? string client: the name it expects
---@field chain? Chain server: its certificate chain
---@field verify? boolean client: the server's certificate is checked (default true)
---@field ssl_protocols? string[] versions of TLS: { "TLSv1.2" }
---@field ssl_session_tickets? boolean sessions may be resumed (default true)

---Begins TLS on a connection, as the client or, with as = "server", as the server, and waits for its end. After that, reads and writes go through TLS; each write is one record. Returns true, or nil and what failed.
---```lua
---local ok, err = conn:handshake { name = "server" }
---```
---@param options? Conn.HandshakeOptions
---@return boolean
---@return string?
function Conn:handshake(options) end

---Tells the other side, in TLS, that nothing more will be written. TCP stays open.
---```lua
---conn:close_notify()
---```
function Conn:close_notify() end

---@class Conn.Write_rawOptions
---@field timeout? Duration how long to wait (default 10s)

---Writes bytes past TLS, as they are.
---```lua
---conn:write_raw(hex "15 03 03 00 02 02 28")
---```
---@param data string what to write
---@param options? Conn.Write_rawOptions
---@return integer
---@return string?
function Conn:write_raw(data, options) end

---An address and a port.
---@class Address
---@field addr string The address.
---@field port integer The port.

---How something ended.
---@class Result
---@field error string? What failed and how, as in "handshake timeout"; nil if nothing did.
---@field time number How long it took, in seconds.

---A listening socket.
---@class Listener
---@field port integer Where it listens.
local Listener = {}

---@class Listener.AcceptOptions
---@field timeout? Duration how long to wait (default 10s)

---Takes the next connection. If none comes it returns nil and "timeout".
---```lua
---local conn = listener:accept()
---```
---@param options? Listener.AcceptOptions
---@return Conn
---@return string?
function Listener:accept(options) end

---Closes the listener; connections that wait to be accepted are reset.
---```lua
---listener:close()
---```
function Listener:close() end

---An HTTP server, with or without TLS.
---@class Server
---@field port integer Where it listens.
---@field accepted integer How many connections it has accepted.
local Server = {}

---The requests it had, in the order they ended: a table each.
---```lua
---#site:requests()
---```
---@return ServedRequest[]
function Server:requests() end

---Ends the server and its connections.
---```lua
---site:close()
---```
function Server:close() end

---A TLS handshake under way.
---@class Call
local Call = {}

---Waits for the handshake to end and says how it did.
---```lua
---local done = call:wait()
---```
---@return Result
function Call:wait() end

---The connection, after a handshake that succeeded.
---```lua
---local conn = call:conn()
---```
---@return Conn
function Call:conn() end

---What a request brought, even if only in part. Times are seconds since the request began; 0 if it did not get that far.
---@class Response
---@field error string? What failed and how, as in "handshake timeout"; nil if nothing did.
---@field time number How long it took, in seconds.
---@field status number HTTP status, 0 if none came.
---@field body string The body, or the part of it that came.
---@field bytes number Bytes of the body that came.
---@field sent number Bytes of its own body that the kernel took.
---@field headers table<string,string> The answer's header fields by their names in lower case.
---@field proto string "HTTP/1.1" or "HTTP/2.0"; empty if nothing came.
---@field reused boolean The connection had been used before.
---@field resolved number Until the name was an address.
---@field connected number Until TCP was connected.
---@field handshaken number Until TLS was ready.
---@field first_byte number Until the first byte of the answer.
---@field tls_version string? "TLSv1.3"; nil without TLS.
---@field cipher string? Cipher suite; nil without TLS.
---@field alpn string? Protocol above TLS; nil without TLS.
---@field subject string? Common name of the server's certificate; nil without TLS.
---@field issuer string? Common name of who signed it; nil without TLS.
---@field not_after string? When it expires; nil without TLS.
---@field chain string? How many certificates were sent; nil without TLS.
---@field resumed string? A session was resumed; nil without TLS.

---A client of one server, with connections that stay open between requests.
---@class Session
---@field opened integer How many connections it has opened.
local Session = {}

---@class Session.FetchOptions: RequestOptions
---@field [1]? string

---Makes one request, on a connection that is open if there is one.
---```lua
---local got = browser:fetch { path = "/" }
---```
---@param options? Session.FetchOptions
---@return Response
---@overload fun(self: Session, path: string, options?: Session.FetchOptions): Response
function Session:fetch(options) end

---@class Session.Fetch_allOptions
---@field timeout? Duration how long to wait (default 10s)
---@field connections? integer at once (default 6)

---Makes requests over several connections at once, as a browser does, and returns the answers in their order.
---```lua
---local got = browser:fetch_all({ "/", "/a.css", "/b.js" }, { connections = 6 })
---```
---@param requests string[]|Request[] paths, or tables of what fetch takes
---@param options? Session.Fetch_allOptions
---@return Response[]
function Session:fetch_all(requests, options) end

---Closes its idle connections.
---```lua
---browser:close()
---```
function Session:close() end

---What many requests brought. Each request is in one of outcomes, each connection in one of ended.
---@class Load
---@field error string? What failed and how, as in "handshake timeout"; nil if nothing did.
---@field time number How long it took, in seconds.
---@field requests number How many were due.
---@field answered number How many were answered, with whatever status.
---@field rate number How many were answered in a second.
---@field bytes number Of all bodies that came.
---@field connections number How many were begun.
---@field peak number How many connections stood at once, at most.
---@field late number How late the latest request began, in seconds: no connection was free, or this machine fell behind.
---@field outcomes table<string,integer> How many requests ended so: ["200"], ["connect ECONNREFUSED"], ["read ECONNRESET"], ["write timeout"] where no connection was free in time.
---@field ended table<string,integer> How many connections ended so: ["client closed"], ["server closed"], or what failed.
---@field latency Histogram Of the requests that were answered, from when each was due.
---@field connect Histogram Of TCP's handshakes.
---@field handshake Histogram Of TLS's handshakes.

---Times in seconds. Each is kept; all values are 0 if there are none.
---@class Histogram
---@field count integer How many.
---@field mean number Their mean.
---@field min number The least.
---@field max number The greatest.
---@field median number Half of them are no longer.
local Histogram = {}

---The time that this percentage of them does not exceed.
---```lua
---got.latency:percentile(99.9)
---```
---@param percent number 0 to 100
---@return number
function Histogram:percentile(percent) end

---A list of buckets { upto, count }. Their bounds are 1, 2 and 5 times powers of ten; each counts the times above the bound before.
---```lua
---for _, b in ipairs(got.latency:buckets()) do print(b.upto, b.count) end
---```
---@return Bucket[]
function Histogram:buckets() end

---A tracked connection: as it came, and as its answers come.
---@class Conntrack
---@field src string Source address.
---@field dst string Destination address.
---@field sport integer Source port.
---@field dport integer Destination port.
---@field reply_src string Source address of answers.
---@field reply_dst string Destination address of answers.
---@field reply_sport integer Source port of answers.
---@field reply_dport integer Destination port of answers.
---@field proto string Its protocol, by name or number.
---@field state string Of TCP, as the kernel names it; empty for others.
---@field mark integer Its mark.
---@field zone integer Its zone.
---@field timeout number Seconds until it is forgotten.

---Counters of a node at one moment (/proc/net/netstat, snmp, snmp6, dev, nf_conntrack, softnet_stat).
---@class Counters
---@field [string] integer?
local Counters = {}

---How much each counter has grown since another reading; only those that changed are in it.
---```lua
---server.counters:since(before).TCPTimeouts
---```
---@param before Counters what counters was before
---@return table<string,integer>
function Counters:since(before) end

---A program that runs on a node.
---@class Process
---@field pid integer Its process number, as the program itself sees it.
---@field output string What it has written to its standard output so far.
---@field errors string What it has written to its standard error so far.
---@field dir string Its directory.
---@field running boolean It has not ended.
local Process = {}

---@class Process.WaitOptions
---@field timeout? Duration how long to wait (default 10s)

---Waits for the program to end. The member timeout of the result says that it did not end in time.
---```lua
---local e = web:wait()
---```
---@param options? Process.WaitOptions
---@return Exit
function Process:wait(options) end

---@class Process.Wait_lineOptions
---@field timeout? Duration how long to wait (default 10s)

---Waits until it has written a text. Returns true, or nil and why not.
---```lua
---web:wait_line "ready"
---```
---@param text string what it writes
---@param options? Process.Wait_lineOptions
---@return boolean
---@return string?
function Process:wait_line(text, options) end

---Sends it a signal.
---```lua
---web:signal "HUP"
---```
---@param name "HUP"|"INT"|"QUIT"|"KILL"|"USR1"|"USR2"|"TERM"|"STOP"|"CONT"|"WINCH" HUP, INT, QUIT, KILL, USR1, USR2, TERM, STOP, CONT, WINCH
function Process:signal(name) end

---@class Process.StopOptions
---@field grace? Duration how long it may take (default 2s)

---Asks the program to end. After the grace time it is killed, with all that it started. Returns how it ended; its member timeout says that asking did not help.
---```lua
---local e = web:stop()
---```
---@param options? Process.StopOptions
---@return Exit
function Process:stop(options) end

---How a program ended, and what it wrote.
---@class Exit
---@field code integer Exit code; -1 if a signal ended it.
---@field signal string? The signal that ended it.
---@field timeout boolean It did not end in time and was ended.
---@field output string What it wrote to its standard output; its first megabyte.
---@field errors string What it wrote to its standard error; its first megabyte.
---@field dropped integer Bytes of both that were not kept.
---@field dir string Its directory.
---@field time number How long it ran, in seconds.

---A name server.
---@class NameServer
local NameServer = {}

---@class NameServer.SetOptions: Record
---@field [1]? Host|string|(Host|string)[]

---Answers a name from now on as this says.
---```lua
---names:set("api.test", { drop = true, times = 1 })
---```
---@param name string which
---@param options? NameServer.SetOptions
---@overload fun(self: NameServer, to: Host|string|(Host|string)[], options?: NameServer.SetOptions)
function NameServer:set(name, options) end

---The questions it had: a table each, with name, type, proto and from.
---```lua
---#names:queries()
---```
---@return Query[]
function NameServer:queries() end

---Ends it.
---```lua
---names:close()
---```
function NameServer:close() end

---A UDP or raw ICMP socket.
---@class Datagram
---@field port integer Its own port.
local Datagram = {}

---@class Datagram.SendOptions
---@field to? Host|Router|string whom to send to; not for a connected socket
---@field port? integer the port there
---@field ip? integer the IP version, if there are two; 4 by default

---Sends one message. Returns true, or nil and the error's name.
---```lua
---s:send("hello", { to = net.server, port = 53 })
---```
---@param data string what to send
---@param options? Datagram.SendOptions
---@return boolean
---@return string?
function Datagram:send(data, options) end

---@class Datagram.ReceiveOptions
---@field timeout? Duration how long to wait (default 10s)

---Takes the next message: a table with data, from, node, port, ttl and tos. Returns nil and the error's name if none comes, or if an ICMP error did.
---```lua
---local m, err = s:receive { timeout = "1s" }
---```
---@param options? Datagram.ReceiveOptions
---@return Message
---@return string?
function Datagram:receive(options) end

---@class Datagram.FaultOptions
---@field timeout? Duration how long to wait (default 10s)

---Of a socket with recverr: the next ICMP error that it was told of: a table with error, icmp, type, code, from, node and mtu. Returns nil and "timeout" if none comes.
---```lua
---local f = s:fault()
---```
---@param options? Datagram.FaultOptions
---@return ICMPError
---@return string?
function Datagram:fault(options) end

---Closes the socket.
---```lua
---s:close()
---```
function Datagram:close() end

---A packet while it passes. It has every header field by name (nil if the packet has no such field) and the members below. It is gone when the function returns.
---@class Passing
---@field time number Seconds since the trace began.
---@field at string Capture point, node/wire.
---@field wire string The wire it came by.
---@field from string Sender: a node, or an address.
---@field to string Receiver: a node, or an address.
---@field is_tcp boolean It is a TCP segment.
---@field is_udp boolean It is a UDP datagram.
---@field icmp string? Of an ICMP message, its name.
---@field len integer Bytes of payload.
---@field size integer Bytes of the whole frame.
---@field payload string The payload.
---@field syn boolean SYN is set.
---@field has_ack boolean ACK is set.
---@field fin boolean FIN is set.
---@field rst boolean RST is set.
---@field rexmit integer How often its sequence space was sent before.
---@field seq integer? Relative sequence number.
---@field ack integer? Relative acknowledgement number.
---@field raw_seq integer? Sequence number on the wire.
---@field raw_ack integer? Acknowledgement number on the wire.
---@field next_seq integer? Number on the wire of what follows it.
---@field server_name string? The server name in a TLS client hello that begins in it.
---@field src_mac integer|string|boolean? Of Ethernet: source MAC address; nil if it has none.
---@field dst_mac integer|string|boolean? Of Ethernet: destination MAC address; nil if it has none.
---@field ether_type integer|string|boolean? Of Ethernet: EtherType, or that of the 802.1Q tag; nil if it has none.
---@field vlan integer|string|boolean? Of an 802.1Q tag: VLAN of the 802.1Q tag; nil if it has none.
---@field pcp integer|string|boolean? Of an 802.1Q tag: priority of the 802.1Q tag; nil if it has none.
---@field src integer|string|boolean? Of IP: source address; nil if it has none.
---@field dst integer|string|boolean? Of IP: destination address; nil if it has none.
---@field ttl integer|string|boolean? Of IP: time to live, or hop limit; nil if it has none.
---@field dscp integer|string|boolean? Of IP: differentiated services code point (RFC 2474); nil if it has none.
---@field ecn integer|string|boolean? Of IP: explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion (RFC 3168); nil if it has none.
---@field ip_len integer|string|boolean? Of IP: length of the IP packet; nil if it has none.
---@field ip_id integer|string|boolean? Of IPv4: identification; nil if it has none.
---@field df integer|string|boolean? Of IPv4: don't fragment; nil if it has none.
---@field mf integer|string|boolean? Of IP: more fragments; nil if it has none.
---@field frag_offset integer|string|boolean? Of IP: fragment offset, in units of 8 bytes; nil if it has none.
---@field flow_label integer|string|boolean? Of IPv6: flow label; nil if it has none.
---@field proto integer|string|boolean? Of IP: transport protocol number; nil if it has none.
---@field sport integer|string|boolean? Of TCP or UDP: source port; nil if it has none.
---@field dport integer|string|boolean? Of TCP or UDP: destination port; nil if it has none.
---@field flags integer|string|boolean? Of TCP: TCP flags as tcpdump writes them: "S", "P."; nil if it has none.
---@field win integer|string|boolean? Of TCP: window as on the wire, unscaled; nil if it has none.
---@field urgent integer|string|boolean? Of TCP: urgent pointer; nil if it has none.
---@field mss integer|string|boolean? Of TCP: maximum segment size option; nil if it has none.
---@field wscale integer|string|boolean? Of TCP: window scale option: the shift; nil if it has none.
---@field tsval integer|string|boolean? Of TCP: timestamp option: the sender's clock; nil if it has none.
---@field tsecr integer|string|boolean? Of TCP: timestamp option: the clock it echoes; nil if it has none.
---@field timestamps integer|string|boolean? Of TCP: there is a timestamp option; nil if it has none.
---@field sack_permitted integer|string|boolean? Of TCP: there is a SACK-permitted option; nil if it has none.
---@field sack integer|string|boolean? Of TCP: there is a SACK option; nil if it has none.
---@field icmp_type integer|string|boolean? Of ICMP: ICMP or ICMPv6 type; nil if it has none.
---@field icmp_code integer|string|boolean? Of ICMP: ICMP or ICMPv6 code; nil if it has none.
---@field icmp_id integer|string|boolean? Of ICMP: identifier of an echo; nil if it has none.
---@field icmp_seq integer|string|boolean? Of ICMP: sequence number of an echo; MTU of fragmentation needed; nil if it has none.
local Passing = {}

---Changes header fields or the payload of what goes on, and mends its checksums.
---```lua
---pkt:rewrite { mss = 1200, ttl = "-1" }
---```
---@param set Settings fields and what they become
function Passing:rewrite(set) end

---@class Passing.AnswerOptions: PacketFields

---Sends a packet back to where this one came from: from its receiver, unless said otherwise, with the numbers that answer it.
---```lua
---pkt:answer { flags = "R." }
---```
---@param options? Passing.AnswerOptions
function Passing:answer(options) end

---@class Passing.SendOptions: PacketFields

---Sends another packet on in the direction of this one: with its addresses, ports and numbers, unless said otherwise.
---```lua
---pkt:send { flags = "R", raw_seq = pkt.next_seq }
---```
---@param options? Passing.SendOptions
function Passing:send(options) end

---@class ScenarioHeader
---@field about? string what fails and why, in prose
---@field tags? string[] words to select by
---@field needs? string[] what the machine must have: nftables, conntrack, root, bridge, kernel, virtual time, ipip, gre, vxlan, wireguard, nginx, haproxy, curl, openssl, iperf3, program:NAME
---@field machine? table<string,string|number> settings of the whole machine while the case runs, which then runs alone: net.ipv4.tcp_max_orphans, net.ipv4.tcp_mem
---@field cpus? integer processors that the nodes, their programs and the engine share; what a node sends stays in order on one (default 1)
---@field alone? boolean no other case runs beside it; for a case that measures how fast something is (default false)
---@field timeout? Duration for one case, set-up and clean-up not counted (default 30s)
---@field memory? Size what the script of a case may hold, 256MB unless said
---@field topology Topology path { … } or graph { … }
---@field variants? table a list: { "bug", key = value }, …
---@field matrix? table lists by name; every combination runs
---@field run fun(net: Net, v: Variant) what happens: function(net, v) … end; what it returns is for compare
---@field compare? fun(results: table<string,table>) expectations across the variants, once all have passed: function(results) … end, where results.NAME is the table that run returned for the variant NAME
---@field symptom? string what users see
---@field is_not? string what it is taken for and is not
---@field recognise? string the filter or command that tells it in the field
---@field kernels? string where the kernel decides: which ones
---@field cure? string what helps
---@field sources? string[] RFC sections, commits, reports
---@field shows? string[] the mechanisms it stands for, as a library numbers them

---Says what one scenario is. A file may hold several.
---```lua
---scenario "name" { topology = path { host "a", wire {}, host "b" }, run = function(net, v) end }
---```
---@param name string letters, digits and -
---@return fun(header: ScenarioHeader)
function scenario(name) end

---Opens a phase of the case, for the report.
---```lua
---step "handshake"
---```
---@param name string what happens now
function step(name) end

---Stands still for somebody who looks into the case: with netrepro shell, or run --step. Otherwise it says that nobody does, and goes on.
---```lua
---pause "the connection is half open"
---```
---@param why? string what there is to see
function pause(why) end

---Lets time pass. Wait for an event wherever there is one.
---```lua
---sleep "300ms"
---```
---@param time Duration how long
function sleep(time) end

---@class TaskOptions
---@field background? boolean the case does not wait for it to end; what it expects after the case has ended is not judged (default false)

---Runs a function beside the rest. An error in it ends the case, and the case ends when it has.
---```lua
---local t = task(function() conn:read_all() end)
---```
---@param body fun() what to run
---@param options? TaskOptions
---@return Task
function task(body, options) end

---Waits for a task to end.
---```lua
---wait(t)
---```
---@param task Task what task returned
function wait(task) end

---Bytes from hexadecimal digits; spaces do not matter.
---```lua
---hex "16 03 01"
---```
---@param digits string two digits a byte
---@return string
function hex(digits) end

---@class HostOptions
---@field [1]? string
---@field name? string name to reach it by, as in net.client
---@field addr? string|string[]|table<string,string|string[]> address with prefix length, or a list of them; a table by wire if the node has several wires
---@field gateway? string the neighbour that gets all other traffic
---@field routes? Route[] further routes
---@field sysctl? table<string,string|number> kernel settings of this node

---A node where endpoints live. It does not forward.
---```lua
---host "client"
---```
---@param options HostOptions
---@return Node.Part
---@overload fun(name: string, options?: HostOptions): Node.Part
function host(options) end

---@class RouterOptions
---@field [1]? string
---@field name? string name to reach it by, as in net.client
---@field addr? string|string[]|table<string,string|string[]> address with prefix length, or a list of them; a table by wire if the node has several wires
---@field gateway? string the neighbour that gets all other traffic
---@field routes? Route[] further routes
---@field sysctl? table<string,string|number> kernel settings of this node

---A node that forwards, filters and rewrites.
---```lua
---router "edge"
---```
---@param options RouterOptions
---@return Node.Part
---@overload fun(name: string, options?: RouterOptions): Node.Part
function router(options) end

---@class SwitchOptions
---@field [1]? string
---@field name? string name to reach it by, as in net.lan

---A node that bridges its wires: hosts on them share one segment, or one for each VLAN.
---```lua
---switch "lan"
---```
---@param options SwitchOptions
---@return Node.Part
---@overload fun(name: string, options?: SwitchOptions): Node.Part
function switch(options) end

---@class TunnelOptions
---@field [1]? "ipip"|"gre"|"vxlan"|"wireguard"
---@field kind? "ipip"|"gre"|"vxlan"|"wireguard" where the kernel has it
---@field between string[] the two nodes
---@field name? string its name, as in addr = { NAME = … }
---@field mtu? integer bytes; by default what fits through a path of 1500
---@field id? integer VXLAN network identifier, or GRE key

---A link between two nodes through the network between them. Traffic takes it where it is the shortest way.
---```lua
---tunnel { "gre", between = { "left", "right" } }
---```
---@param options TunnelOptions
---@return Tunnel.Part
---@overload fun(kind: "ipip"|"gre"|"vxlan"|"wireguard", options?: TunnelOptions): Tunnel.Part
function tunnel(options) end

---@class WireOptions: WireSettings
---@field [1]? string
---@field name? string name to reach it by, as in net.wan
---@field mtu? integer|integer[] bytes, at both ends or { first, second } (default 1500)
---@field loss? Percent the share of frames that are lost by chance, from the case's seed
---@field vlan? integer of a wire to a switch: the VLAN that its frames belong to
---@field trunk? integer[] of a wire to a switch: the VLANs that cross it, with tags
---@field direct? boolean a plain veth pair: full speed, no faults, no capture (default false)

---A link between the node before it and the node after it. Every frame on it is captured.
---```lua
---wire { name = "wan", delay = "20ms" }
---```
---@param options? WireOptions
---@return Wire.Part
---@overload fun(name: string, options?: WireOptions): Wire.Part
function wire(options) end

---A topology in a line: nodes and wires in turn.
---```lua
---path { host "client", wire {}, host "server", ip = "dual" }
---```
---@param parts Parts nodes and wires in turn; ip and tunnels by name
---@return Topology
function path(parts) end

---@class GraphOptions
---@field nodes Node.Part[] the nodes
---@field links Link[] { "node", wire {}, "node" } each
---@field ip? 4|6|"dual" IP versions: 4, 6 or "dual" (default 4)
---@field tunnels? Tunnel.Part[] tunnels between nodes: { tunnel { "gre", between = { "a", "b" } } }

---A topology of any shape.
---```lua
---graph { nodes = { host "a", router "r", host "b" }, links = { { "a", wire {}, "r" }, { "r", wire {}, "b" } } }
---```
---@param options GraphOptions
---@return Topology
function graph(options) end

---Says what is expected of a trace, a result or a value. A failure is recorded and the case goes on.
---```lua
---expect(net.trace):never { tcp = "rst" }
---```
---@param subject? any a trace, a result or a value
---@param label? string what it is, for the report
---@return Expectation|ResultExpectation|ValueExpectation
function expect(subject, label) end

---As expect, but a failure ends the case.
---```lua
---must(net.trace):never { tcp = "rst" }
---```
---@param subject? any a trace, a result or a value
---@param label? string what it is, for the report
---@return Expectation|ResultExpectation|ValueExpectation
function must(subject, label) end
