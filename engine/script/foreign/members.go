package foreign

import (
	"slices"
	"strings"
)

// member is what others call a verb or a member.
type member struct {
	class string // whose it is here
	words string
	ours  string // what it is here, if the class has it
	write string // empty for its name alone
}

var members = []member{
	{"Wire", "latency lag netem jitter bandwidth bw rate throttle limit shape qdisc slow add_latency configure config", "set",
		`write set { delay = "100ms", jitter = "10ms", rate = "10Mbit" }`},
	{"Wire", "block cut disconnect unplug disable partition stop link_down fail", "down", ""},
	{"Wire", "restore enable connect plug resume link_up heal", "up", ""},
	{"Wire", "lose packet_loss lossy", "loss", ""},
	{"Wire", "dup duplication copy", "duplicate", ""},
	{"Wire", "mangle modify alter change", "rewrite", ""},
	{"Wire", "send sendp forge", "inject", ""},
	{"Wire", "queue buffer stall freeze pause", "hold", ""},
	{"Host", "exec cmd shell system popen execute command", "run", `write run { "ip", "link" }`},
	{"Host", "get http curl request wget http_get GET post", "fetch", "write fetch { from = site }"},
	{"Host", "connect open tcp socket", "dial", "write dial { to = net.NAME, port = 80 }"},
	{"Host", "server http_server nginx web webserver", "serve", "write serve { port = 80 }"},
	{"Host", "iptables block firewall filter nft deny", "drop", "write drop { tcp = 80 }"},
	{"Host", "nat", "masquerade", ""},
	{"Host", "setsysctl sysctls set_sysctl", "sysctl", `write sysctl("net.ipv4.tcp_sack", 0)`},
	{"Host", "bind", "listen", "write listen(80)"},
	{"Host", "spawn background daemon popen_background", "start", ""},
	{"Host", "nslookup dig getaddrinfo gethostbyname", "resolve", ""},
	{"Conn", "recv receive recvfrom get", "read", ""},
	{"Conn", "send sendall put push", "write", ""},
	{"Conn", "disconnect", "close", ""},
	{"Conn", "reset rst kill", "abort", ""},
	{"Response", "code status_code statusCode response_code", "status", ""},
	{"Response", "text content data", "body", ""},
	{"Response", "elapsed duration took latency", "time", ""},
	{"Response", "err failure reason", "error", ""},
	{"Trace", "find filter search select where get", "packets", "write packets { tcp = \"syn\" }"},
	{"Trace", "count length size", "", "#trace counts its packets"},
	{"Fault", "count n matched fired", "hits", ""},
	{"Fault", "stop remove disable off delete clear", "disarm", ""},
	{"Fault", "go resume free unhold let_go", "release", ""},
	{"Task", "join wait await", "", "write wait(task)"},
}

// Member says what to write for a member that a class does not have; empty if it is
// nothing that others write.
func Member(class, name string, known []string) string {
	if v := Verb(name, known); v != "" && strings.HasSuffix(class, "Expectation") {
		return "write " + v
	}
	if class == "Router" {
		class = "Host"
	}
	if slices.Contains([]string{"tcpdump", "sniff", "capture", "pcap"}, name) {
		return "net.trace has what all wires saw, net.trace:at(node) what one node did"
	}
	for _, m := range members {
		if m.class != class || !slices.Contains(strings.Fields(m.words), name) ||
			m.ours != "" && !slices.Contains(known, m.ours) {
			continue
		}
		if m.write != "" {
			return m.write
		}
		return "write " + m.ours
	}
	return ""
}

// Verbs are the members that others' lead to, for a test.
func Verbs() (out []string) {
	for _, m := range members {
		out = append(out, m.ours)
	}
	for ours := range verbs {
		out = append(out, ours)
	}
	return out
}
