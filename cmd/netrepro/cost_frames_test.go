//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"

	"netrepro/engine/capture/pcap"
)

// blocks writes blocks of pcapng.
type blocks struct {
	w   io.Writer
	e   pcap.Encoder
	us  int64
	err error
}

func begin(w io.Writer, points int) *blocks {
	b := &blocks{w: w}
	b.put(b.e.Section(nil, "", "", ""))
	for i := range points {
		b.put(b.e.Interface(nil, pcap.Interface{Name: fmt.Sprintf("n%d/w%d", i, i/2), Link: pcap.Ethernet}))
	}
	return b
}

func (b *blocks) put(p []byte) {
	if b.err == nil {
		_, b.err = b.w.Write(p)
	}
}

func (b *blocks) packet(f pcap.Frame) {
	b.us += 100
	f.Time, f.Length = b.us*1000, max(f.Length, len(f.Data))
	b.put(b.e.Packet(nil, &f))
}

// ip is an Ethernet frame with an IPv4 packet.
func ip(src, dst [4]byte, proto byte, id, frag uint16, body []byte) []byte {
	be := binary.BigEndian
	f := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	f = be.AppendUint16(be.AppendUint16(be.AppendUint16(f, uint16(20+len(body))), id), frag)
	return append(append(append(append(f, 64, proto, 0, 0), src[:]...), dst[:]...), body...)
}

var client, server = [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 1, 1}

// segment is a TCP segment between two hosts.
func segment(back bool, port uint16, seq, ack uint32, flags byte, size int, opts ...byte) []byte {
	be := binary.BigEndian
	for len(opts)%4 != 0 {
		opts = append(opts, 1)
	}
	src, dst, sport, dport := client, server, port, uint16(80)
	if back {
		src, dst, sport, dport = dst, src, dport, sport
	}
	b := be.AppendUint16(be.AppendUint16(nil, sport), dport)
	b = be.AppendUint32(be.AppendUint32(b, seq), ack)
	b = append(b, byte((20+len(opts))/4)<<4, flags, 255, 255, 0, 0, 0, 0)
	return ip(src, dst, 6, 1, 0, append(append(b, opts...), make([]byte, size)...))
}

// refusals are connections that are reset when their request has come; all begin with one
// sequence number.
func refusals(w io.Writer, n int) error {
	b := begin(w, 1)
	for i := range n {
		port, ack := uint16(1024+i%60000), uint32(i)
		b.packet(pcap.Frame{Data: segment(false, port, 7, 0, 0x02, 0)})
		b.packet(pcap.Frame{Data: segment(true, port, ack, 8, 0x12, 0)})
		b.packet(pcap.Frame{Data: segment(false, port, 8, ack+1, 0x10, 0)})
		b.packet(pcap.Frame{Data: segment(false, port, 8, ack+1, 0x18, 27)})
		b.packet(pcap.Frame{Data: segment(true, port, ack+1, 35, 0x14, 0)})
	}
	return b.err
}
