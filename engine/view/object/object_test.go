package object

import (
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// record is an analysed segment.
func record() *tcp.Record {
	p := packet.Packet{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("198.51.100.2"), SrcPort: 4000,
		DstPort: 80, Seq: 7, Flags: packet.SYN, Window: 100, ID: 1, MSS: 1460, Proto: packet.ProtoTCP, WScale: -1,
		EtherType: packet.EtherTypeIPv4}
	var r tcp.Record
	tcp.New(tcp.Options{}).Add(&tcp.Input{N: 1, Packet: &p}, &r)
	return &r
}

func TestJSON(t *testing.T) {
	r := record()
	r.Notes = []string{"a \"quoted\" remark\n\x01 and \xff"}
	var v map[string]any
	line := AppendJSON(nil, r)
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if v["src"] != "192.0.2.1:4000" || v["n"] != float64(r.N) {
		t.Errorf("got %s", line)
	}
}

func TestPrinter(t *testing.T) {
	r := record()
	var b strings.Builder
	p := NewPrinter(&b)
	const n = 3*batchSize + 5
	for i := range n {
		r.N = i + 1
		if err := p.Print(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "\n"); got != n || !strings.HasPrefix(b.String(), `{"n":1,`) {
		t.Errorf("%d lines, want %d", got, n)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestPrinterFails(t *testing.T) {
	r := record()
	p := NewPrinter(broken{})
	var err error
	for i := 0; i < 100*batchSize && err == nil; i++ {
		err = p.Print(r)
	}
	if err = errors.Join(err, p.Close()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
