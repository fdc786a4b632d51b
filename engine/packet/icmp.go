package packet

import (
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
)

// ICMP error types that quote a packet (RFC 792, RFC 4443).
const (
	icmpUnreachable   = 3
	icmpSourceQuench  = 4
	icmpRedirect      = 5 // no error, but it quotes as they do
	icmpTimeExceeded  = 11
	icmpParameter     = 12
	icmpFragNeeded    = 4 // code of icmpUnreachable
	icmp6PacketTooBig = 2
	icmpEchoReply     = 0
	icmpEchoRequest   = 8
	icmp6EchoRequest  = 128
	icmp6EchoReply    = 129

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
	if request, reply := m.Echo(proto); request || reply {
		m.EchoKey = EchoKey{header.ICMPEchoID.Get(data), header.ICMPEchoSeq.Get(data)}
	}
	if isError(proto, m.Type) {
		m.Quoted = quote(data[header.ICMPSize:])
	}
	return m
}

// EchoKey tells the echoes of one host apart: the identifier of the program that sends them, and
// the number of each (RFC 792, RFC 4443).
type EchoKey struct{ ID, Seq uint16 }

// Echo reports whether a message of protocol proto is an echo request or the reply to one
// (RFC 792, RFC 4443).
func (m *ICMP) Echo(proto uint8) (request, reply bool) {
	if proto == ProtoICMPv6 {
		return m.Type == icmp6EchoRequest, m.Type == icmp6EchoReply
	}
	return m.Type == icmpEchoRequest, m.Type == icmpEchoReply
}

// isError reports whether messages of a type quote a packet.
func isError(proto, kind uint8) bool {
	if proto == ProtoICMPv6 {
		return kind < 128
	}
	switch kind {
	case icmpUnreachable, icmpTimeExceeded, icmpSourceQuench, icmpRedirect, icmpParameter:
		return true
	}
	return false
}

// quote reads the beginning of an IP packet; routers may quote as little as
// the IP header and eight bytes, so the transport decoders cannot be used. Of a tunnel
// it is the packet within, as far as that is quoted.
func quote(data []byte) *Quote {
	var path encap.Path
	for q, size := (*Quote)(nil), len(data); ; {
		ip, ok := header.ReadIP(data)
		if !ok {
			return q
		}
		proto, rest := upper(ip, data)
		q = &Quote{Proto: proto, Src: ip.Src, Dst: ip.Dst}
		q.transport(rest)
		in, ok := path.Protocol(proto, rest, size)
		if proto == ProtoUDP && len(rest) > header.UDPSize {
			in, ok = path.UDP(q.SrcPort, q.DstPort, rest[header.UDPSize:], size)
		}
		if !ok || !in.IP() {
			return q
		}
		data, size = in.Data, in.Size
	}
}

// transport reads what is quoted of a transport header.
func (q *Quote) transport(b []byte) {
	if len(b) < quotedLeast || q.Proto != ProtoTCP && q.Proto != ProtoUDP {
		return
	}
	q.SrcPort, q.DstPort = header.TCPSrcPort.Get(b), header.TCPDstPort.Get(b)
	if q.Proto != ProtoTCP {
		return
	}
	q.Seq = header.TCPSeq.Get(b)
	if len(b) >= tcpLeast {
		q.TCP, q.Flags, q.Ack = true, TCPFlags(header.TCPControl.Get(b)), header.TCPAck.Get(b)
	}
}

// upper is the protocol above IP and what was captured of it: behind the extension
// headers, and behind an authentication header. It is nil where the header of that
// protocol is in another fragment, or where a header is not whole. b is the packet that
// h is of.
func upper(h header.IPHead, b []byte) (proto uint8, rest []byte) {
	proto, rest = h.Proto, h.Rest
	if header.Version(b) == 4 && header.IPv4Fragment.Get(b)&header.FragmentOffset != 0 {
		return proto, nil
	}
	for {
		n := 0
		switch proto {
		case header.ProtoHopByHop, header.ProtoRouting, header.ProtoDest, header.ProtoMobility, header.ProtoShim6:
			if header.Version(b) == 6 && len(rest) >= header.FragmentSize {
				n = 8 + int(header.ExtLength.Get(rest))*8
			}
		case header.ProtoAuth:
			n = header.AuthLen(rest)
		case header.ProtoFragment:
			if len(rest) >= header.FragmentSize {
				n = header.FragmentSize
				if from, _ := header.FragmentPlace(rest); from > 0 {
					return header.ExtNext.Get(rest), nil
				}
			}
		default:
			return proto, rest
		}
		if n == 0 || n > len(rest) {
			return proto, nil
		}
		proto, rest = header.ExtNext.Get(rest), rest[n:]
	}
}
