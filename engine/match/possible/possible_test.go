package possible

import (
	"net/netip"
	"strings"
	"testing"

	"netrepro/engine/match"
	"netrepro/engine/match/value"
)

func names(host string) []netip.Addr {
	return map[string][]netip.Addr{"client": {netip.MustParseAddr("192.0.2.1")}, "server": {netip.MustParseAddr("192.0.2.2")},
		"six": {netip.MustParseAddr("2001:db8::1")}, "edge": {netip.MustParseAddr("192.0.2.3")}}[host]
}

// TestCheck refuses what no packet can be, and nothing else.
func TestCheck(t *testing.T) {
	for _, tt := range []struct{ text, word, want string }{
		{"from=client to=client", "to", "the same node"}, {"from=client to=server", "", ""},
		{"from=client to=six", "to", "no version of IP in common"}, {"from=client to=server host=edge", "host", "neither from nor to"},
		{"from=client host=server", "", ""}, {"from=client src=10.0.0.0/8", "src", "no address of client"},
		{"from=client src=192.0.2.0/24", "", ""}, {"to=server dst=192.0.2.1", "dst", "no address of server"},
		{"from=client flow_label=1", "flow_label", "belongs to IPv6"}, {"to=six df", "df", "belongs to IPv4"},
		{"port=80 sport=1 dport=2", "port", "neither"}, {"port=80 sport=80 dport=2", "", ""},
		{"tcp=data len=0", "len", "at most 0"}, {"tcp=data len=1..5", "", ""}, {"tcp=any len=0", "len", "a byte"},
		{"tcp=ack len=>=1", "len", "at most 0"}, {"tcp=ack len=0", "", ""}, {"tcp=ack payload=x", "payload", "at most 0"},
		{"tcp=ack tls", "tls", "at most 0"}, {"http len=0", "len", "at most 0"}, {"payload=hello len=4", "len", "5 bytes"},
		{"payload=hello len=5", "", ""}, {"tcp=keep-alive len=2", "len", "at most 1"}, {"tcp=rexmit len=0", "", ""},
		{"tcp=syn flags=S", "", ""}, {"tcp=syn flags=S.", "flags", "other flags"}, {"tcp=synack flags=S", "flags", "other flags"},
		{"tcp=rst flags=R.", "", ""}, {"tcp=fin flags=.", "flags", "other flags"}, {"tcp=data flags=P.", "", ""},
		{"tcp=data flags=R", "flags", "other flags"}, {"tcp=data flags=S", "", ""}, {"tcp=ack flags=F.", "flags", "other flags"},
		{"tcp=syn ack=1", "ack", "other flags"}, {"tcp=synack ack=1", "", ""}, {"flags=S ack=1", "ack", "other flags"},
		{"rst tcp=syn", "", ""}, {"rst tcp=ack", "rst", "other flags"}, {"rst flags=S", "rst", "other flags"}, {"rst tcp=rst", "", ""},
		{"tcp=data rexmit=1", "rexmit", "new data only"}, {"tcp=rexmit rexmit=0", "rexmit", "not sent before"},
		{"tcp=rexmit rexmit=2", "", ""}, {"tcp=any rexmit=1", "", ""}, {"tcp=data original=lost", "original", "new data only"},
		{"rexmit=0 timer=x", "rexmit", "not sent before"}, {"tcp=data size=40", "size", "has more than"},
		{"tcp=data size=55", "", ""}, {"len=100 size=60", "size", "has more than"}, {"udp ip_len=20", "ip_len", "has more than"},
		{"udp len=0", "", ""}, {"size=0..60", "", ""}, {"udp tcp=syn", "tcp", "no packet"},
		{"icmp=echo-request icmp_type=3", "icmp_type", "another message"}, {"icmp=echo-request icmp_type=8", "", ""},
		{"icmp=echo-request icmp_type=128", "", ""}, {"icmp=frag-needed icmp_code=9", "", ""},
		{"icmp=port-unreachable icmp_code=9", "icmp_code", "another message"}, {"icmp=any icmp_type=77", "", ""},
		{"icmp=unreachable icmp_type=3 icmp_code=1", "", ""}, {"icmp=net-prohibited icmp_type=1", "icmp_type", "another"},
		{"timestamps=false tsval=5", "tsval", "wants away"}, {"timestamps=true tsval=5", "", ""},
		{"ether_type=2054 tcp=any", "ether_type", "EtherType"}, {"ether_type=33024 tcp=any", "", ""}, {"ether_type=2054", "", ""},
		{"ether_type=2048 udp", "", ""}, {"ip_len=10", "ip_len", "20 bytes"}, {"ip_len=>=10", "", ""}, {"ip_len=20", "", ""},
	} {
		m, err := match.Parse(tt.text, names)
		if err != nil {
			t.Fatalf("%s: %v", tt.text, err)
		}
		word, err := Check(&m)
		if (err == nil) != (tt.word == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || word != tt.word) {
			t.Errorf("%s: %q %v, want %q %q", tt.text, word, err, tt.word, tt.want)
		}
	}
	m := match.Of(map[string]any{"from": &value.Party{Name: "a"}, "to": &value.Party{Name: "b"}})
	if _, err := Check(&m); err != nil {
		t.Errorf("nodes without addresses: %v", err)
	}
}
