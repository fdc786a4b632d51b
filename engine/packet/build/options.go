package build

import (
	"encoding/binary"
	"fmt"

	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// Options are the TCP options of a segment.
type Options struct {
	MSS           int // below 0 is none
	WScale        int // below 0 is none
	SACKPermitted bool
	HasTS         bool
	TSVal, TSEcr  uint32
	SACK          []packet.Block
}

// NoOptions is a segment without options.
var NoOptions = Options{MSS: -1, WScale: -1}

// maxOptions is what a TCP header has room for, in bytes (RFC 9293, section 3.1).
const maxOptions = 40

// bytes are the options in Linux's order and padding (tcp_options_write of
// net/ipv4/tcp_output.c), up to a multiple of four.
func (o *Options) bytes() (b []byte, err error) {
	be := binary.BigEndian
	add := func(kind uint8, value []byte) {
		b = append(append(b, kind, uint8(header.OptionValue+len(value))), value...)
	}
	nop := func(n int) {
		for range n {
			b = append(b, header.TCPOptNop)
		}
	}
	if o.MSS >= 0 {
		add(header.TCPOptMSS, be.AppendUint16(nil, uint16(o.MSS)))
	}
	if o.HasTS != o.SACKPermitted { // together they need no padding
		nop(2)
	}
	if o.SACKPermitted {
		add(header.TCPOptSACKPermitted, nil)
	}
	if o.HasTS {
		add(header.TCPOptTimestamps, be.AppendUint32(be.AppendUint32(nil, o.TSVal), o.TSEcr))
	}
	if o.WScale >= 0 {
		nop(1)
		add(header.TCPOptWScale, []byte{byte(o.WScale)})
	}
	if len(o.SACK) > 0 {
		nop(2)
		var blocks []byte
		for _, s := range o.SACK {
			blocks = be.AppendUint32(be.AppendUint32(blocks, s.Left), s.Right)
		}
		add(header.TCPOptSACK, blocks)
	}
	if len(b) > maxOptions {
		return nil, fmt.Errorf("TCP options of %d bytes do not fit the %d there are", len(b), maxOptions)
	}
	for len(b)%4 != 0 {
		b = append(b, header.TCPOptEnd)
	}
	return b, nil
}
