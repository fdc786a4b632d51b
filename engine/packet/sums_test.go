package packet

import (
	"bytes"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"netrepro/engine/packet/header"
)

// summed are frames of each protocol with a checksum, and where that stands.
func summed(t testing.TB) map[string]struct {
	frame []byte
	at    int
} {
	t.Helper()
	type frame = struct {
		frame []byte
		at    int
	}
	out := map[string]frame{}
	payload := gopacket.Payload("an odd number of bytes!")
	for _, v6 := range []bool{false, true} {
		name, kind, size := "4", layers.EthernetTypeIPv4, header.IPv4Size
		if v6 {
			name, kind, size = "6", layers.EthernetTypeIPv6, header.IPv6Size
		}
		type maker = func(n gopacket.NetworkLayer) gopacket.SerializableLayer
		add := func(proto string, p layers.IPProtocol, at int, make maker) {
			ip4 := ip4(p)
			ip6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: bytes.Repeat([]byte{0x20}, 16),
				DstIP: bytes.Repeat([]byte{0x21}, 16)}
			var n gopacket.SerializableLayer = ip4
			var net gopacket.NetworkLayer = ip4
			if v6 {
				n, net = ip6, ip6
			}
			f := build(t, ether(kind), n, make(net), payload)
			out[proto+" over IPv"+name] = frame{f, header.EthernetSize + size + at}
		}
		add("TCP", layers.IPProtocolTCP, int(header.TCPChecksum), func(n gopacket.NetworkLayer) gopacket.SerializableLayer {
			l := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, ACK: true}
			_ = l.SetNetworkLayerForChecksum(n)
			return l
		})
		add("UDP", layers.IPProtocolUDP, int(header.UDPChecksum), func(n gopacket.NetworkLayer) gopacket.SerializableLayer {
			l := &layers.UDP{SrcPort: 1, DstPort: 2}
			_ = l.SetNetworkLayerForChecksum(n)
			return l
		})
		if v6 {
			add("ICMP", layers.IPProtocolICMPv6, int(header.ICMPChecksum),
				func(n gopacket.NetworkLayer) gopacket.SerializableLayer {
					l := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}
					_ = l.SetNetworkLayerForChecksum(n)
					return l
				})
		} else {
			add("ICMP", layers.IPProtocolICMPv4, int(header.ICMPChecksum),
				func(gopacket.NetworkLayer) gopacket.SerializableLayer {
					return &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}
				})
		}
	}
	return out
}

func TestSums(t *testing.T) {
	for name, s := range summed(t) {
		field := header.Uint16(s.at)
		changed := func(f func(b []byte)) []byte {
			b := bytes.Clone(s.frame)
			f(b)
			return b
		}
		state := func(sums bool, b []byte, length int) Checksum {
			d := Decoder{Sums: sums}
			var p Packet
			d.Ethernet(b, length, &p)
			return p.Checksum
		}
		n := len(s.frame)
		wrong := changed(func(b []byte) { b[n-1]++ })
		padded := append(bytes.Clone(s.frame), 1, 2, 3)
		none := BadSum
		if name[:3] == "UDP" {
			none = Unchecked
		}
		for _, c := range []struct {
			what      string
			got, want Checksum
		}{
			{"as it was made", state(true, s.frame, n), GoodSum},
			{"with something behind the packet", state(true, padded, len(padded)), GoodSum},
			{"with another byte", state(true, wrong, n), BadSum},
			{"not looked at", state(false, wrong, n), Unchecked},
			{"cut", state(true, s.frame[:n-1], n), Unchecked},
			{"zero", state(true, changed(func(b []byte) { field.Put(b, 0) }), n), none},
		} {
			if c.got != c.want {
				t.Errorf("%s, %s: got %d, want %d", name, c.what, c.got, c.want)
			}
		}
	}
}

// TestPartialSum knows the checksum that is left to the network card.
func TestPartialSum(t *testing.T) {
	for name, s := range summed(t) {
		if name[:4] == "ICMP" {
			continue
		}
		l := header.Parse(s.frame)
		from, n := l.Net+header.IPv4Src.Offset(), 2*header.IPv4Src.Size()
		if l.Version == 6 {
			from, n = l.Net+header.IPv6Src.Offset(), 2*header.IPv6Src.Size()
		}
		length := l.End - l.Trans
		head := append(bytes.Clone(s.frame[from:from+n]), byte(length>>8), byte(length), 0, l.Proto)
		pseudo := ^header.Checksum(head)
		b := bytes.Clone(s.frame)
		header.Uint16(s.at).Put(b, pseudo)
		d := Decoder{Sums: true}
		var p Packet
		if d.Ethernet(b, len(b), &p); p.Checksum != PartialSum {
			t.Errorf("%s: got %d", name, p.Checksum)
		}
	}
}

// TestSumsOfFragments knows nothing of the checksum of a fragment, and that of what was
// joined.
func TestSumsOfFragments(t *testing.T) {
	d := Decoder{Sums: true, Defragment: true}
	alone := Decoder{Sums: true}
	var p Packet
	for i, f := range fragments(t, 24) {
		alone.Ethernet(f, len(f), &p)
		if p.Checksum != Unchecked {
			t.Errorf("fragment %d alone: got %d", i, p.Checksum)
		}
		d.Ethernet(f, len(f), &p)
	}
	if p.Checksum != GoodSum {
		t.Errorf("joined: got %d", p.Checksum)
	}
}

func BenchmarkFrame(b *testing.B) {
	frame := tcpSegment(b)
	long := append(bytes.Clone(frame), make([]byte, 1400)...)
	header.IPv4Length.Put(long[header.EthernetSize:], uint16(len(long)-header.EthernetSize))
	for name, data := range map[string][]byte{"short": frame, "long": long} {
		for sums, d := range map[string]*Decoder{"": {}, "sums": {Sums: true}} {
			b.Run(name+sums, func(b *testing.B) {
				var p Packet
				for b.Loop() {
					d.Ethernet(data, len(data), &p)
				}
			})
		}
	}
}
