package packet

import "encoding/binary"

// Fields of a TCP header that are read before anything is said about it.
const (
	tcpLeast  = 16 // up to the window
	tcpHeader = 20
)

// maxWScale is the largest shift there is (RFC 7323, section 2.3).
const maxWScale = 14

// tcp decodes a segment of which data was captured and which is size bytes
// long. It is not left to the library, which gives up at the first damaged
// option and wants more of a cut header than it needs.
func (d *Decoder) tcp(data []byte, size int, p *Packet) {
	if len(data) < tcpLeast {
		p.more().malformed = "TCP header shorter than 20 bytes"
		return
	}
	p.SrcPort, p.DstPort = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
	p.Seq, p.Ack = binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	p.Flags, p.Window = TCPFlags(data[13]), binary.BigEndian.Uint16(data[14:])
	head := int(data[12]>>4) * 4
	p.PayloadLen = int32(max(size-head, 0))
	p.NoOptions = head <= tcpHeader
	p.Unsized = size < head
	p.HeaderCut = head < tcpHeader || len(data) < head
	if head < tcpHeader || p.Unsized {
		p.more().malformed = "TCP header length is wrong"
		return
	}
	if len(data) > tcpHeader {
		tcpOptions(data[tcpHeader:min(head, len(data))], p)
	}
	d.payload = data[min(head, len(data)):]
}

func tcpOptions(b []byte, p *Packet) {
	for {
		o, rest, ok := NextTCPOption(b)
		if !ok && !p.Cut {
			p.more().malformed = "TCP option reaches beyond the header"
		}
		if o == nil {
			return
		}
		tcpOption(o[0], o[2:], p)
		b = rest
	}
}

func tcpOption(kind byte, v []byte, p *Packet) {
	switch {
	case kind == TCPOptMSS && len(v) == 2:
		p.MSS = binary.BigEndian.Uint16(v)
	case kind == TCPOptWScale && len(v) == 1:
		p.WScale = int8(min(v[0], maxWScale))
	case kind == TCPOptSACKPermitted && len(v) == 0:
		p.SACKPermitted = true
	case kind == TCPOptMPTCP && len(v) > 0:
		p.MPTCP |= 1 << (v[0] >> 4)
	case kind == TCPOptTimestamps && len(v) == 8:
		p.HasTS = true
		p.TSVal, p.TSEcr = binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])
	case kind == TCPOptSACK:
		r := p.more()
		for ; len(v) >= 8 && r.nsack < len(r.sack); v = v[8:] {
			r.sack[r.nsack] = Block{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])}
			r.nsack++
		}
	}
}
