package packet

import "encoding/binary"

// ICMP error types that quote a packet (RFC 792, RFC 4443).
const (
	icmpUnreachable   = 3
	icmpSourceQuench  = 4
	icmpTimeExceeded  = 11
	icmpParameter     = 12
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
		p.Proto == ProtoICMP && (m.Type == icmpUnreachable || m.Type == icmpTimeExceeded || m.Type == icmpSourceQuench || m.Type == icmpParameter)
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
	if len(l4) >= tcpLeast && q.Proto == ProtoTCP {
		q.TCP, q.Flags = true, TCPFlags(l4[13])
	}
	return q
}
