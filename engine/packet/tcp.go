package packet

import "netrepro/engine/packet/header"

// tcpLeast is as much of a TCP header as is read before anything is said about it:
// up to the window.
const tcpLeast = int(header.TCPWindow) + 2

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
	p.SrcPort, p.DstPort = header.TCPSrcPort.Get(data), header.TCPDstPort.Get(data)
	p.Seq, p.Ack = header.TCPSeq.Get(data), header.TCPAck.Get(data)
	p.Flags, p.Window = TCPFlags(header.TCPControl.Get(data)), header.TCPWindow.Get(data)
	if header.TCPHead.Get(data)&1 != 0 {
		p.Flags |= AE
	}
	head := header.TCPHeadLen(data)
	p.PayloadLen = int32(max(size-head, 0))
	p.NoOptions = head <= header.TCPSize
	p.Unsized = size < head
	p.HeaderCut = head < header.TCPSize || len(data) < head
	if head < header.TCPSize || p.Unsized {
		p.more().malformed = "TCP header length is wrong"
		return
	}
	if len(data) > header.TCPSize {
		tcpOptions(data[header.TCPSize:min(head, len(data))], p)
	}
	d.payload = data[min(head, len(data)):]
}

func tcpOptions(b []byte, p *Packet) {
	for {
		o, rest, ok := header.NextTCPOption(b)
		if !ok && !p.Cut {
			p.more().malformed = "TCP option reaches beyond the header"
		}
		if o == nil {
			return
		}
		tcpOption(o, p)
		b = rest
	}
}

// tcpOption takes in an option, kind and length included. One of a length that its
// kind does not have is passed over.
func tcpOption(o []byte, p *Packet) {
	v := o[header.OptionValue:]
	switch kind := header.OptionKind.Get(o); {
	case kind == header.TCPOptMSS && len(v) == 2:
		p.MSS = header.OptionMSS.Get(o)
	case kind == header.TCPOptWScale && len(v) == 1:
		p.WScale = int8(min(header.OptionShift.Get(o), maxWScale))
	case kind == header.TCPOptSACKPermitted && len(v) == 0:
		p.SACKPermitted = true
	case kind == header.TCPOptMPTCP && len(v) > 0:
		p.MPTCP |= 1 << (v[0] >> 4)
	case kind == header.TCPOptTimestamps && len(v) == 8:
		p.HasTS = true
		p.TSVal, p.TSEcr = header.OptionTSVal.Get(o), header.OptionTSEcr.Get(o)
	case kind == header.TCPOptSACK:
		r := p.more()
		for ; len(v) >= header.BlockSize && r.nsack < len(r.sack); v = v[header.BlockSize:] {
			r.sack[r.nsack] = Block{header.BlockLeft.Get(v), header.BlockRight.Get(v)}
			r.nsack++
		}
	}
}
