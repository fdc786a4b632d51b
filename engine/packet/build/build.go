// Package build makes the frames of packets that no kernel sent.
//
// The packet library's layers are not used: their tables take 19 ms and 6 MB of each process
// that starts, and every case starts one.
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
	b := gopacket.NewSerializeBuffer()
	for _, write := range []func(gopacket.SerializeBuffer) error{p.payload, p.transport, p.network} {
		if err := write(b); err != nil {
			return nil, err
		}
	}
	frame := Frame(p.DstMAC, p.SrcMAC, p.Tag, b.Bytes())
	header.SetChecksums(frame)
	return frame, nil
}

// payload writes what the transport header stands before.
func (p *Packet) payload(b gopacket.SerializeBuffer) error {
	h, err := room(b, len(p.Payload))
	copy(h, p.Payload)
	return err
}

// room is n bytes before what there is, zero: the buffer does not promise that.
func room(b gopacket.SerializeBuffer, n int) ([]byte, error) {
	h, err := b.PrependBytes(n)
	if err != nil {
		return nil, fmt.Errorf("build packet: %w", err)
	}
	clear(h)
	return h, nil
}

// network writes the IP header.
func (p *Packet) network(b gopacket.SerializeBuffer) error {
	size, behind := header.IPv4Size, len(b.Bytes())
	if p.Src.Is6() {
		size = header.IPv6Size
	}
	if size+behind > maxLength {
		return fmt.Errorf("a packet of %d bytes is longer than IP allows", size+behind)
	}
	h, err := room(b, size)
	if err != nil {
		return err
	}
	if p.Src.Is6() {
		header.IPv6Head.Put(h, 6<<28|uint32(p.TOS)<<20)
		header.IPv6Length.Put(h, uint16(behind))
		header.IPv6Next.Put(h, p.Proto)
		header.IPv6Hops.Put(h, p.TTL)
		header.IPv6Src.Put(h, p.Src)
		header.IPv6Dst.Put(h, p.Dst)
		return nil
	}
	header.IPv4Head.Put(h, 4<<4|header.IPv4Size/4)
	header.IPv4TOS.Put(h, p.TOS)
	header.IPv4Length.Put(h, uint16(size+behind))
	header.IPv4ID.Put(h, p.ID)
	if p.DF {
		header.IPv4Fragment.Put(h, header.DontFragment)
	}
	header.IPv4TTL.Put(h, p.TTL)
	header.IPv4Proto.Put(h, p.Proto)
	header.IPv4Src.Put(h, p.Src)
	header.IPv4Dst.Put(h, p.Dst)
	return nil
}

// transport writes the transport header, none if the protocol has none here.
func (p *Packet) transport(b gopacket.SerializeBuffer) error {
	switch p.Proto {
	case packet.ProtoTCP:
		return p.tcp(b)
	case packet.ProtoUDP:
		length := header.UDPSize + len(b.Bytes())
		h, err := room(b, header.UDPSize)
		if err != nil {
			return err
		}
		header.UDPSrcPort.Put(h, p.SrcPort)
		header.UDPDstPort.Put(h, p.DstPort)
		header.UDPLength.Put(h, uint16(length)) // one too long is refused with its IP header
	case packet.ProtoICMP, packet.ProtoICMPv6:
		h, err := room(b, header.ICMPSize)
		if err != nil {
			return err
		}
		header.ICMPType.Put(h, p.ICMPType)
		header.ICMPCode.Put(h, p.ICMPCode)
		header.ICMPID.Put(h, uint16(p.ICMPRest>>16))
		header.ICMPSeq.Put(h, uint16(p.ICMPRest))
	}
	return nil
}

// tcp writes the TCP header with its options.
func (p *Packet) tcp(b gopacket.SerializeBuffer) error {
	options, err := p.Options.bytes()
	if err != nil {
		return err
	}
	size := header.TCPSize + len(options)
	h, err := room(b, size)
	if err != nil {
		return err
	}
	header.TCPSrcPort.Put(h, p.SrcPort)
	header.TCPDstPort.Put(h, p.DstPort)
	header.TCPSeq.Put(h, p.Seq)
	header.TCPAck.Put(h, p.Ack)
	header.TCPHead.Put(h, uint8(size/4)<<4)
	header.TCPControl.Put(h, uint8(p.Flags))
	header.TCPWindow.Put(h, p.Window)
	header.TCPUrgent.Put(h, p.Urgent)
	copy(h[header.TCPSize:], options)
	return nil
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
