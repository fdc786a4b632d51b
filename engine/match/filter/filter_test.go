package filter

import (
	"net/netip"
	"strings"
	"testing"

	"netrepro/engine/match"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

var client, server = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")

func names(host string) []netip.Addr {
	return map[string][]netip.Addr{"client": {client}, "server": {server}}[host]
}

// segment is a reset that sends something again, says something in HTTP and was dropped.
func segment() *match.Packet {
	p := packet.Packet{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Proto: packet.ProtoTCP,
		Flags: packet.RST | packet.ACK, PayloadLen: 100}
	return (&match.Packet{}).Captured(&tcp.Record{Input: tcp.Input{N: 12, Packet: &p, Dropped: "by wan:drop"},
		Conn:    &tcp.Conn{ID: 3},
		Sending: sender.Sending{Class: sender.Rexmit | sender.RTO, Resent: 1},
		Reset:   &reset.Verdict{Kind: reset.Kinds[0], Cause: reset.Causes[0]},
		App: []payload.Event{{Proto: "http", Name: "request", Detail: "GET /index"},
			{Proto: "tls", Name: "client-hello"}}})
}

func TestFilter(t *testing.T) {
	p := segment()
	for text, want := range map[string]bool{
		"": true, "tcp=rto": true, "tcp=fast,rto": true, "!tcp=rto": false, "!tcp=fast": true, "tcp=fast": false,
		"rst": true, "!rst": false,
		"dropped=false": false, "host=client port=80": true, "host=client port=81": false, `http="GET /index"`: true,
		"icmp": false, "!icmp": true, "tls": true,
		"frame=1,12": true, "frame=10..20": true, "flow=3": true, "len>=100": true,
	} {
		f, err := Parse(text, names)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := f.Matches(p); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	for _, text := range []string{"nonsense", "host=nobody", "port=70000", "flow=x", "frame=3..1", "flags=Q",
		"analysis=x", "tcp=x", "dropped=perhaps", "conn=1"} {
		if _, err := Parse(text, names); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"tcp=rto,fast !rst", `http="GET /" len>=1`, "src=192.0.2.0/24", "!mss=false"} {
		f.Add(s)
	}
	p := segment()
	f.Fuzz(func(_ *testing.T, text string) {
		if flt, err := Parse(text, names); err == nil {
			flt.Matches(p)
		}
	})
}

// TestForeign answers filters of other programs with what is written here.
func TestForeign(t *testing.T) {
	for text, want := range map[string]string{
		"tcp.flags.reset==1": "write tcp=rst", "tcp.port == 80": "write port=80", "tcp=data and from=client": "leave it out",
		"tcp=data && rst": "leave it out", "port 80": "write port=80", "frame>3": "write frame=>=2",
		"frame<3": "write frame=0..9", "tcp==rto": "write tcp=rto", "tcp!=rto": "write !tcp=rto",
		"(tcp=rto)": "no parentheses", "not rst": "write !", "tcp=rto or rst": "with commas", "dst port 80": "dport=PORT",
		"ip.addr==192.0.2.1": "write host=192.0.2.1", "!tcp.analysis.retransmission": "write tcp=rexmit",
		"frobnicate=1": "netrepro trace --help has all", "prot=6": "proto",
	} {
		if _, err := Parse(text, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestForeignTerms holds what is said in place of others' terms to being terms.
func TestForeignTerms(t *testing.T) {
	for of, text := range foreign {
		if _, err := Parse(strings.ReplaceAll(text, "NAME", "client"), names); err != nil {
			t.Errorf("%s: %s: %v", of, text, err)
		}
	}
}
