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
	// Defragment, if not nil, joins IP fragments: the one that completes a
	// datagram is decoded as all of it, the others as fragments.
	Defragment *Defragmenter

	eth     layers.Ethernet
	udp     layers.UDP
	payload []byte
	depth   int // of tunnels
}

// Ethernet decodes an Ethernet frame of which data are the captured bytes and
// wireLen the length on the wire, into p. What p held before is gone. Damage
// is not an error: it is noted in p.Malformed() and the fields read so far stand.
func (d *Decoder) Ethernet(data []byte, wireLen int, p *Packet) {
	d.Frame(LinkEthernet, data, wireLen, p)
}

// Payload is what was captured of the transport payload of the packet decoded
// last, good until the next is decoded.
func (d *Decoder) Payload() []byte { return d.payload }

// Frame decodes a frame as [Decoder.Ethernet] does, whatever link it is from.
func (d *Decoder) Frame(link Link, data []byte, wireLen int, p *Packet) {
	*p = Packet{Length: int32(wireLen), WScale: -1, Cut: len(data) < wireLen}
	d.payload, d.depth = nil, 0
	// The library's decoders are known to slice past the end of short or
	// crafted layers; the trace must survive what it is shown.
	defer func() {
		if r := recover(); r != nil {
			p.more().malformed = fmt.Sprint(r)
		}
	}()
	d.link(link, data, wireLen, p)
}

// network decodes what an EtherType announces; size is its length on the wire,
// trailer included.
func (d *Decoder) network(kind uint16, data []byte, size int, p *Packet) {
	switch kind {
	case EtherTypeIPv4:
		d.ipv4(data, size, p)
	case EtherTypeIPv6:
		d.ipv6(data, size, p)
	default:
		d.shim(kind, data, size, p)
	}
}

// IPv4 header fields (RFC 791, section 3.1).
const (
	ip4Header        = 20
	ip4DontFragment  = 0x4000
	ip4MoreFragments = 0x2000
	ip4Offset        = 0x1fff
)

// ipv4 decodes a packet that has size bytes of the frame to itself, whatever
// its header claims. It is not left to the library, which gives up at a damaged
// option.
func (d *Decoder) ipv4(data []byte, size int, p *Packet) {
	p.EtherType = EtherTypeIPv4
	if len(data) < ip4Header || data[0]>>4 != 4 {
		p.more().malformed = "ipv4 header shorter than 20 bytes or of another version"
		return
	}
	be := binary.BigEndian
	head, total, frag := int(data[0]&15)*4, int(be.Uint16(data[2:])), be.Uint16(data[6:])
	if total == 0 {
		total = size // segmentation is left to the device and the length not yet known
	}
	p.Src, p.Dst = netip.AddrFrom4([4]byte(data[12:16])), netip.AddrFrom4([4]byte(data[16:20]))
	p.Proto, p.TTL, p.ID = data[9], data[8], be.Uint16(data[4:])
	p.DF = frag&ip4DontFragment != 0
	p.IPLen = int32(total)
	if head < ip4Header || head > len(data) || total < head {
		p.more().malformed = "ipv4 header length is wrong"
		p.Proto = 0
		return
	}
	total = min(total, size)
	body := data[head:max(min(total, len(data)), head)]
	if frag&(ip4Offset|ip4MoreFragments) != 0 {
		d.fragment(fragment{
			key:  fragKey{p.Src, p.Dst, uint32(p.ID), p.Proto},
			from: int(frag&ip4Offset) * 8, more: frag&ip4MoreFragments != 0,
			data: body, size: total - head}, p)
		return
	}
	d.transport(body, total-head, p)
}

// fragment decodes a fragment: as the whole datagram if it is the last that was
// missing, as the beginning of a transport header if that is all there will be.
func (d *Decoder) fragment(f fragment, p *Packet) {
	p.Fragment = true
	if len(f.data) < f.size || d.Defragment == nil {
		if f.from == 0 {
			p.Fragment = false
			d.transport(f.data, f.size, p)
			p.Unsized = true
		}
		return
	}
	if whole := d.Defragment.add(f); whole != nil {
		p.Fragment = false
		d.transport(whole, len(whole), p)
	}
}

// IPv6 extension headers (RFC 8200, section 4).
const (
	extHopByHop = 0
	extRouting  = 43
	extFragment = 44
	extAuth     = 51
	extDest     = 60
	extMobility = 135
	extShim6    = 140
)

func (d *Decoder) ipv6(data []byte, size int, p *Packet) {
	const header = 40
	p.EtherType = EtherTypeIPv6
	if len(data) < header || data[0]>>4 != 6 {
		p.more().malformed = "ipv6 header shorter than 40 bytes or of another version"
		return
	}
	p.Src, p.Dst = addr(data[8:24]), addr(data[24:40])
	p.Proto, p.TTL = data[6], data[7]
	length := int(binary.BigEndian.Uint16(data[4:]))
	if length == 0 {
		// Left to the device, as with IPv4, or longer than the field can
		// say (RFC 2675).
		length = size - header
	}
	p.IPLen = int32(header + length)
	length = max(min(length, size-header), 0)
	body := data[header:min(header+length, len(data))]
	for {
		var n int
		switch p.Proto {
		case extHopByHop, extRouting, extDest, extMobility, extShim6:
			if len(body) >= 8 {
				n = 8 + int(body[1])*8
			}
		case extAuth:
			if len(body) >= 8 {
				n = 8 + int(body[1])*4
			}
		case extFragment:
			if len(body) >= 8 {
				d.fragment6(body, length, p)
				return
			}
		default:
			d.transport(body, length, p)
			return
		}
		if n == 0 || n > len(body) {
			p.more().malformed = "ipv6 extension header reaches beyond the packet"
			return
		}
		p.Proto, body, length = body[0], body[n:], length-n
	}
}

func (d *Decoder) fragment6(b []byte, length int, p *Packet) {
	p.Proto = b[0]
	field := binary.BigEndian.Uint16(b[2:])
	f := fragment{key: fragKey{p.Src, p.Dst, binary.BigEndian.Uint32(b[4:]), p.Proto},
		from: int(field &^ 7), more: field&1 != 0, data: b[8:], size: length - 8}
	if f.from == 0 && !f.more { // an atomic fragment, RFC 6946
		d.transport(f.data, f.size, p)
		return
	}
	d.fragment(f, p)
}

// transport decodes the layer above IP; size is its length by the IP header,
// which may be more than was captured.
func (d *Decoder) transport(data []byte, size int, p *Packet) {
	switch p.Proto {
	case ProtoTCP:
		d.tcp(data, size, p)
	case ProtoUDP:
		if err := d.udp.DecodeFromBytes(data, gopacket.NilDecodeFeedback); err != nil {
			p.more().malformed = err.Error()
			return
		}
		p.SrcPort, p.DstPort = uint16(d.udp.SrcPort), uint16(d.udp.DstPort)
		p.PayloadLen = int32(max(size-8, 0))
		d.payload = data[8:]
		d.udpTunnel(p)
	case ProtoICMP, ProtoICMPv6:
		p.PayloadLen = int32(max(size-8, 0))
		icmp(data, p)
	default:
		d.tunnel(data, size, p)
	}
}

func addr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
