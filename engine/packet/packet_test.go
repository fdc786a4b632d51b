package packet

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func build(t testing.TB, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ether(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 1, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 1, 2}, EthernetType: kind}
}

func ip4(p layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 63, Id: 7, Flags: layers.IPv4DontFragment, Protocol: p,
		SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{198, 51, 100, 2}}
}

func tcpSegment(t testing.TB) []byte {
	ip := ip4(layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 443, Seq: 100, Ack: 200, ACK: true, PSH: true, Window: 501, Options: []layers.TCPOption{
		{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: []byte{0, 0, 0, 5, 0, 0, 0, 6}},
		{OptionType: layers.TCPOptionKindSACK, OptionLength: 10, OptionData: []byte{0, 0, 1, 0, 0, 0, 2, 0}},
	}}
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
			if p.Src != netip.MustParseAddr("192.0.2.1") || p.DstPort != 443 || p.Seq != 100 || p.Ack != 200 || p.PayloadLen != 5 {
				t.Errorf("got %+v", p)
			}
			if p.Flags.String() != "P." || p.Window != 501 || !p.DF || p.TTL != 63 || p.ID != 7 || p.WScale != -1 {
				t.Errorf("got %+v", p)
			}
			if !p.HasTS || p.TSVal != 5 || p.TSEcr != 6 || len(p.SACK()) != 1 || p.SACK()[0] != (Block{256, 512}) {
				t.Errorf("options: %+v %v", p, p.SACK())
			}
		}},
		{"the payload's length is that of IP, not of what was captured", seg[:len(seg)-3], func(t *testing.T, p *Packet) {
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
			d.Ethernet(tt.data, len(tt.data), &p)
			tt.check(t, &p)
		})
	}
}

func TestFlags(t *testing.T) {
	for flags, want := range map[TCPFlags]string{0: "none", SYN: "S", SYN | ACK: "S.", ACK: ".", FIN | PSH | ACK: "FP.", RST: "R"} {
		if got := flags.String(); got != want {
			t.Errorf("%d: got %q, want %q", flags, got, want)
		}
	}
}

func FuzzEthernet(f *testing.F) {
	f.Add(tcpSegment(f))
	f.Add(fragNeeded(f))
	f.Add(build(f, ether(layers.EthernetTypeIPv6), &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		var p Packet
		d.Ethernet(data, len(data), &p)
		if p.PayloadLen < 0 || len(p.SACK()) > 4 {
			t.Errorf("got %+v", p)
		}
	})
}
