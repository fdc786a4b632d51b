//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"netrepro/engine/tcp/wireshark"
)

const (
	benchPackets = 600_000
	benchFlows   = 2000
	benchPayload = 600
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

// writeCapture writes a pcap file of so many packets, in turn from flows taken
// at random from a fixed seed.
func writeCapture(out io.Writer, packets int) error {
	w := bufio.NewWriterSize(out, 1<<20)
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0xa1b2c3d4)
	head = le.AppendUint16(le.AppendUint16(head, 2), 4)
	head = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(head, 0), 0), 65535), 1)
	if _, err := w.Write(head); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 1))
	flows := make([]talk, benchFlows)
	for i := range flows {
		flows[i] = talk{clientAddr: [4]byte{10, 0, byte(i >> 8), byte(i)}, port: uint16(20000 + i), seq: r.Uint32(), ack: r.Uint32()}
	}
	var frame []byte
	for i := range packets {
		f := &flows[r.IntN(benchFlows)]
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
		return f.segment(b, true, seq, f.ack, 0x18, benchPayload, clock)
	}
	if r.IntN(50) == 0 {
		f.lost = f.seq
	}
	f.seq += benchPayload
	return f.segment(b, true, f.seq-benchPayload, f.ack, 0x18, benchPayload, clock)
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

// analysis measures the speed of trace --json against tshark's printing the
// same flags of the same file, and how much memory the analysis takes.
func analysis(bin string, rounds int) error {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is temporary
	path := filepath.Join(dir, "capture.pcap")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(writeCapture(f, benchPackets), f.Close()); err != nil {
		return err
	}
	var ours, theirs []float64
	args := []string{"-r", path, "-T", "fields", "-e", "frame.number"}
	for _, n := range wireshark.All.Names() {
		args = append(args, "-e", "tcp.analysis."+n)
	}
	_, missing := exec.LookPath("tshark")
	for i := range rounds {
		d, _, err := timed(exec.Command(bin, "trace", "--json", path), nil)
		if err != nil {
			return err
		}
		ours = append(ours, benchPackets/d.Seconds()/1e6)
		if missing != nil || i%2 == 1 { // it takes its time
			continue
		}
		d, _, err = timed(exec.Command("tshark", args...), nil)
		if err != nil {
			return err
		}
		theirs = append(theirs, benchPackets/d.Seconds()/1e6)
	}
	fmt.Printf("analysis of %d packets of %d flows: %s million packets a second\n", benchPackets, benchFlows, of(ours))
	if missing == nil {
		fmt.Printf("  tshark %.3f million: ratio %.0f (aim 50)\n", of(theirs).median, of(ours).median/of(theirs).median)
	} else {
		fmt.Println("  tshark is not installed: no ratio")
	}
	var peak [2]float64
	for i, n := range []int{benchPackets, 10 * benchPackets} {
		_, rss, err := timed(exec.Command(bin, "trace", "--json", "-"), func(w io.Writer) error { return writeCapture(w, n) })
		if err != nil {
			return err
		}
		peak[i] = float64(rss) / 1024
	}
	fmt.Printf("  memory: %.0f MB for the file, %.0f MB for one ten times as long\n", peak[0], peak[1])
	return nil
}

// timed runs c with its output thrown away, feeding it from feed if that is not
// nil, and returns how long it took and its peak memory in KB.
func timed(c *exec.Cmd, feed func(io.Writer) error) (time.Duration, int64, error) {
	peak, err := alone(c)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	var in io.WriteCloser
	if feed != nil {
		var err error
		if in, err = c.StdinPipe(); err != nil {
			return 0, 0, err
		}
	}
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	if feed != nil {
		err = errors.Join(feed(in), in.Close())
	}
	err = errors.Join(err, c.Wait())
	took := time.Since(began)
	kilobytes, perr := peak()
	return took, kilobytes, errors.Join(err, perr)
}
