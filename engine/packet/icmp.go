package packet

import "netrepro/engine/packet/header"

// ICMP error types that quote a packet (RFC 792, RFC 4443).
const (
	icmpUnreachable   = 3
	icmpSourceQuench  = 4
	icmpTimeExceeded  = 11
	icmpParameter     = 12
	icmpFragNeeded    = 4 // code of icmpUnreachable
	icmp6PacketTooBig = 2

	quotedLeast = 8 // bytes of the transport header (RFC 792)
)

func icmp(data []byte, p *Packet) {
	m := ReadICMP(p.Proto, data)
	if m == nil {
		p.more().malformed = "icmp message shorter than 8 bytes"
		return
	}
	p.more().icmp = m
}

// ReadICMP reads a message of protocol proto, [ProtoICMP] or [ProtoICMPv6]; it is
// nil if data is shorter than its header.
func ReadICMP(proto uint8, data []byte) *ICMP {
	if len(data) < header.ICMPSize {
		return nil
	}
	m := &ICMP{Type: header.ICMPType.Get(data), Code: header.ICMPCode.Get(data)}
	switch {
	case proto == ProtoICMP && m.Type == icmpUnreachable && m.Code == icmpFragNeeded:
		m.MTU = int(header.ICMPMTU4.Get(data))
	case proto == ProtoICMPv6 && m.Type == icmp6PacketTooBig:
		m.MTU = int(header.ICMPMTU6.Get(data))
	}
	if isError(proto, m.Type) {
		m.Quoted = quote(data[header.ICMPSize:])
	}
	return m
}

// isError reports whether messages of a type quote a packet.
func isError(proto, kind uint8) bool {
	if proto == ProtoICMPv6 {
		return kind < 128
	}
	switch kind {
	case icmpUnreachable, icmpTimeExceeded, icmpSourceQuench, icmpParameter:
		return true
	}
	return false
}

// quote reads the beginning of an IP packet; routers may quote as little as
// the IP header and eight bytes, so the transport decoders cannot be used.
func quote(data []byte) *Quote {
	ip, ok := header.ReadIP(data)
	if !ok {
		return nil
	}
	q := &Quote{Proto: ip.Proto, Src: ip.Src, Dst: ip.Dst}
	if len(ip.Rest) >= quotedLeast && (q.Proto == ProtoTCP || q.Proto == ProtoUDP) {
		q.SrcPort, q.DstPort = header.TCPSrcPort.Get(ip.Rest), header.TCPDstPort.Get(ip.Rest)
		if q.Proto == ProtoTCP {
			q.Seq = header.TCPSeq.Get(ip.Rest)
		}
	}
	if len(ip.Rest) >= tcpLeast && q.Proto == ProtoTCP {
		q.TCP, q.Flags = true, TCPFlags(header.TCPControl.Get(ip.Rest))
	}
	return q
}
