package forge

import (
	"errors"
	"fmt"
	"net/netip"

	"netrepro/engine/packet"
)

// Packet says what a forged packet is.
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

// Options are the TCP options of a forged segment.
type Options struct {
	MSS           int // below 0 is none
	WScale        int // below 0 is none
	SACKPermitted bool
	HasTS         bool
	TSVal, TSEcr  uint32
	SACK          []packet.Block
}

// NoOptions is a segment without options.
var NoOptions = Options{MSS: -1, WScale: -1}

// DefaultTTL is what Linux sends with (net.ipv4.ip_default_ttl).
const DefaultTTL = 64

// Build makes the frame of p, checksums and lengths right.
func (p *Packet) Build() ([]byte, error) {
	if !p.Src.IsValid() || !p.Dst.IsValid() || p.Src.Is4() != p.Dst.Is4() {
		return nil, errors.New("a packet needs a source and a destination address of one IP version")
	}
	head, err := p.transport()
	if err != nil {
		return nil, err
	}
	size := len(head) + len(p.Payload)
	b := append(make([]byte, 0, etherSize+ip6Size+size), p.DstMAC[:]...)
	b = append(b, p.SrcMAC[:]...)
	b = append(b, p.Tag...)
	if p.Src.Is4() {
		b = p.ipv4(be.AppendUint16(b, etherIPv4), size)
	} else {
		b = p.ipv6(be.AppendUint16(b, etherIPv6), size)
	}
	if n := len(b) + size - etherSize - len(p.Tag); n > 0xffff {
		return nil, fmt.Errorf("a packet of %d bytes is longer than IP allows", n)
	}
	b = append(append(b, head...), p.Payload...)
	l := Parse(b)
	if l.Version == 4 {
		be.PutUint16(b[l.Net+10:], ^fold(l.netSum(b)))
	}
	if at := l.checksumAt(); at >= 0 {
		be.PutUint16(b[at:], ^fold(l.transSum(b)))
		if l.Proto == protoUDP && be.Uint16(b[at:]) == 0 {
			be.PutUint16(b[at:], 0xffff)
		}
	}
	return b, nil
}

func (p *Packet) ipv4(b []byte, size int) []byte {
	frag := uint16(0)
	if p.DF {
		frag = 0x4000
	}
	b = append(b, 0x45, p.TOS)
	b = be.AppendUint16(b, uint16(ip4Size+size))
	b = be.AppendUint16(b, p.ID)
	b = be.AppendUint16(b, frag)
	b = append(b, p.TTL, p.Proto, 0, 0)
	b = append(b, p.Src.AsSlice()...)
	return append(b, p.Dst.AsSlice()...)
}

func (p *Packet) ipv6(b []byte, size int) []byte {
	b = be.AppendUint32(b, 6<<28|uint32(p.TOS)<<20)
	b = be.AppendUint16(b, uint16(size))
	b = append(b, p.Proto, p.TTL)
	b = append(b, p.Src.AsSlice()...)
	return append(b, p.Dst.AsSlice()...)
}

// transport is the transport header, its checksum zero.
func (p *Packet) transport() ([]byte, error) {
	switch p.Proto {
	case protoTCP:
		o, err := p.Options.bytes()
		if err != nil {
			return nil, err
		}
		b := be.AppendUint16(nil, p.SrcPort)
		b = be.AppendUint16(b, p.DstPort)
		b = be.AppendUint32(b, p.Seq)
		b = be.AppendUint32(b, p.Ack)
		b = append(b, byte((tcpSize+len(o))/4)<<4, byte(p.Flags))
		b = be.AppendUint16(b, p.Window)
		b = be.AppendUint16(b, 0)
		return append(be.AppendUint16(b, p.Urgent), o...), nil
	case protoUDP:
		b := be.AppendUint16(nil, p.SrcPort)
		b = be.AppendUint16(b, p.DstPort)
		b = be.AppendUint16(b, uint16(udpSize+len(p.Payload)))
		return be.AppendUint16(b, 0), nil
	case protoICMP, protoICMPv6:
		return be.AppendUint32([]byte{p.ICMPType, p.ICMPCode, 0, 0}, p.ICMPRest), nil
	}
	return nil, nil
}

// maxOptions is what a TCP header has room for (RFC 9293, section 3.1).
const maxOptions = 40

// bytes writes the options in Linux's order, padded to four bytes
// (tcp_options_write of net/ipv4/tcp_output.c).
func (o *Options) bytes() ([]byte, error) {
	var b []byte
	if o.MSS >= 0 {
		b = be.AppendUint16(append(b, packet.TCPOptMSS, 4), uint16(o.MSS))
	}
	switch {
	case o.HasTS && o.SACKPermitted:
		b = append(b, packet.TCPOptSACKPermitted, 2)
	case o.HasTS:
		b = append(b, packet.TCPOptNop, packet.TCPOptNop)
	case o.SACKPermitted:
		b = append(b, packet.TCPOptNop, packet.TCPOptNop, packet.TCPOptSACKPermitted, 2)
	}
	if o.HasTS {
		b = be.AppendUint32(be.AppendUint32(append(b, packet.TCPOptTimestamps, 10), o.TSVal), o.TSEcr)
	}
	if o.WScale >= 0 {
		b = append(b, packet.TCPOptNop, packet.TCPOptWScale, 3, byte(o.WScale))
	}
	if len(o.SACK) > 0 {
		b = append(b, packet.TCPOptNop, packet.TCPOptNop, packet.TCPOptSACK, byte(2+8*len(o.SACK)))
		for _, s := range o.SACK {
			b = be.AppendUint32(be.AppendUint32(b, s.Left), s.Right)
		}
	}
	if len(b) > maxOptions {
		return nil, fmt.Errorf("TCP options of %d bytes do not fit the %d there are", len(b), maxOptions)
	}
	return b, nil
}

// TagOf is the 802.1Q tag of a frame, nil if it has none.
func TagOf(frame []byte) []byte {
	l := Parse(frame)
	if l.VLAN < 0 {
		return nil
	}
	return frame[l.VLAN : l.VLAN+vlanSize : l.VLAN+vlanSize]
}

// Quote is what an ICMP error quotes of a frame: the IP packet up to 576 bytes
// of the whole error (RFC 1812, section 4.3.2.3), up to 1280 with IPv6 (RFC
// 4443, section 2.4). It is nil if the frame is no IP packet.
func Quote(frame []byte) []byte {
	l := Parse(frame)
	if l.Net < 0 {
		return nil
	}
	most := 576 - ip4Size - icmpSize
	if l.Version == 6 {
		most = 1280 - ip6Size - icmpSize
	}
	return frame[l.Net:min(l.End, l.Net+most)]
}
