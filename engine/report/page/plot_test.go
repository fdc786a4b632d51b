package page

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
)

// queued is a capture of a wire, from both ends: each segment takes a millisecond longer
// than the one before, and its acknowledgement five milliseconds.
func queued(t *testing.T) string {
	t.Helper()
	var e pcap.Encoder
	b := e.Section(nil, "", "", "")
	b = e.Interface(b, pcap.Interface{Link: pcap.Ethernet, Name: "a/wan"})
	b = e.Interface(b, pcap.Interface{Link: pcap.Ethernet, Name: "b/wan"})
	client, server := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	for i := range 4 {
		p := build.Packet{Src: client, Dst: server, Proto: packet.ProtoTCP, SrcPort: 4000, DstPort: 80, Seq: uint32(i) * 100,
			Ack: 1, Flags: packet.ACK, Window: 1000, Payload: make([]byte, 100)}
		f, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		b = e.Packet(b, &pcap.Frame{Time: int64(i) * 1e8, Data: f, Length: len(f)})
		there := int64(i)*1e8 + int64(i+1)*1e6
		b = e.Packet(b, &pcap.Frame{Time: there, Interface: 1, Data: f, Length: len(f)})
		ack := build.Packet{Src: server, Dst: client, Proto: packet.ProtoTCP, SrcPort: 80, DstPort: 4000, Seq: 1,
			Ack: uint32(i+1) * 100, Flags: packet.ACK, Window: 1000}
		if f, err = ack.Build(); err != nil {
			t.Fatal(err)
		}
		b = e.Packet(b, &pcap.Frame{Time: there + 1e4, Interface: 1, Data: f, Length: len(f)})
		b = e.Packet(b, &pcap.Frame{Time: there + 5e6, Data: f, Length: len(f)})
	}
	path := filepath.Join(t.TempDir(), "queued.pcapng")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestQueue has the time of each segment on a wire that has a rate, and of none that has
// not.
func TestQueue(t *testing.T) {
	vm := opened(t, read(t, queued(t)), false)
	if _, err := vm.RunString(asset("plot.js")); err != nil {
		t.Fatal(err)
	}
	for lab, want := range map[string]string{
		`null`: "",
		`{ wires: [{ name: "wan", facts: [{ name: "delay", text: "1ms" }] }] }`:                                 "",
		`{ wires: [{ name: "lan", facts: [{ name: "rate", text: "1 Mbit/s" }] }, { name: "wan" }] }`:            "",
		`{ wires: [{ name: "wan", facts: [{ name: "rate", text: "1 Mbit/s" }] }, { name: "lan", facts: [] }] }`: "wan 1,2,3,4",
	} {
		v, err := vm.RunString(`(() => {
			const work = seriesOf(c, 0, ratedWires(` + lab + `));
			let step;
			do step = work.next(); while (!step.done);
			return [...step.value[0].wires].map(([name, of]) => name + " " + of.map((x) => Math.round(x[1] * 1000)).join()).join(";");
		})()`)
		if err != nil {
			t.Fatal(err)
		}
		if v.String() != want {
			t.Errorf("%s: %q, want %q", lab, v, want)
		}
	}
}

// TestRoundTrip plots round trips as the sender of the data sees them, not the receiver.
func TestRoundTrip(t *testing.T) {
	vm := opened(t, read(t, queued(t)), true)
	if _, err := vm.RunString(asset("plot.js")); err != nil {
		t.Fatal(err)
	}
	v, err := vm.RunString(`(() => {
		const work = seriesOf(c, 0, new Map());
		let step;
		do step = work.next(); while (!step.done);
		return step.value[0].rtt.map((x) => Math.round(x[1] * 1000)).join();
	})()`)
	if err != nil {
		t.Fatal(err)
	}
	if v.String() != "6,7,8,9" {
		t.Errorf("round trips of %s ms", v)
	}
}
