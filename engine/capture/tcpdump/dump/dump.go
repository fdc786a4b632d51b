// Package dump reads the bytes of packets that tcpdump prints below their lines, with -x
// and -X.
//
// Invariant: it holds a bounded part of one packet.
package dump

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
)

// maxDump bounds what is kept of the bytes of one packet.
const maxDump = 4 << 10

// dumped is a line of bytes, as -x and -X print them below the line of their packet: an
// offset, groups of at most two bytes, and the same as text after two blanks.
var dumped = pattern.New(`^0x([0-9a-f]{4,8}): +([0-9a-f]{2,4}(?: [0-9a-f]{2,4}){0,7})(?:$|  )`)

// Bytes are those of one packet, as far as they were printed.
type Bytes struct {
	b    []byte
	torn bool // what follows is missing
}

// Line takes in a line of bytes; it reports whether it is one.
func (d *Bytes) Line(s string) bool {
	m := dumped.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	at, err := strconv.ParseUint(m[1], 16, 32)
	b, bad := hex.DecodeString(strings.ReplaceAll(m[2], " ", ""))
	switch {
	case d == nil || err != nil || bad != nil || len(d.b)+len(b) > maxDump:
	case int(at) == len(d.b) && !d.torn:
		d.b = append(d.b, b...)
	default: // a line is missing: what comes after it stands elsewhere
		d.torn = true
	}
	return true
}

// links are the lengths of the link headers that -xx and -XX print too: none, Ethernet,
// SLL, 802.1Q, SLL2.
var links = []int{0, 14, 16, 18, 20}

// Payload are the bytes of p's payload as far as they are there, none if the bytes are of
// another packet. What the line does not tell of the IP header, it fills in.
func (d *Bytes) Payload(p *told.Packet, src, dst netip.AddrPort) []byte {
	if p.Later || p.Proto != header.ProtoTCP && p.Proto != header.ProtoUDP {
		return nil
	}
	ttl, id, payload := payloadOf(d.b, p, src, dst)
	if p.TTL == 0 {
		p.TTL, p.ID = ttl, id
	}
	return payload
}

func payloadOf(b []byte, p *told.Packet, src, dst netip.AddrPort) (ttl uint8, id uint16, payload []byte) {
	for _, link := range links {
		if len(b) <= link {
			break
		}
		ip := b[link:]
		size := header.IPv6Size
		switch {
		case ip[0]>>4 == 4 && len(ip) >= header.IPv4Size && header.IPv4Proto.Get(ip) == p.Proto:
			size = int(ip[0]&15) * 4
			ttl, id = header.IPv4TTL.Get(ip), header.IPv4ID.Get(ip)
		case ip[0]>>4 == 6 && len(ip) >= header.IPv6Size && header.IPv6Next.Get(ip) == p.Proto:
			ttl, id = header.IPv6Hops.Get(ip), 0
		default:
			continue
		}
		if len(ip) < size+header.UDPSize || size < header.IPv4Size {
			continue
		}
		t := ip[size:]
		if header.UDPSrcPort.Get(t) != src.Port() || header.UDPDstPort.Get(t) != dst.Port() {
			continue
		}
		head := header.UDPSize
		if p.Proto == header.ProtoTCP {
			if len(t) < header.TCPSize {
				return ttl, id, nil
			}
			head = int(header.TCPHead.Get(t)>>4) * 4
		}
		if head > len(t) {
			return ttl, id, nil
		}
		payload = t[head:]
		return ttl, id, payload[:min(len(payload), p.Payload)]
	}
	return 0, 0, nil
}
