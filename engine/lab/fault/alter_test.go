//go:build linux

package fault

import (
	"bytes"
	"net/netip"
	"testing"

	"netrepro/engine/lab/wire"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/header"
	"netrepro/engine/trace"
)

// TestTruncatePadded shows that what pads a frame is not counted as part of the
// packet that is cut.
func TestTruncatePadded(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
		src := netip.MustParseAddr(a)
		f := build.Packet{Src: src, Dst: src.Next(), Proto: packet.ProtoUDP, TTL: 64, SrcPort: 1, DstPort: 2,
			Payload: bytes.Repeat([]byte("x"), 30)}
		b, err := f.Build()
		if err != nil {
			t.Fatal(err)
		}
		const pad, cut = 10, 12
		l := header.Parse(b)
		var v wire.Verdict
		v.Alter(append(b, make([]byte, pad)...), "")
		if err := (&Truncate{To: l.End - l.Net - cut, Mend: true}).Do(&trace.Packet{}, &v, "cut"); err != nil {
			t.Fatal(err)
		}
		got := header.Parse(v.Frame())
		if got.End-got.Payload != len(f.Payload)-cut || len(v.Frame()) != got.End+pad {
			t.Errorf("%s: %d bytes of payload and %d behind it, want %d and %d",
				a, got.End-got.Payload, len(v.Frame())-got.End, len(f.Payload)-cut, pad)
		}
		if net, trans := header.Valid(v.Frame()); !net || !trans {
			t.Errorf("%s: checksums right: %t of IP, %t of UDP", a, net, trans)
		}
	}
}
