//go:build linux

// Package synthetic writes a capture of any length, the same each time, to measure
// the analysis with.
package synthetic

import (
	"bufio"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

const (
	// Flows is how many connections the capture has.
	Flows   = 2000
	payload = 600
)

// talk is one connection of the capture: data one way, every second segment
// acknowledged, one in fifty lost and sent again.
type talk struct {
	n          int
	seq, ack   uint32
	lost       uint32
	clientAddr [4]byte
	port       uint16
}

// Write writes a pcap file of so many packets, in turn from flows taken
// at random from a fixed seed.
func Write(out io.Writer, packets int) error {
	w := bufio.NewWriterSize(out, 1<<20)
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0xa1b2c3d4)
	head = le.AppendUint16(le.AppendUint16(head, 2), 4)
	head = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(head, 0), 0), 65535), 1)
	if _, err := w.Write(head); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 1))
	flows := make([]talk, Flows)
	for i := range flows {
		flows[i] = talk{clientAddr: [4]byte{10, 0, byte(i >> 8), byte(i)}, port: uint16(20000 + i), seq: r.Uint32(),
			ack: r.Uint32()}
	}
	var frame []byte
	for i := range packets {
		f := &flows[r.IntN(Flows)]
		frame = f.next(frame[:0], r, uint32(i/50))
		us := int64(i) * 20
		rec := le.AppendUint32(le.AppendUint32(nil, uint32(1_700_000_000+us/1e6)), uint32(us%1e6))
		rec = le.AppendUint32(le.AppendUint32(rec, uint32(len(frame))), uint32(len(frame)))
		if _, err := w.Write(append(rec, frame...)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// next builds the connection's next packet.
func (f *talk) next(b []byte, r *rand.Rand, clock uint32) []byte {
	f.n++
	switch {
	case f.n == 1:
		f.ack++
		return f.segment(b, false, f.ack-1, 0, 2, 0, clock)
	case f.n == 2:
		f.seq++
		return f.segment(b, true, f.seq-1, f.ack, 0x12, 0, clock)
	case f.n%3 == 0:
		return f.segment(b, false, f.ack, f.seq, 0x10, 0, clock)
	}
	if f.lost != 0 {
		seq := f.lost
		f.lost = 0
		return f.segment(b, true, seq, f.ack, 0x18, payload, clock)
	}
	if r.IntN(50) == 0 {
		f.lost = f.seq
	}
	f.seq += payload
	return f.segment(b, true, f.seq-payload, f.ack, 0x18, payload, clock)
}

func (f *talk) segment(b []byte, fromServer bool, seq, ack uint32, flags byte, size int, clock uint32) []byte {
	be := binary.BigEndian
	server := [4]byte{10, 1, 0, 1}
	src, dst, sport, dport := f.clientAddr, server, f.port, uint16(443)
	if fromServer {
		src, dst, sport, dport = dst, src, dport, sport
	}
	opts := be.AppendUint32(be.AppendUint32([]byte{1, 1, 8, 10}, clock), clock)
	if flags&2 != 0 {
		opts = []byte{2, 4, 5, 180, 1, 3, 3, 7}
	}
	b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0)
	b = be.AppendUint16(b, uint16(40+len(opts)+size))
	b = append(b, 0, 1, 0x40, 0, 64, 6, 0, 0)
	b = append(append(b, src[:]...), dst[:]...)
	b = be.AppendUint16(be.AppendUint16(b, sport), dport)
	b = be.AppendUint32(be.AppendUint32(b, seq), ack)
	b = append(b, byte((20+len(opts))/4)<<4, flags, 1, 246, 0, 0, 0, 0)
	return append(append(b, opts...), make([]byte, size)...)
}
