package packet

import (
	"math/rand/v2"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// random is a segment, datagram or echo between random ends, made by the library.
func random(t testing.TB, r *rand.Rand) []byte {
	bytes := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	proto := []layers.IPProtocol{layers.IPProtocolTCP, layers.IPProtocolUDP, layers.IPProtocolICMPv4}[r.IntN(3)]
	kind := layers.EthernetTypeIPv4
	var network gopacket.SerializableLayer = &layers.IPv4{Version: 4, TTL: uint8(r.Uint32()), TOS: uint8(r.Uint32()),
		Id: uint16(r.Uint32()), Flags: layers.IPv4Flag(r.IntN(2) << 1), Protocol: proto,
		SrcIP: net.IP(bytes(4)), DstIP: net.IP(bytes(4))}
	if proto != layers.IPProtocolICMPv4 && r.IntN(2) == 0 {
		kind, network = layers.EthernetTypeIPv6, &layers.IPv6{Version: 6, HopLimit: uint8(r.Uint32()),
			TrafficClass: uint8(r.Uint32()), NextHeader: proto, SrcIP: net.IP(bytes(16)), DstIP: net.IP(bytes(16))}
	}
	var transport gopacket.SerializableLayer
	switch proto {
	case layers.IPProtocolTCP:
		tcp := &layers.TCP{SrcPort: layers.TCPPort(1 + r.IntN(65535)), DstPort: layers.TCPPort(1 + r.IntN(65535)),
			Seq: r.Uint32(), Ack: r.Uint32(), Window: uint16(r.Uint32()), SYN: r.IntN(2) == 0, ACK: r.IntN(2) == 0,
			FIN: r.IntN(2) == 0, RST: r.IntN(2) == 0, PSH: r.IntN(2) == 0, ECE: r.IntN(2) == 0, CWR: r.IntN(2) == 0}
		for _, o := range []layers.TCPOption{
			{OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindMSS, OptionData: bytes(2)},
			{OptionType: layers.TCPOptionKindTimestamps, OptionData: bytes(8)},
			{OptionType: layers.TCPOptionKindSACK, OptionData: bytes(8 * (1 + r.IntN(2)))},
		} {
			if r.IntN(2) == 0 {
				tcp.Options = append(tcp.Options, o)
			}
		}
		transport = tcp
	case layers.IPProtocolUDP: // of no tunnel
		transport = &layers.UDP{SrcPort: 1, DstPort: layers.UDPPort(1 + r.IntN(1000))}
	default:
		transport = &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}
	}
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true}
	payload := gopacket.Payload(bytes(50 + r.IntN(100)))
	if err := gopacket.SerializeLayers(b, o, ether(kind), network, transport, payload); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOracle holds what is decoded to what the library decodes of the same frames.
func TestOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var d Decoder
	for n := range 5000 {
		frame := random(t, r)
		var p Packet
		d.Ethernet(frame, len(frame), &p)
		want := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.NoCopy)
		fail := func(what string) { t.Errorf("frame %d, %x: %s: got %+v, want %s", n, frame, what, p, want) }
		switch ip := want.NetworkLayer().(type) {
		case *layers.IPv4:
			if !net.IP(p.Src.AsSlice()).Equal(ip.SrcIP) || !net.IP(p.Dst.AsSlice()).Equal(ip.DstIP) ||
				p.TTL != ip.TTL || p.ID != ip.Id || p.DF != (ip.Flags&layers.IPv4DontFragment != 0) ||
				p.IPLen != int32(ip.Length) {
				fail("ipv4")
			}
		case *layers.IPv6:
			if !net.IP(p.Src.AsSlice()).Equal(ip.SrcIP) || !net.IP(p.Dst.AsSlice()).Equal(ip.DstIP) ||
				p.TTL != ip.HopLimit || p.IPLen != int32(ip.Length)+40 {
				fail("ipv6")
			}
		}
		switch x := want.TransportLayer().(type) {
		case *layers.TCP:
			flags := TCPFlags(frame[len(frame)-len(x.Payload)-len(x.Contents)+13])
			if p.SrcPort != uint16(x.SrcPort) || p.DstPort != uint16(x.DstPort) || p.Seq != x.Seq || p.Ack != x.Ack ||
				p.Window != x.Window || p.Flags != flags || p.Flags.Has(SYN) != x.SYN || p.Flags.Has(ACK) != x.ACK {
				fail("tcp")
			}
			if string(d.Payload()) != string(x.Payload) || int(p.PayloadLen) != len(x.Payload) ||
				p.NoOptions != (len(x.Options) == 0) {
				fail("tcp payload")
			}
		case *layers.UDP:
			if p.SrcPort != uint16(x.SrcPort) || p.DstPort != uint16(x.DstPort) ||
				string(d.Payload()) != string(x.Payload) {
				fail("udp")
			}
		default:
			m, icmp := p.ICMP(), want.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
			if m == nil || m.Type != icmp.TypeCode.Type() || m.Code != icmp.TypeCode.Code() ||
				int(p.PayloadLen) != len(icmp.Payload) {
				fail("icmp")
			}
		}
	}
}
