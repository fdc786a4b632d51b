// Package build makes the frames of packets that no kernel sent, with the packet
// library.
//
// It knows no connection: what a packet says is for its callers to choose. Package
// header changes frames that there are.
package build

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// Packet says what a packet is.
type Packet struct {
	SrcMAC, DstMAC [6]byte
	Src, Dst       netip.Addr
	Proto          uint8  // TCP, UDP, ICMP, ICMPv6 or, with Payload behind the IP header, any
	Tag            []byte // 802.1Q tag, four bytes with its EtherType; nil for none
	TTL            uint8  // or hop limit
	TOS            uint8  // or traffic class
	ID             uint16
	DF             bool

	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            packet.TCPFlags
	Window           uint16
	Urgent           uint16
	Options          Options

	ICMPType, ICMPCode uint8
	ICMPRest           uint32 // the four bytes behind the checksum

	Payload []byte
}

// DefaultTTL is what Linux sends with (net.ipv4.ip_default_ttl).
const DefaultTTL = 64

// maxLength is the longest packet that the length field of IPv4 can name.
const maxLength = 0xffff

// Build makes the frame of p, checksums and lengths right.
func (p *Packet) Build() ([]byte, error) {
	if !p.Src.IsValid() || !p.Dst.IsValid() || p.Src.Is4() != p.Dst.Is4() {
		return nil, errors.New("a packet needs a source and a destination address of one IP version")
	}
	transport, err := p.transport()
	if err != nil {
		return nil, err
	}
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true}
	if err := gopacket.SerializeLayers(b, o, append(transport, gopacket.Payload(p.Payload))...); err != nil {
		return nil, fmt.Errorf("build packet: %w", err)
	}
	network, size := p.network()
	if n := size + len(b.Bytes()); n > maxLength {
		return nil, fmt.Errorf("a packet of %d bytes is longer than IP allows", n)
	}
	if err := network.SerializeTo(b, o); err != nil {
		return nil, fmt.Errorf("build packet: %w", err)
	}
	frame := Frame(p.DstMAC, p.SrcMAC, p.Tag, b.Bytes())
	header.SetChecksums(frame)
	return frame, nil
}

// network is the IP header, and how many bytes it has.
func (p *Packet) network() (gopacket.SerializableLayer, int) {
	if p.Src.Is4() {
		ip := &layers.IPv4{Version: 4, TOS: p.TOS, Id: p.ID, TTL: p.TTL, Protocol: layers.IPProtocol(p.Proto),
			SrcIP: p.Src.AsSlice(), DstIP: p.Dst.AsSlice()}
		if p.DF {
			ip.Flags = layers.IPv4DontFragment
		}
		return ip, header.IPv4Size
	}
	return &layers.IPv6{Version: 6, TrafficClass: p.TOS, HopLimit: p.TTL, NextHeader: layers.IPProtocol(p.Proto),
		SrcIP: p.Src.AsSlice(), DstIP: p.Dst.AsSlice()}, header.IPv6Size
}

// transport is the transport header, none if the protocol has none here.
func (p *Packet) transport() ([]gopacket.SerializableLayer, error) {
	switch p.Proto {
	case packet.ProtoTCP:
		o, err := p.Options.layers()
		if err != nil {
			return nil, err
		}
		f := p.Flags
		return []gopacket.SerializableLayer{&layers.TCP{
			SrcPort: layers.TCPPort(p.SrcPort), DstPort: layers.TCPPort(p.DstPort), Seq: p.Seq, Ack: p.Ack,
			FIN: f.Has(packet.FIN), SYN: f.Has(packet.SYN), RST: f.Has(packet.RST), PSH: f.Has(packet.PSH),
			ACK: f.Has(packet.ACK), URG: f.Has(packet.URG), ECE: f.Has(packet.ECE), CWR: f.Has(packet.CWR),
			Window: p.Window, Urgent: p.Urgent, Options: o}}, nil
	case packet.ProtoUDP:
		return []gopacket.SerializableLayer{
			&layers.UDP{SrcPort: layers.UDPPort(p.SrcPort), DstPort: layers.UDPPort(p.DstPort)}}, nil
	case packet.ProtoICMP, packet.ProtoICMPv6:
		// ICMPv6 begins with the same fields.
		kind := layers.CreateICMPv4TypeCode(p.ICMPType, p.ICMPCode)
		return []gopacket.SerializableLayer{
			&layers.ICMPv4{TypeCode: kind, Id: uint16(p.ICMPRest >> 16), Seq: uint16(p.ICMPRest)}}, nil
	}
	return nil, nil
}

// Frame is an Ethernet frame of an IP packet, which says its version itself. tag is
// an 802.1Q tag with its EtherType, nil for none.
func Frame(dst, src [6]byte, tag, ip []byte) []byte {
	kind := uint16(header.EtherTypeIPv4)
	if header.Version(ip) == 6 {
		kind = header.EtherTypeIPv6
	}
	b := make([]byte, 0, header.EthernetSize+len(tag)+len(ip))
	b = append(append(append(b, dst[:]...), src[:]...), tag...)
	return append(binary.BigEndian.AppendUint16(b, kind), ip...)
}

// Quote is what an ICMP error quotes of a frame: the IP packet up to 576 bytes
// of the whole error (RFC 1812, section 4.3.2.3), up to 1280 with IPv6 (RFC
// 4443, section 2.4). It is nil if the frame is no IP packet.
func Quote(frame []byte) []byte {
	l := header.Parse(frame)
	if l.Net < 0 {
		return nil
	}
	most := 576 - header.IPv4Size - header.ICMPSize
	if l.Version == 6 {
		most = 1280 - header.IPv6Size - header.ICMPSize
	}
	return frame[l.Net:min(l.End, l.Net+most)]
}
