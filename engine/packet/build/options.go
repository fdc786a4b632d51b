package build

import (
	"encoding/binary"
	"fmt"

	"github.com/google/gopacket/layers"

	"netrepro/engine/packet"
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

// layers are the options in Linux's order and padding (tcp_options_write of
// net/ipv4/tcp_output.c).
func (o *Options) layers() (out []layers.TCPOption, err error) {
	size := 0
	add := func(kind layers.TCPOptionKind, data []byte) {
		out = append(out, layers.TCPOption{OptionType: kind, OptionData: data})
		if size++; kind != layers.TCPOptionKindNop {
			size += 1 + len(data)
		}
	}
	nop := func(n int) {
		for range n {
			add(layers.TCPOptionKindNop, nil)
		}
	}
	be := binary.BigEndian
	if o.MSS >= 0 {
		add(layers.TCPOptionKindMSS, be.AppendUint16(nil, uint16(o.MSS)))
	}
	if o.HasTS != o.SACKPermitted { // together they need no padding
		nop(2)
	}
	if o.SACKPermitted {
		add(layers.TCPOptionKindSACKPermitted, nil)
	}
	if o.HasTS {
		add(layers.TCPOptionKindTimestamps, be.AppendUint32(be.AppendUint32(nil, o.TSVal), o.TSEcr))
	}
	if o.WScale >= 0 {
		nop(1)
		add(layers.TCPOptionKindWindowScale, []byte{byte(o.WScale)})
	}
	if len(o.SACK) > 0 {
		nop(2)
		var blocks []byte
		for _, s := range o.SACK {
			blocks = be.AppendUint32(be.AppendUint32(blocks, s.Left), s.Right)
		}
		add(layers.TCPOptionKindSACK, blocks)
	}
	if size > maxOptions {
		return nil, fmt.Errorf("TCP options of %d bytes do not fit the %d there are", size, maxOptions)
	}
	return out, nil
}
