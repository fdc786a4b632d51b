//go:build linux

package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
)

const (
	// maxMemory is what no file makes the program take (README).
	maxMemory = 256 << 20
	// maxGrowth is how much longer a file of double the size may take: more than
	// twice, for a machine is never quiet, and less than the four times of what
	// grows with the square.
	maxGrowth = 3
)

// hostile is a kind of file that asks for more than it gives.
type hostile struct {
	name  string
	args  []string // of netrepro, FILE being the file
	sizes [2]int
	write func(w io.Writer, n int) error
}

var hostiles = []hostile{
	{"comments, ladder", []string{"trace", "FILE"}, [2]int{2000, 4000}, comments},
	{"comments, json", []string{"trace", "--json", "FILE"}, [2]int{2000, 4000}, comments},
	{"comments, written", []string{"trace", "FILE", "-w", "/dev/null"}, [2]int{2000, 4000}, comments},
	{"what kernels said, ladder", []string{"trace", "FILE"}, [2]int{20000, 40000}, kernelSaid},
	{"what kernels said, json", []string{"trace", "--json", "FILE"}, [2]int{20000, 40000}, kernelSaid},
	{"flows at many points, json", []string{"trace", "--json", "FILE"}, [2]int{5000, 10000}, flowsAtPoints},
	{"flows at many points, ladder", []string{"trace", "FILE"}, [2]int{5000, 10000}, flowsAtPoints},
	{"options of packets", []string{"trace", "--json", "FILE"}, [2]int{4, 8}, optionsOfPackets},
	{"options of packets, written", []string{"trace", "FILE", "-w", "/dev/null"}, [2]int{4, 8}, optionsOfPackets},
	{"options of interfaces", []string{"trace", "--json", "FILE"}, [2]int{4, 8}, optionsOfInterfaces},
	{"names of interfaces", []string{"trace", "--json", "FILE"}, [2]int{2000, 4000}, namesOfInterfaces},
	{"names of interfaces, ladder", []string{"trace", "FILE"}, [2]int{2000, 4000}, namesOfInterfaces},
	{"interfaces between packets, json", []string{"trace", "--json", "FILE"}, [2]int{2000, 4000}, interleaved},
	{"interfaces between packets, ladder", []string{"trace", "FILE"}, [2]int{2000, 4000}, interleaved},
	{"interfaces between packets, followed", []string{"trace", "--color", "always", "FILE"}, [2]int{2000, 4000},
		interleaved},
	{"interfaces between packets, written", []string{"trace", "FILE", "-w", "/dev/null"}, [2]int{2000, 4000},
		interleaved},
	{"interfaces between packets and names, json", []string{"trace", "--json", "FILE"}, [2]int{2000, 4000},
		interleavedNamed},
	{"names of hosts between packets, json", []string{"trace", "--json", "FILE"}, [2]int{20000, 40000}, namesBetween},
	{"names of hosts between packets, ladder", []string{"trace", "FILE"}, [2]int{20000, 40000}, namesBetween},
	{"fragments of a datagram", []string{"trace", "--json", "FILE"}, [2]int{50000, 100000}, fragments},
	{"fragments of many datagrams", []string{"trace", "--json", "FILE"}, [2]int{50000, 100000}, manyDatagrams},
	{"storm of SACK blocks", []string{"trace", "--json", "FILE"}, [2]int{50000, 100000}, sackStorm},
	{"storm of retransmissions", []string{"trace", "--json", "FILE"}, [2]int{50000, 100000}, rexmitStorm},
	{"segments that fill holes backwards", []string{"trace", "--json", "FILE"}, [2]int{50000, 100000}, backwards},
	{"many connections", []string{"trace", "--json", "FILE"}, [2]int{200000, 400000}, manyFlows},
	{"many connections, ladder", []string{"trace", "FILE"}, [2]int{50000, 100000}, manyFlows},
	{"what kernels said, diagnosed", []string{"diagnose", "FILE", "FILE"}, [2]int{20000, 40000}, kernelSaid},
	{"flows at many points, diagnosed", []string{"diagnose", "FILE", "FILE"}, [2]int{5000, 10000}, flowsAtPoints},
	{"storm of SACK blocks, imported", []string{"import", "FILE"}, [2]int{50000, 100000}, sackStorm},
	{"storm of retransmissions, diagnosed", []string{"diagnose", "FILE"}, [2]int{50000, 100000}, rexmitStorm},
	{"storm of retransmissions, imported", []string{"import", "FILE"}, [2]int{50000, 100000}, rexmitStorm},
	{"segments that fill holes backwards, diagnosed", []string{"diagnose", "FILE"}, [2]int{50000, 100000}, backwards},
	{"segments that fill holes backwards, imported", []string{"import", "FILE"}, [2]int{50000, 100000}, backwards},
	{"many short connections, diagnosed", []string{"diagnose", "FILE", "FILE"}, [2]int{10000, 20000}, refusals},
	{"many short connections, page", []string{"diagnose", "--html", "/dev/null", "FILE"}, [2]int{5000, 10000}, refusals},
	{"many connections, diagnosed", []string{"diagnose", "FILE", "FILE"}, [2]int{100000, 200000}, manyFlows},
	{"many connections, page", []string{"trace", "--html", "/dev/null", "FILE"}, [2]int{100000, 200000}, manyFlows},
	{"what kernels said, compared", []string{"trace", "FILE", "--diff", "FILE"}, [2]int{10000, 20000}, kernelSaid},
	{"many short connections, anonymous", []string{"anonymize", "FILE", "-o", "/dev/null"}, [2]int{10000, 20000}, refusals},
}

// BenchmarkCost fails if a file takes more memory than it may, or a time that
// grows faster than the file.
func BenchmarkCost(b *testing.B) {
	for _, h := range hostiles {
		b.Run(strings.ReplaceAll(h.name, " ", "-"), func(b *testing.B) {
			var took [2]time.Duration
			var most int64
			for i, n := range h.sizes {
				path := filepath.Join(b.TempDir(), "c")
				if err := h.file(path, n); err != nil {
					b.Fatal(err)
				}
				for range 3 {
					d, peak := spend(b, h.args, path)
					most = max(most, peak)
					if took[i] == 0 || d < took[i] {
						took[i] = d
					}
				}
			}
			growth := float64(took[1]) / float64(took[0])
			b.ReportMetric(growth, "times-for-double")
			b.ReportMetric(float64(most)/(1<<20), "MB")
			b.ReportMetric(took[1].Seconds()*1e9/float64(h.sizes[1]), "ns/unit")
			b.ReportMetric(0, "ns/op")
			if growth > maxGrowth {
				b.Errorf("%d take %s and %d take %s", h.sizes[0], took[0], h.sizes[1], took[1])
			}
			if most > maxMemory {
				b.Errorf("it takes %d MB", most>>20)
			}
		})
	}
}

// file writes a compressed file.
func (h *hostile) file(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	w := bufio.NewWriterSize(z, 1<<20)
	if err := h.write(w, n); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return z.Close()
}

// spend is what time of a processor, and what memory, the command takes.
func spend(b *testing.B, args []string, path string) (time.Duration, int64) {
	b.Helper()
	c := exec.Command("/proc/self/exe", args...)
	c.Args[0] = "netrepro"
	for i, a := range c.Args {
		if a == "FILE" {
			c.Args[i] = path
		}
	}
	var errs strings.Builder
	c.Stderr = &errs
	_ = c.Run() // damage is told at the end
	if code := c.ProcessState.ExitCode(); code != exitExpected && code != exitScript {
		b.Fatalf("exit code %d: %s", code, errs.String())
	}
	u := c.ProcessState.SysUsage().(*syscall.Rusage)
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), u.Maxrss << 10
}

func comments(w io.Writer, n int) error {
	b := begin(w, 2)
	long := strings.Repeat("x", 60000)
	for i := range n {
		head := []string{"dropped: ", "fault: ", ""}[i%3]
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(i), 1, 16, 1), Comments: []string{head + long}})
	}
	return b.err
}

func kernelSaid(w io.Writer, n int) error {
	b := begin(w, 2)
	long := strings.Repeat("x", 1500)
	for i := range n {
		f := pcap.Frame{Data: segment(false, uint16(i), uint32(i), 1, 4, 0), Direction: pcap.Outbound,
			ID: uint64(1 + i), Comments: []string{
				capture.CommentReset + `{"reason":"` + long + `"}`, capture.CommentKernelDrop + long, capture.CommentTimer +
					long}}
		b.packet(f)
	}
	return b.err
}

func flowsAtPoints(w io.Writer, n int) error {
	const points = 64
	b := begin(w, points)
	for i := range n {
		f := segment(false, uint16(i), uint32(i), 1, 16, 1)
		f[27] = byte(i >> 16)
		for p := range points {
			b.packet(pcap.Frame{Data: f, Interface: p})
		}
	}
	return b.err
}

// bomb is options without a value, as many as one block may have.
func bomb(code uint16) []byte {
	const size = 15 << 20
	out := make([]byte, size)
	for i := 0; i < size; i += 4 {
		binary.LittleEndian.PutUint16(out[i:], code)
	}
	return out
}

// block is a block of pcapng.
func block(kind uint32, body []byte) []byte {
	le := binary.LittleEndian
	n := uint32(12 + len(body))
	return le.AppendUint32(append(le.AppendUint32(le.AppendUint32(nil, kind), n), body...), n)
}

func optionsOfPackets(w io.Writer, n int) error {
	b := begin(w, 1)
	f := segment(false, 1000, 1, 1, 16, 2)
	head := make([]byte, 20)
	binary.LittleEndian.PutUint32(head[12:], uint32(len(f)))
	binary.LittleEndian.PutUint32(head[16:], uint32(len(f)))
	p := block(6, append(append(head, f...), bomb(99)...))
	c := block(6, append(append(head, f...), bomb(1)...)) // comments
	for i := range n {
		b.put([][]byte{p, c}[i%2])
	}
	return b.err
}

func optionsOfInterfaces(w io.Writer, n int) error {
	b := begin(w, 1)
	i := block(1, append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, bomb(99)...))
	for range n {
		b.put(i)
	}
	b.packet(pcap.Frame{Data: segment(false, 1000, 1, 1, 16, 1)})
	return b.err
}

func namesOfInterfaces(w io.Writer, n int) error {
	b := begin(w, 0)
	long := strings.Repeat("x", 60000)
	for i := range n {
		b.put(b.e.Interface(nil,
			pcap.Interface{Name: fmt.Sprintf("n%d/%s", i, long), Description: long, Link: pcap.Ethernet}))
	}
	for i := range n {
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(i), 1, 16, 1), Interface: i})
	}
	return b.err
}

func interleaved(w io.Writer, n int) error {
	b := begin(w, 0)
	for i := range n {
		b.put(b.e.Interface(nil, pcap.Interface{Name: fmt.Sprintf("n%d/w%d", i, i/2), Link: pcap.Ethernet}))
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(i), 1, 16, 1), Interface: i})
	}
	return b.err
}

func hosts(n int) []pcap.Name {
	var names []pcap.Name
	for i := range n {
		names = append(names, pcap.Name{Addr: addr(fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255)),
			Host: fmt.Sprintf("n%d", i)})
	}
	return names
}

func interleavedNamed(w io.Writer, n int) error {
	b := begin(w, 0)
	for i := range 100 {
		b.put(b.e.Names(nil, hosts(100_000)[i*1000:(i+1)*1000]))
	}
	for i := range n {
		b.put(b.e.Interface(nil, pcap.Interface{Name: fmt.Sprintf("n%d/w%d", i, i/2), Link: pcap.Ethernet}))
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(i), 1, 16, 1), Interface: i})
	}
	return b.err
}

func namesBetween(w io.Writer, n int) error {
	b := begin(w, 2)
	for i, name := range hosts(n) {
		b.put(b.e.Names(nil, []pcap.Name{name}))
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(i), 1, 16, 1)})
	}
	return b.err
}

func fragments(w io.Writer, n int) error {
	b := begin(w, 1)
	for i := range n {
		offset := uint16(i % 8000)
		if offset == 4000 {
			offset = 0 // one is missing
		}
		if i%8000 == 7999 {
			b.packet(pcap.Frame{Data: ip(client, server, 17, 7, offset, make([]byte, 8))}) // the end
			continue
		}
		b.packet(pcap.Frame{Data: ip(client, server, 17, 7, offset|0x2000, make([]byte, 8))})
	}
	return b.err
}

func manyDatagrams(w io.Writer, n int) error {
	b := begin(w, 1)
	for i := range n {
		src := [4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
		b.packet(pcap.Frame{Data: ip(src, server, 17, uint16(i), 0x2000|uint16(8000), make([]byte, 8))})
	}
	return b.err
}

// outstanding sends more segments than are remembered.
func outstanding(b *blocks) {
	for i := range 4096 {
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(1+2*i), 1, 16, 2)})
	}
}

func sackStorm(w io.Writer, n int) error {
	b := begin(w, 1)
	b.packet(pcap.Frame{Data: segment(true, 1000, 1, 1, 16, 0)})
	outstanding(b)
	be := binary.BigEndian
	for i := range n {
		opts := []byte{5, 34}
		for range 4 { // from nearly the beginning to the end
			opts = be.AppendUint32(be.AppendUint32(opts, 3), uint32(8000+i%100))
		}
		b.packet(pcap.Frame{Data: segment(true, 1000, 1, 1, 16, 0, opts...)})
	}
	return b.err
}

func rexmitStorm(w io.Writer, n int) error {
	b := begin(w, 1)
	outstanding(b)
	for i := range n { // one segment that sends all of them again
		b.packet(pcap.Frame{Data: segment(false, 1000, 1, 1, 16, 1400+i%10)[:54], Length: 54 + 8000})
	}
	return b.err
}

func backwards(w io.Writer, n int) error {
	b := begin(w, 1)
	b.packet(pcap.Frame{Data: segment(false, 1000, 1, 1, 16, 1)})
	b.packet(pcap.Frame{Data: segment(false, 1000, 1<<30, 1, 16, 1)})
	for i := range n {
		b.packet(pcap.Frame{Data: segment(false, 1000, uint32(1<<30-4*i), 1, 16, 2)})
	}
	return b.err
}

func manyFlows(w io.Writer, n int) error {
	b := begin(w, 2)
	for i := range n {
		f := segment(false, uint16(i), 1, 1, 16, 1)
		f[27] = byte(i >> 16)
		b.packet(pcap.Frame{Data: f, Interface: i % 2})
	}
	return b.err
}
