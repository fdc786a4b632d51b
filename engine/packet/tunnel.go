package packet

import (
	"encoding/binary"

	"netrepro/engine/packet/header"
)

// UDP ports of tunnels (IANA).
const (
	portGTP    = 2152
	portTeredo = 3544
	portVXLAN  = 4789
)

// maxDepth bounds how deep headers may be nested.
const maxDepth = 8

// enter reports whether another level of tunnel may be decoded. The fields of
// the outer packet are replaced by those of the inner.
func (d *Decoder) enter(p *Packet) bool {
	if d.depth++; d.depth > maxDepth {
		p.more().malformed = "headers nested too deep"
		return false
	}
	*p = Packet{Length: p.Length, EtherType: p.EtherType, WScale: -1, Cut: p.Cut}
	d.payload = nil
	return true
}

// tunnel decodes what an IP protocol other than TCP, UDP and ICMP carries.
func (d *Decoder) tunnel(data []byte, size int, p *Packet) {
	switch p.Proto {
	case header.ProtoIPIP, header.ProtoIPv6:
		if len(data) > 0 && d.enter(p) {
			d.ip(data, size, p)
		}
	case header.ProtoGRE:
		kind, n := gre(data)
		if n == 0 || n > len(data) {
			return
		}
		if kind == EtherTypeIPv4 || kind == EtherTypeIPv6 || kind == header.EtherTypeBridged {
			if d.enter(p) {
				d.network(kind, data[n:], size-n, p)
			}
		}
	}
}

// gre is the protocol of a GRE header and its length (RFC 2784, RFC 2890), 0
// if it is none.
func gre(b []byte) (kind uint16, n int) {
	if len(b) < 4 || b[1]&7 != 0 {
		return 0, 0
	}
	n = 4
	for _, bit := range []byte{0x80, 0x20, 0x10} { // checksum, key, sequence number
		if b[0]&bit != 0 {
			n += 4
		}
	}
	return binary.BigEndian.Uint16(b[2:]), n
}

// udpTunnel decodes what d.payload carries if its port is that of a tunnel and
// what it holds looks like one.
func (d *Decoder) udpTunnel(p *Packet) {
	b, size := d.payload, int(p.PayloadLen)
	on := func(port uint16) bool { return p.SrcPort == port || p.DstPort == port }
	switch {
	case p.DstPort == portVXLAN && len(b) >= 8 && b[0]&0x08 != 0:
		if d.enter(p) {
			d.ethernet(b[8:], size-8, p)
		}
	case on(portTeredo) && len(b) >= 40 && b[0]>>4 == 6:
		if d.enter(p) {
			d.ip(b, size, p)
		}
	case on(portGTP) && len(b) >= 8 && b[0]>>5 == 1 && b[0]&0x10 != 0 && b[1] == 0xff:
		n := 8
		if b[0]&7 != 0 {
			n = 12
		}
		if b[0]&4 == 0 && len(b) > n && (b[n]>>4 == 4 || b[n]>>4 == 6) && d.enter(p) {
			d.ip(b[n:], size-n, p)
		}
	}
}
