package packet

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"netrepro/engine/packet/fragment"
	"netrepro/engine/packet/header/link"
)

func build(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, o, ls...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ether(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{EthernetType: kind,
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 1, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 1, 2}}
}

func ip4(p layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 63, Id: 7, Flags: layers.IPv4DontFragment, Protocol: p,
		SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{198, 51, 100, 2}}
}

func tcpSegment(t testing.TB) []byte {
	ip := ip4(layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 443, Seq: 100, Ack: 200, ACK: true, PSH: true, Window: 501}
	tcp.Options = []layers.TCPOption{
		{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: []byte{0, 0, 0, 5, 0, 0, 0, 6}},
		{OptionType: layers.TCPOptionKindSACK, OptionLength: 10, OptionData: []byte{0, 0, 1, 0, 0, 0, 2, 0}},
	}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return build(t, ether(layers.EthernetTypeIPv4), ip, tcp, gopacket.Payload("hello"))
}

func fragNeeded(t testing.TB) []byte {
	quoted := tcpSegment(t)[14 : 14+28]
	return build(t, ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4), Seq: 1400}, gopacket.Payload(quoted))
}

func TestEthernet(t *testing.T) {
	seg := tcpSegment(t)
	tests := []struct {
		name  string
		data  []byte
		check func(t *testing.T, p *Packet)
	}{
		{"tcp", seg, func(t *testing.T, p *Packet) {
			if p.Src != netip.MustParseAddr("192.0.2.1") || p.DstPort != 443 || p.Seq != 100 || p.Ack != 200 ||
				p.PayloadLen != 5 {
				t.Errorf("got %+v", p)
			}
			if p.Flags.String() != "P." || p.Window != 501 || !p.DF || p.TTL != 63 || p.ID != 7 || p.WScale != -1 {
				t.Errorf("got %+v", p)
			}
			if !p.HasTS || p.TSVal != 5 || p.TSEcr != 6 || len(p.SACK()) != 1 ||
				p.SACK()[0] != (Block{256, 512}) {
				t.Errorf("options: %+v %v", p, p.SACK())
			}
		}},
		{"the payload's length is that of IP, not what was captured", seg[:len(seg)-3], func(t *testing.T, p *Packet) {
			if p.PayloadLen != 5 || p.Malformed() != "" {
				t.Errorf("payload %d, malformed %q", p.PayloadLen, p.Malformed())
			}
		}},
		{"fragmentation needed", fragNeeded(t), func(t *testing.T, p *Packet) {
			m := p.ICMP()
			if m == nil || m.Type != 3 || m.Code != 4 || m.MTU != 1400 || m.Quoted == nil {
				t.Fatalf("got %+v", m)
			}
			if q := m.Quoted; q.SrcPort != 40000 || q.DstPort != 443 || q.Seq != 100 {
				t.Errorf("quoted %+v", q)
			}
		}},
		{"empty", nil, func(t *testing.T, p *Packet) {
			if p.Malformed() == "" || p.IsTCP() {
				t.Errorf("got %+v", p)
			}
		}},
		{"cut in the TCP header", seg[:40], func(t *testing.T, p *Packet) {
			if p.Malformed() == "" || !p.Src.IsValid() {
				t.Errorf("got %+v, malformed %q", p, p.Malformed())
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			var p Packet
			d.Ethernet(tt.data, max(len(tt.data), len(seg)), &p)
			tt.check(t, &p)
		})
	}
}

func TestFlags(t *testing.T) {
	for flags, want := range map[TCPFlags]string{
		0: "none", SYN: "S", SYN | ACK: "S.", ACK: ".", FIN | PSH | ACK: "FP.", RST: "R",
	} {
		if got := flags.String(); got != want {
			t.Errorf("%d: got %q, want %q", flags, got, want)
		}
	}
}

func FuzzEthernet(f *testing.F) {
	f.Add(tcpSegment(f))
	f.Add(fragNeeded(f))
	f.Add(build(f, ether(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolUDP,
		SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		var p Packet
		d.Ethernet(data, len(data), &p)
		if p.PayloadLen < 0 || len(p.SACK()) > 4 {
			t.Errorf("got %+v", p)
		}
	})
}

// nested wraps a segment in every header that is decoded.
func nested(t testing.TB) map[string][]byte {
	seg := tcpSegment(t)
	ip := seg[14:]
	outer := func(p layers.IPProtocol, b []byte) []byte {
		return build(t, ether(layers.EthernetTypeIPv4), ip4(p), gopacket.Payload(b))
	}
	udp := func(port uint16, b []byte) []byte {
		n := len(b) + 8
		head := []byte{0x20, 0, byte(port >> 8), byte(port), byte(n >> 8), byte(n), 0, 0}
		return outer(layers.IPProtocolUDP, append(head, b...))
	}
	mac := seg[:12:12]
	return map[string][]byte{
		"vlan":   append(append(mac, 0x81, 0, 0, 5, 8, 0), ip...),
		"qinq":   append(append(mac, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0), ip...),
		"mpls":   append(append(mac, 0x88, 0x47, 0, 1, 0, 0x40, 0, 2, 1, 0x40), ip...),
		"pppoe":  append(append(mac, 0x88, 0x64, 0x11, 0, 0, 1, 0, byte(len(ip)+2), 0, 0x21), ip...),
		"snap":   append(append(mac, 0, byte(len(ip)+8), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0), ip...),
		"ipip":   outer(layers.IPProtocolIPv4, ip),
		"gre":    outer(layers.IPProtocolGRE, append([]byte{0x20, 0, 8, 0, 0, 0, 0, 1}, ip...)),
		"gretap": outer(layers.IPProtocolGRE, append([]byte{0, 0, 0x65, 0x58}, seg...)),
		"vxlan":  udp(4789, append([]byte{8, 0, 0, 0, 0, 0, 1, 0}, seg...)),
		"gtp":    udp(2152, append([]byte{0x30, 0xff, 0, byte(len(ip)), 0, 0, 0, 1}, ip...)),
	}
}

func TestNested(t *testing.T) {
	for name, frame := range nested(t) {
		var d Decoder
		var p Packet
		d.Ethernet(frame, len(frame), &p)
		whole := p.DstPort == 443 && p.PayloadLen == 5 && string(d.Payload()) == "hello" && p.HasTS
		if !p.IsTCP() || !whole || p.Malformed() != "" {
			t.Errorf("%s: got %+v, payload %q, malformed %q", name, p, d.Payload(), p.Malformed())
		}
	}
}

func TestLinks(t *testing.T) {
	ip := tcpSegment(t)[14:]
	for l, head := range map[Link][]byte{
		link.Null: {2, 0, 0, 0}, link.Loop: {0, 0, 0, 2}, LinkRaw: {}, link.RawBSD: {}, link.RawOpen: {}, link.IPv4: {},
		link.SLL:  {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0},
		link.SLL2: {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0},
		link.PPP:  {0xff, 3, 0, 0x21}, link.PPPHDLC: {0x21}, link.CHDLC: {15, 0, 8, 0},
		link.PPPoE: {0x11, 0, 0, 1, 0, byte(len(ip) + 2), 0, 0x21},
	} {
		var d Decoder
		var p Packet
		frame := append(append([]byte{}, head...), ip...)
		d.Frame(l, frame, len(frame), &p)
		if !p.IsTCP() || p.DstPort != 443 || p.PayloadLen != 5 || !l.Known() {
			t.Errorf("link %d: got %+v, malformed %q", l, p, p.Malformed())
		}
	}
}

// fragments are those of one segment, in an order of their own.
func fragments(t testing.TB, size int) [][]byte {
	ip := tcpSegment(t)[14:]
	body := ip[20:]
	var out [][]byte
	for at := 0; at < len(body); at += size {
		h := ip4(layers.IPProtocolTCP)
		h.Flags, h.FragOffset = 0, uint16(at/8)
		if at+size < len(body) {
			h.Flags = layers.IPv4MoreFragments
		}
		piece := gopacket.Payload(body[at:min(at+size, len(body))])
		out = append(out, build(t, ether(layers.EthernetTypeIPv4), h, piece))
	}
	return out
}

func TestDefragment(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 0, 1, 2}} {
		d := Decoder{Defragment: true}
		var p Packet
		fs := fragments(t, 16)
		for i, n := range order {
			d.Ethernet(fs[n], len(fs[n]), &p)
			if last := i == len(order)-1; p.IsTCP() != last {
				t.Fatalf("order %v, fragment %d: got %+v", order, i, p)
			}
		}
		if p.PayloadLen != 5 || string(d.Payload()) != "hello" || p.Fragment {
			t.Errorf("order %v: got %+v %q", order, p, d.Payload())
		}
	}
}

func TestFirstFragmentAlone(t *testing.T) {
	var d Decoder
	var p Packet
	f := fragments(t, 24)[0]
	d.Ethernet(f, len(f), &p)
	if !p.IsTCP() || !p.Unsized || p.Seq != 100 {
		t.Errorf("got %+v", p)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(uint16(LinkEthernet), tcpSegment(f), tcpSegment(f))
	for _, b := range nested(f) {
		f.Add(uint16(LinkEthernet), b, fragNeeded(f))
	}
	fs := fragments(f, 16)
	f.Add(uint16(LinkEthernet), fs[0], fs[2])
	f.Add(uint16(LinkRaw), tcpSegment(f)[14:], []byte{})
	f.Fuzz(func(t *testing.T, l uint16, a, b []byte) {
		d := Decoder{Defragment: true}
		var p Packet
		for _, data := range [][]byte{a, b, a} {
			d.Frame(Link(l), data, len(data)+3, &p)
			if p.PayloadLen < 0 || len(p.SACK()) > 4 || len(d.Payload()) > fragment.MaxDatagram+len(data) {
				t.Errorf("got %+v, %d bytes of payload", p, len(d.Payload()))
			}
		}
	})
}
