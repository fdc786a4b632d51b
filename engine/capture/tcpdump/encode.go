package tcpdump

import (
	"net/netip"

	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet/header"
)

// transport is the transport header of p.
func transport(p *told.Packet, src, dst netip.AddrPort, quote []byte) []byte {
	switch {
	case p.Later:
		return nil
	case p.Proto == header.ProtoTCP:
		b := make([]byte, header.TCPSize, header.TCPSize+len(p.Options))
		header.TCPSrcPort.Put(b, src.Port())
		header.TCPDstPort.Put(b, dst.Port())
		header.TCPSeq.Put(b, p.Seq)
		header.TCPAck.Put(b, p.Ack)
		head := byte((len(b)+len(p.Options)+p.Hidden())/4) << 4
		if p.Flags.Has(header.AE) {
			head |= 1
		}
		header.TCPHead.Put(b, head)
		header.TCPControl.Put(b, uint8(p.Flags))
		header.TCPWindow.Put(b, p.Window)
		header.TCPUrgent.Put(b, p.Urgent)
		return append(b, p.Options...)
	case p.Proto == header.ProtoUDP:
		b := make([]byte, header.UDPSize)
		header.UDPSrcPort.Put(b, src.Port())
		header.UDPDstPort.Put(b, dst.Port())
		header.UDPLength.Put(b, uint16(min(header.UDPSize+p.Payload, 1<<16-1)))
		return append(b, p.Body...)
	}
	return append(p.Body[:len(p.Body):len(p.Body)], quote...)
}

// long is a length as IP writes it, 0 if it is more than that: as captured from a
// device that does the segmentation.
func long(n int) uint16 {
	if n >= 1<<16 {
		return 0
	}
	return uint16(n)
}

// fragmentUnit is what the offset of a fragment counts in.
const fragmentUnit = 8

// encode appends the packet up to where its payload would begin.
func encode(b []byte, p *told.Packet, src, dst netip.AddrPort, quote []byte) []byte {
	head := transport(p, src, dst, quote)
	p.Payload = max(p.Payload-len(quote), 0)
	if p.Proto == header.ProtoUDP { // the header of a DNS message is a part of it
		p.Payload = max(p.Payload-len(p.Body), 0)
	}
	n := len(head) + p.Payload + p.Hidden()
	if src.Addr().Is4() {
		ip := make([]byte, header.IPv4Size)
		header.IPv4Head.Put(ip, 4<<4|header.IPv4Size/4)
		header.IPv4Length.Put(ip, long(len(ip)+n))
		header.IPv4ID.Put(ip, p.ID)
		if p.DF {
			header.IPv4Fragment.Put(ip, header.DontFragment)
		}
		if p.Later {
			header.IPv4Fragment.Put(ip, uint16(max(p.Offset/fragmentUnit, 1))&header.FragmentOffset)
		}
		header.IPv4TTL.Put(ip, p.TTL)
		header.IPv4Proto.Put(ip, p.Proto)
		header.IPv4Src.Put(ip, src.Addr())
		header.IPv4Dst.Put(ip, dst.Addr())
		return append(append(b, ip...), head...)
	}
	ip := make([]byte, header.IPv6Size)
	next := p.Proto
	if p.Later {
		frag := make([]byte, header.FragmentSize)
		header.ExtNext.Put(frag, p.Proto)
		header.FragmentField.Put(frag, uint16(max(p.Offset/fragmentUnit, 1)*fragmentUnit))
		head, next = append(frag, head...), header.ProtoFragment
		n += len(frag)
	}
	header.IPv6Head.Put(ip, 6<<28)
	header.IPv6Length.Put(ip, long(n))
	header.IPv6Next.Put(ip, next)
	header.IPv6Hops.Put(ip, p.TTL)
	header.IPv6Src.Put(ip, src.Addr())
	header.IPv6Dst.Put(ip, dst.Addr())
	return append(append(b, ip...), head...)
}
