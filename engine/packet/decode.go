package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// EtherTypes that are decoded further.
const (
	EtherTypeIPv4 = 0x0800
	EtherTypeARP  = 0x0806
	EtherTypeIPv6 = 0x86dd
)

// Decoder decodes frames, reusing its buffers from one to the next. It is not
// safe for concurrent use.
type Decoder struct {
	eth layers.Ethernet
	ip4 layers.IPv4
	ip6 layers.IPv6
	tcp layers.TCP
	udp layers.UDP
}

// Ethernet decodes an Ethernet frame of which data are the captured bytes and
// wireLen the length on the wire, into p. What p held before is gone. Damage
// is not an error: it is noted in p.Malformed() and the fields read so far stand.
func (d *Decoder) Ethernet(data []byte, wireLen int, p *Packet) {
	*p = Packet{Length: int32(wireLen), WScale: -1}
	// The library's decoders are known to slice past the end of short or
	// crafted layers; the trace must survive what it is shown.
	defer func() {
		if r := recover(); r != nil {
			p.more().malformed = fmt.Sprint(r)
		}
	}()
	if err := d.eth.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
		p.more().malformed = err.Error()
		return
	}
	p.EtherType = uint16(d.eth.EthernetType)
	payload := d.eth.Payload
	switch p.EtherType {
	case EtherTypeIPv4:
		d.ipv4(payload, p)
	case EtherTypeIPv6:
		d.ipv6(payload, p)
	}
}

func (d *Decoder) ipv4(data []byte, p *Packet) {
	if err := d.ip4.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
		p.more().malformed = err.Error()
		return
	}
	ip := &d.ip4
	p.Src, p.Dst = addr(ip.SrcIP), addr(ip.DstIP)
	p.Proto, p.TTL, p.ID = uint8(ip.Protocol), ip.TTL, ip.Id
	p.DF = ip.Flags&layers.IPv4DontFragment != 0
	p.IPLen = int32(ip.Length)
	if ip.FragOffset != 0 {
		p.Fragment = true
		return
	}
	d.transport(ip.Payload, int(p.IPLen)-int(ip.IHL)*4, p)
}

func (d *Decoder) ipv6(data []byte, p *Packet) {
	if err := d.ip6.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
		p.more().malformed = err.Error()
		return
	}
	ip := &d.ip6
	p.Src, p.Dst = addr(ip.SrcIP), addr(ip.DstIP)
	p.Proto, p.TTL = uint8(ip.NextHeader), ip.HopLimit
	p.IPLen = 40 + int32(ip.Length)
	d.transport(ip.Payload, int(ip.Length), p)
}

// transport decodes the layer above IP; size is its length by the IP header,
// which may be more than was captured.
func (d *Decoder) transport(data []byte, size int, p *Packet) {
	switch p.Proto {
	case ProtoTCP:
		if len(data) < 20 {
			p.more().malformed = "TCP header shorter than 20 bytes"
			return
		}
		d.tcp.Options = d.tcp.Options[:0]
		// With a damaged option the fields before it stand.
		if err := d.tcp.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
			p.more().malformed = err.Error()
		}
		t := &d.tcp
		p.SrcPort, p.DstPort = uint16(t.SrcPort), uint16(t.DstPort)
		p.Seq, p.Ack, p.Window = t.Seq, t.Ack, t.Window
		p.Flags = TCPFlags(data[13])
		p.PayloadLen = int32(max(size-int(t.DataOffset)*4, 0))
		d.options(p)
	case ProtoUDP:
		if err := d.udp.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
			p.more().malformed = err.Error()
			return
		}
		p.SrcPort, p.DstPort = uint16(d.udp.SrcPort), uint16(d.udp.DstPort)
		p.PayloadLen = int32(max(size-8, 0))
	case ProtoICMP, ProtoICMPv6:
		p.PayloadLen = int32(max(size-8, 0))
		icmp(data, p)
	}
}

func (d *Decoder) options(p *Packet) {
	for i := range d.tcp.Options {
		o := &d.tcp.Options[i]
		v := o.OptionData
		switch o.OptionType {
		case layers.TCPOptionKindMSS:
			if len(v) == 2 {
				p.MSS = binary.BigEndian.Uint16(v)
			}
		case layers.TCPOptionKindWindowScale:
			if len(v) == 1 {
				p.WScale = int8(v[0])
			}
		case layers.TCPOptionKindSACKPermitted:
			p.SACKPermitted = true
		case layers.TCPOptionKindTimestamps:
			if len(v) == 8 {
				p.HasTS = true
				p.TSVal, p.TSEcr = binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])
			}
		case layers.TCPOptionKindSACK:
			r := p.more()
			for ; len(v) >= 8 && r.nsack < len(r.sack); v = v[8:] {
				r.sack[r.nsack] = Block{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])}
				r.nsack++
			}
		}
	}
}

// ICMP error types that quote a packet (RFC 792, RFC 4443).
const (
	icmpUnreachable   = 3
	icmpTimeExceeded  = 11
	icmpFragNeeded    = 4 // code of icmpUnreachable
	icmp6PacketTooBig = 2
)

func icmp(data []byte, p *Packet) {
	if len(data) < 8 {
		p.more().malformed = "icmp message shorter than 8 bytes"
		return
	}
	m := &ICMP{Type: data[0], Code: data[1]}
	p.more().icmp = m
	switch {
	case p.Proto == ProtoICMP && m.Type == icmpUnreachable && m.Code == icmpFragNeeded:
		m.MTU = int(binary.BigEndian.Uint16(data[6:]))
	case p.Proto == ProtoICMPv6 && m.Type == icmp6PacketTooBig:
		m.MTU = int(binary.BigEndian.Uint32(data[4:]))
	}
	isError := p.Proto == ProtoICMPv6 && m.Type < 128 ||
		p.Proto == ProtoICMP && (m.Type == icmpUnreachable || m.Type == icmpTimeExceeded)
	if isError {
		m.Quoted = quote(data[8:])
	}
}

// quote reads the beginning of an IP packet; routers may quote as little as
// the IP header and eight bytes, so the transport decoders cannot be used.
func quote(data []byte) *Quote {
	q := &Quote{}
	var l4 []byte
	switch {
	case len(data) >= 20 && data[0]>>4 == 4:
		q.Proto, q.Src, q.Dst = data[9], addr(data[12:16]), addr(data[16:20])
		if n := int(data[0]&15) * 4; n <= len(data) {
			l4 = data[n:]
		}
	case len(data) >= 40 && data[0]>>4 == 6:
		q.Proto, q.Src, q.Dst = data[6], addr(data[8:24]), addr(data[24:40])
		l4 = data[40:]
	default:
		return nil
	}
	if len(l4) >= 8 && (q.Proto == ProtoTCP || q.Proto == ProtoUDP) {
		q.SrcPort, q.DstPort = binary.BigEndian.Uint16(l4), binary.BigEndian.Uint16(l4[2:])
		if q.Proto == ProtoTCP {
			q.Seq = binary.BigEndian.Uint32(l4[4:])
		}
	}
	return q
}

func addr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
