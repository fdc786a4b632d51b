package wireshark_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"netrepro/engine/testutil/tshark"
)

// writer builds a pcap file of TCP segments.
type writer struct {
	b  []byte
	us int64
}

func newWriter() *writer {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 0), 0), 65535), 1)
	return &writer{b: b, us: 1_700_000_000_000_000}
}

type ends struct {
	addr [2][4]byte
	port [2]uint16
}

const (
	fin, syn, rst, psh, ack = 1, 2, 4, 8, 16
)

func (w *writer) segment(e ends, from int, seq, ackn uint32, flags uint8, win uint16, size int, opts ...byte) {
	for len(opts)%4 != 0 {
		opts = append(opts, 1)
	}
	be, le := binary.BigEndian, binary.LittleEndian
	f := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	f = be.AppendUint16(f, uint16(40+len(opts)+size))
	f = append(f, 0, 1, 0x40, 0, 64, 6, 0, 0)
	f = append(append(f, e.addr[from][:]...), e.addr[1-from][:]...)
	f = be.AppendUint16(be.AppendUint16(f, e.port[from]), e.port[1-from])
	f = be.AppendUint32(be.AppendUint32(f, seq), ackn)
	f = append(f, byte((20+len(opts))/4)<<4, flags)
	f = append(be.AppendUint16(f, win), 0, 0, 0, 0)
	f = append(append(f, opts...), make([]byte, size)...)
	w.b = le.AppendUint32(le.AppendUint32(w.b, uint32(w.us/1e6)), uint32(w.us%1e6))
	w.b = append(le.AppendUint32(le.AppendUint32(w.b, uint32(len(f))), uint32(len(f))), f...)
}

// flow is a connection whose ends behave as badly as chance has it.
type flow struct {
	ends
	seq, acked [2]uint32
	win        [2]uint16
	scale      [2]int // -1 for none
	hist       [2][][2]uint32
	state      int
}

func newFlow(r *rand.Rand, i int) *flow {
	f := &flow{ends: ends{addr: [2][4]byte{{10, 0, 0, byte(1 + i%4)}, {10, 0, 1, byte(1 + i%3)}},
		port: [2]uint16{uint16(1000 + i%7), uint16(80 + i%2)}}}
	if r.IntN(10) == 0 {
		f.addr[1] = f.addr[0]
	}
	f.seq = [2]uint32{pick(r, r.Uint32(), 0xffffff00, 1, 0), r.Uint32()}
	f.acked = f.seq
	f.win = [2]uint16{pick[uint16](r, 0, 1, 100, 64240), pick[uint16](r, 0, 1, 100, 64240)}
	f.scale = [2]int{pick(r, -1, 0, 2, 7), pick(r, -1, 0, 2, 7)}
	f.state = pick(r, 0, 0, 0, 3)
	return f
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (f *flow) scaleOption(d int) []byte {
	if f.scale[d] < 0 {
		return nil
	}
	return []byte{1, 3, 3, byte(f.scale[d])}
}

// step writes what the flow does next, which is rarely what TCP would do.
func (f *flow) step(r *rand.Rand, w *writer) {
	d := r.IntN(2)
	e := 1 - d
	send := func(d int, seq, ackn uint32, flags uint8, win uint16, size int, opts ...byte) {
		w.segment(f.ends, d, seq, ackn, flags, win, size, opts...)
		w.us += 100
	}
	bare := func(d int) { send(d, f.seq[d], f.acked[1-d], ack, f.win[d], 0) }
	data := func(size int) {
		send(d, f.seq[d], f.acked[e], psh|ack, f.win[d], size)
		f.hist[d] = append(f.hist[d], [2]uint32{f.seq[d], uint32(size)})
		f.seq[d] += uint32(size)
	}
	switch f.state {
	case 0:
		send(0, f.seq[0], 0, syn, 64240, 0, f.scaleOption(0)...)
		if r.IntN(5) > 0 {
			f.seq[0]++
			f.state = 1
		}
		return
	case 1:
		switch r.IntN(10) {
		case 0:
			send(0, f.seq[0]-1, 0, syn, 64240, 0, f.scaleOption(0)...)
		case 1:
			f.state = 3
		default:
			send(1, f.seq[1], f.seq[0], syn|ack, 65000, 0, f.scaleOption(1)...)
			f.seq[1]++
			f.state = 2
		}
		return
	case 2:
		f.state, f.acked = 3, f.seq
		bare(0)
		return
	}
	switch r.IntN(20) {
	case 0, 1, 2, 3, 4:
		data(pick(r, 1, 1, 100, 600, 1448))
	case 5: // lost before the capture
		f.seq[d] += 700
	case 6, 7, 8:
		f.acked[e] = f.seq[e]
		if n := len(f.hist[e]); n > 0 && r.IntN(3) == 0 {
			h := f.hist[e][r.IntN(n)]
			f.acked[e] = h[0] + h[1]
		}
		bare(d)
	case 9:
		for range 1 + r.IntN(3) {
			bare(d)
		}
	case 10, 11:
		if n := len(f.hist[d]); n > 0 {
			h := f.hist[d][max(n-1-r.IntN(6), 0)]
			send(d, pick(r, h[0], f.acked[d]), f.acked[e], psh|ack, f.win[d],
				int(pick(r, h[1], h[1], h[1]/2, 1, h[1]+7)))
		}
	case 12:
		send(d, f.seq[d]-1, f.acked[e], ack, f.win[d], pick(r, 0, 0, 1, 5))
		if r.IntN(3) > 0 {
			bare(e)
		}
	case 13:
		f.win[d] = pick[uint16](r, 0, 0, 10, 100, 1448, 64240)
		bare(d)
	case 14:
		send(d, f.seq[d], f.acked[e], ack, f.win[d], 1)
		bare(e)
	case 15: // exactly to the edge of the window
		size := f.acked[d] + uint32(f.win[e])<<max(f.scale[e], 0) - f.seq[d]
		if size > 0 && size < 40000 {
			data(int(size))
		}
	case 16:
		send(d, f.seq[d], f.acked[e], fin|ack, f.win[d], pick(r, 0, 0, 20))
		f.seq[d] += pick[uint32](r, 0, 1, 1)
	case 17:
		send(d, pick(r, f.seq[d], f.acked[d]), pick(r, 0, f.acked[e]), pick[uint8](r, rst, rst|ack), 0,
			pick(r, 0, 0, 10))
	case 18:
		send(d, f.seq[d], f.acked[e]+pick[uint32](r, 500, 3000), ack, f.win[d], 0)
		send(d, pick(r, r.Uint32(), f.seq[d]), f.acked[e], pick[uint8](r, syn, syn|ack), 1000, pick(r, 0, 30),
			f.scaleOption(d)...)
	case 19:
		send(d, f.seq[d], pick[uint32](r, 0, 12345), pick[uint8](r, psh, 0, fin, syn|fin, syn|rst), f.win[d],
			pick(r, 0, 10))
		send(d, f.seq[d], f.acked[e], ack, f.win[d], 0, 3, 3, pick[byte](r, 1, 9, 15))
	}
}

// random is a capture of several connections, every mistake that TCP can make
// in them.
func random(seed uint64, packets int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWriter()
	var flows [12]*flow
	for i := range flows {
		flows[i] = newFlow(r, i)
	}
	for at := len(w.b); len(w.b)-at < packets*80; {
		w.us += pick[int64](r, 1, 100, 1000, 2500, 4000, 15000, 25000, 300000)
		i := r.IntN(len(flows))
		flows[i].step(r, w)
		if r.IntN(200) == 0 {
			flows[i] = newFlow(r, i)
		}
	}
	return w.b
}

// judge fails for every difference that the table of versions does not explain.
func judge(t *testing.T, version string, r tshark.Result) {
	t.Helper()
	t.Logf("tshark %s: %s", version, r)
	wrong := r.Unexplained(version)
	for i, d := range wrong {
		if i == 20 {
			t.Errorf("and %d more; %s", len(wrong)-1-i, wrong[len(wrong)-1])
			break
		}
		t.Error(d)
	}
}

func needTshark(t *testing.T) string {
	t.Helper()
	v := tshark.Version()
	if v == "" {
		t.Skip("tshark is not installed")
	}
	return v
}

// halves is a capture of connections in which numbers are often exactly half the
// number space apart, or one more or less.
func halves(seed uint64) []byte {
	const half = 1 << 31
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWriter()
	for i := range 300 {
		f := ends{addr: [2][4]byte{{10, 0, 0, 1}, {10, 0, 1, 1}}, port: [2]uint16{uint16(2000 + i), 80}}
		seq := [2]uint32{r.Uint32(), r.Uint32()}
		if r.IntN(2) == 0 {
			w.segment(f, 0, seq[0]-1, 0, syn, 64240, 0)
			w.segment(f, 1, seq[1]-1, seq[0], syn|ack, 64240, 0)
		}
		for range 8 {
			w.us += pick[int64](r, 100, 1000, 4000, 25000)
			d := r.IntN(2)
			far := func(x uint32) uint32 {
				return x + pick[uint32](r, 0, 0, half, half, half-1, half+1, half-100, half+100)
			}
			at, size := far(seq[d]), pick(r, 0, 1, 100)
			w.segment(f, d, at, far(seq[1-d]), pick[uint8](r, ack, ack, psh|ack, fin|ack, rst|ack), 64240, size)
			if r.IntN(2) == 0 {
				seq[d] = at + uint32(size)
			}
		}
	}
	return w.b
}

func TestHalvesAsTshark(t *testing.T) {
	version := needTshark(t)
	var sum tshark.Result
	for seed := range uint64(4) {
		path := filepath.Join(t.TempDir(), "halves.pcap")
		if err := os.WriteFile(path, halves(seed), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := tshark.Compare(path)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(r)
	}
	judge(t, version, sum)
}

func TestRandomAsTshark(t *testing.T) {
	version := needTshark(t)
	var sum tshark.Result
	for seed := range uint64(4) {
		path := filepath.Join(t.TempDir(), "random.pcap")
		if err := os.WriteFile(path, random(seed, 5000), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := tshark.Compare(path)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(r)
	}
	if sum.Flags < 1000 {
		t.Errorf("the captures have %d flags only", sum.Flags)
	}
	judge(t, version, sum)
}

// odd are captures in which something was once not as tshark has it.
const odd = "../../../testdata/capture/odd"

// TestCapturesAsTshark compares over the odd captures, and over every capture in
// the directories that NETREPRO_CAPTURES names.
func TestCapturesAsTshark(t *testing.T) {
	version := needTshark(t)
	dirs := append(filepath.SplitList(os.Getenv("NETREPRO_CAPTURES")), odd)
	var sum tshark.Result
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no captures in %s: %v", dir, err)
		}
		for _, p := range paths {
			r, err := tshark.Compare(p)
			if err != nil {
				t.Fatal(err)
			}
			sum.Add(r)
		}
	}
	judge(t, version, sum)
}
