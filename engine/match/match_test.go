package match

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/wireshark"
	"netrepro/engine/trace"
)

var (
	client = netip.MustParseAddr("192.0.2.1")
	server = netip.MustParseAddr("198.51.100.2")
	hosts  = map[string][]netip.Addr{"client": {client}, "server": {server}}
)

func names(host string) []netip.Addr { return hosts[host] }

// frame is a TCP segment with 100 bytes of payload, MSS and timestamp options, on
// VLAN 7.
func frame() []byte {
	tcp := make([]byte, 20+16)
	binary.BigEndian.PutUint16(tcp[0:], 40000)
	binary.BigEndian.PutUint16(tcp[2:], 80)
	tcp[12], tcp[13], tcp[15] = 9<<4, byte(packet.PSH|packet.ACK), 200
	copy(tcp[20:], []byte{2, 4, 5, 0xb4, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 0})
	ip := make([]byte, 20)
	ip[0], ip[1], ip[5], ip[6], ip[8], ip[9] = 0x45, 0x2e<<2, 3, 0x40, 63, 6
	copy(ip[12:], client.AsSlice())
	copy(ip[16:], server.AsSlice())
	ether := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0x20, 7, 8, 0}
	f := slices.Concat(ether, ip, tcp, []byte("GET /index"+strings.Repeat("x", 90)))
	binary.BigEndian.PutUint16(f[18+2:], uint16(len(f)-18))
	return f
}

// everything is a recorded retransmission with everything that can be asked for.
func everything() *Packet {
	var d packet.Decoder
	var p packet.Packet
	f := frame()
	d.Ethernet(f, len(f), &p)
	c := &tcp.Conn{ID: 3, Ends: [2]netip.AddrPort{netip.AddrPortFrom(client, 40000), netip.AddrPortFrom(server, 80)}}
	r := &tcp.Record{Input: tcp.Input{N: 12, Packet: &p, Payload: d.Payload(), Frame: f, Dropped: "by wan:drop",
		Fault:      "delayed",
		KernelDrop: "NETFILTER_DROP in nf_hook_slow", Timer: "tcp_retransmit_timer"}, Conn: c, Seq: 1, Ack: 1,
		Original: "lost", InFlight: 100,
		Flags: wireshark.Retransmission, Sending: sender.Sending{Class: sender.Rexmit | sender.RTO, Resent: 1},
		App: []payload.Event{{Proto: "http", Name: "request", Detail: "GET /index"},
			{Proto: "tls", Name: "client-hello"}},
		Reset: &reset.Verdict{Kind: reset.Kinds[0], Cause: reset.Causes[0]}}
	q := (&Packet{}).Captured(r)
	q.Traced = &trace.Packet{Segment: &trace.Segment{Packet: p, Conn: c},
		Point: &trace.Point{Node: "client", Wire: "wan", Far: "server"}, Queued: 9}
	return q
}

// examples are, for every key, a value that everything has and one that it
// has not; keys that are no text are asked for in TestObjects.
var examples = map[string][2]string{
	"from": {"client", "server"}, "to": {"server", "192.0.2.9"}, "host": {"server", "192.0.2.9"},
	"tcp": {"rto", "data"}, "icmp": {"", "any"}, "udp": {"", "true"}, "flow": {"3", "2"}, "port": {"80", "81"},
	"sport": {"40000", "80"}, "dport": {"80", "40000"}, "seq": {"1", "2"}, "ack": {"1", "0"},
	"len": {"1..100", ">= 101"}, "flags": {"P.", "."},
	"src_mac": {"02:00:00:00:00:02", "02:00:00:00:00:03"}, "dst_mac": {"02:00:00:00:00:01", "02:00:00:00:00:03"},
	"ether_type": {"33024", "2048"}, "vlan": {"7", "8"}, "pcp": {"1", "0"}, "src": {"192.0.2.0/24", "198.51.100.0/24"},
	"dst": {"198.51.100.2", "192.0.2.1"},
	"ttl": {"60..64", "64"}, "dscp": {"46", "0"}, "ecn": {"0", "1"}, "ip_len": {">= 100", "1"}, "ip_id": {"3", "4"},
	"df": {"true", "false"},
	"mf": {"false", "true"}, "frag_offset": {"0", ">= 1"}, "flow_label": {"", ">= 0"}, "proto": {"tcp", "udp"},
	"win": {"200", "1"}, "urgent": {"0", "1"},
	"mss": {"1460", "false"}, "wscale": {"false", ">= 0"}, "tsval": {"5", "6"}, "tsecr": {"6", "5"},
	"timestamps":     {"true", "false"},
	"sack_permitted": {"false", "true"}, "sack": {"false", "true"},
	"icmp_type": {"", ">= 0"}, "icmp_code": {"", ">= 0"}, "icmp_id": {"", ">= 0"}, "icmp_seq": {"", ">= 0"},
	"payload": {"GET /", "POST"}, "size": {">= 100", "1"}, "queued": {"9", "0"}, "rexmit": {"1", ">= 2"},
	"in_flight": {">= 100", "0"}, "fault": {"true", "false"},
	"dropped": {"true", "false"}, "tls": {"client-hello", "alert"}, "http": {"GET /index", "HTTP/1.1"},
	"original":    {"lost", "arrived"},
	"kernel_drop": {"NETFILTER_DROP", "NO_SOCKET"}, "timer": {"tcp_retransmit_timer", "tcp_send_loss_probe"},
	"rst": {string(reset.Causes[0]), string(reset.Kinds[1])}, "analysis": {"retransmission", "zero_window"},
	"frame": {"10..20", "13"},
}

// TestKeys holds every key of the table to an example that holds and one that does
// not, and to what it writes: that reads back as the same.
func TestKeys(t *testing.T) {
	p := everything()
	for _, k := range Keys {
		if !k.Kind.Plain() {
			continue
		}
		ex, ok := examples[k.Name]
		if !ok {
			t.Errorf("%s has no example here", k.Name)
		}
		for i, value := range ex {
			if value == "" {
				continue
			}
			term, err := ReadTerm(k.Name, value, names)
			if err != nil {
				t.Errorf("%s = %q: %v", k.Name, value, err)
				continue
			}
			m := Match{[]Term{term}}
			if got := m.Matches(p); got != (i == 0) {
				t.Errorf("%s: %t", &m, got)
			}
			if s := term.String(); !strings.HasPrefix(s, k.Name+" = ") {
				t.Errorf("%s = %q is written %q", k.Name, value, s)
			}
		}
	}
}

func TestObjects(t *testing.T) {
	p := everything()
	hit := func() *Hit { return &Hit{Seq: 1, End: 1, Conn: p.Traced.Conn} }
	none := func() *Hit { return nil }
	for _, tt := range []struct {
		key   string
		value any
		want  bool
	}{
		{"conn", &trace.Ends{A: netip.AddrPortFrom(server, 80), B: netip.AddrPortFrom(client, 40000)}, true},
		{"conn", &trace.Ends{A: netip.AddrPortFrom(server, 81), B: netip.AddrPortFrom(client, 40000)}, false},
		{"covers", hit, true}, {"covers", none, false}, {"sacks", hit, false}, {"sacks", none, false},
		{"toward", "server", true}, {"toward", "client", false},
		{"where", func(q *Packet) bool { return q == p }, true},
		{"where", func(q *Packet) bool { return q != p }, false},
		{"rst", &value.Reset{}, true}, {"rst", &value.Reset{Evidence: "kernel"}, false},
		{"rst", &value.Reset{Process: "curl"}, false},
	} {
		m := Of(map[string]any{tt.key: tt.value})
		if got := m.Matches(p); got != tt.want {
			t.Errorf("%s: %t, want %t", &m, got, tt.want)
		}
	}
}

func TestSegments(t *testing.T) {
	of := func(f packet.TCPFlags, n int32, c sender.Class) *Packet {
		return &Packet{Packet: &packet.Packet{Src: client, Dst: server, DstPort: 80, Proto: packet.ProtoTCP, Flags: f,
			PayloadLen: n, Window: 1}, Sending: sender.Sending{Class: c}}
	}
	for want, p := range map[string]*Packet{
		"syn": of(packet.SYN, 0, 0), "synack": of(packet.SYN|packet.ACK, 0, 0),
		"data any": of(packet.ACK, 1, sender.Data), "ack": of(packet.ACK, 0, sender.PureAck),
		"fin": of(packet.FIN|packet.ACK, 0, 0), "rst": of(packet.RST, 0, 0),
		"rexmit rto any":       of(packet.ACK, 1, sender.Rexmit|sender.RTO),
		"rexmit fast any rack": of(packet.ACK, 1, sender.Rexmit|sender.Fast|sender.RACK),
		"rexmit any tlp":       of(packet.ACK, 1, sender.Rexmit|sender.TLP),
		"rexmit any recovery":  of(packet.ACK, 1, sender.Rexmit|sender.Recovery),
		"rexmit any pmtu":      of(packet.ACK, 1, sender.Rexmit|sender.Resized),
		"keep-alive":           of(packet.ACK, 1, sender.KeepAlive),
		"window-probe":         of(packet.ACK, 1, sender.WindowProbe),
	} {
		var got []string
		for _, s := range Segments() {
			if m := Of(map[string]any{"tcp": s}); m.Matches(p) {
				got = append(got, s)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is %q", want, got)
		}
	}
	p := of(packet.ACK, 0, sender.PureAck)
	p.Window = 0
	if m := Of(map[string]any{"tcp": "zero-window"}); !m.Matches(p) {
		t.Error("no zero window")
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"": "{}", "tcp=syn": `{ tcp = "syn" }`, "len>=1": `{ len = ">= 1" }`,
		"len=5..9 ttl=3":  `{ len = "5..9", ttl = 3 }`,
		`http="GET /" !x`: "read match: \"!x\" is no key", "from=client dropped": `{ from = client, dropped = true }`,
		"rst=linger": `{ rst = { cause = "linger" } }`, "flags=none": `{ flags = "none" }`,
		"sent=rto":    `read match: "sent" is now called tcp`,
		"harmed":      `read match: "harmed" is now called fault`,
		"refused=x":   `read match: "refused" is now called kernel_drop`,
		"len":         "read match: len needs a value: write len=VALUE",
		"port=70000":  `read match: port: "70000" is not a port`,
		"from=nobody": "read match: from: \"nobody\" is neither",
		"frame=3..1":  `read match: frame: "3..1" is not a length`,
		"where=x":     "read match: only a script can ask for where", `tls="alert`: "read match: a quote",
		"mss=70000":        `read match: mss: "70000" is not a value of mss: mss is 0 to 65535`,
		"src=fe80::1%eth0": "read match: src: ",
	} {
		m, err := Parse(text, names)
		got := m.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"tcp=rto rst", `http="GET /" len>=1`, "src=192.0.2.0/24", "mss=false"} {
		f.Add(s)
	}
	p := everything()
	f.Fuzz(func(_ *testing.T, text string) {
		if m, err := Parse(text, names); err == nil {
			_, _, _, _ = m.Matches(p), m.String(), m.Quick(), m.Settled()
			_, _ = m.Check()
		}
	})
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"tcp=syn mss>=0 ttl>=0", ""}, {"udp sport=5", ""}, {"udp mss=5", "mss to TCP"},
		{"tcp=syn icmp", "icmp to ICMP"},
		{"flags=S udp", "udp to UDP"}, {"icmp port=5", "no ports"}, {"icmp_type=8 mss=5", "mss to TCP"},
		{"df flow_label=1", "df belongs to IPv4"},
		{"src=192.0.2.0/24 dst=2001:db8::/32", "no packet has both"}, {"tcp=syn proto=17", "proto to UDP"},
		{"tcp=syn proto=0..17", ""},
		{"rexmit>=1 udp", "udp to UDP"},
	} {
		m, err := Parse(tt.text, nil)
		if err != nil {
			t.Fatal(err)
		}
		word, err := m.Check()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.text, err)
		case tt.want != "" && (err == nil || word == "" || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: word %q, error %v; want %q", tt.text, word, err, tt.want)
		}
	}
}

// TestQuick holds the quick part of matches to the whole: what it turns away is
// not meant.
func TestQuick(t *testing.T) {
	pt := &trace.Point{Node: "client", Addrs: []netip.Addr{client}}
	tr := trace.New(time.Unix(0, 0), []*trace.Point{pt}, nil)
	var packets []*trace.Packet
	add := func(p packet.Packet) { packets = append(packets, tr.Arrive(pt, 0, &p, nil, nil)) }
	for _, f := range []packet.TCPFlags{packet.SYN, packet.SYN | packet.ACK, packet.ACK, packet.PSH | packet.ACK,
		packet.FIN | packet.ACK, packet.RST} {
		for _, n := range []int32{0, 1, 100} {
			for range 2 {
				add(packet.Packet{Src: client, Dst: server, SrcPort: 4, DstPort: 80, Seq: 100, Proto: packet.ProtoTCP,
					Flags: f, Window: 5, PayloadLen: n, TTL: 64, WScale: -1})
			}
		}
	}
	add(packet.Packet{Src: client, Dst: server, SrcPort: 5, DstPort: 53, Proto: packet.ProtoUDP, PayloadLen: 20, TTL: 9,
		WScale: -1})
	texts := []string{"", "udp", "icmp", "dport=80", "sport=80", "flags=S", "flags=P.", "len=100", "len>=1",
		"payload=x", "ttl=9", "mss=5", "tcp=syn flags=."}
	for _, s := range Segments() {
		texts = append(texts, "tcp="+s)
	}
	turned := 0
	var ask Packet
	for _, text := range texts {
		m, err := Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		q := m.Quick()
		for _, p := range packets {
			k := SummaryOf(p)
			if q.May(&k) {
				continue
			}
			turned++
			if m.Matches(ask.Pass(p)) {
				t.Errorf("%s means %s of %d bytes, and its quick part turns it away", &m, p.Flags, p.PayloadLen)
			}
		}
	}
	if turned < 100 {
		t.Errorf("%d turned away: the quick part decides next to nothing", turned)
	}
}
