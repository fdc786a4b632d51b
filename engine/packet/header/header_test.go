package header_test

import (
	"bytes"
	"testing"

	. "netrepro/engine/packet/header"
	"netrepro/engine/testutil/frames"
)

// TestTag puts a tag into a frame and takes it out again.
func TestTag(t *testing.T) {
	b := frames.Of(t, frames.Samples()["tcp4"])
	tagged := Tagged(b, 0x6005)
	if size, vlan := VLANOf(tagged); size != TagSize || vlan != 5 {
		t.Errorf("a tag of %d bytes, VLAN %d", size, vlan)
	}
	if size, _ := VLANOf(b); size != 0 || TagOf(b) != nil {
		t.Error("a frame without a tag has one")
	}
	if !bytes.Equal(Untagged(tagged), b) || !bytes.Equal(TagOf(tagged), []byte{0x81, 0, 0x60, 5}) {
		t.Errorf("tag %x, without it %x", TagOf(tagged), Untagged(tagged))
	}
}

// TestEditSizes grows and shrinks payloads: lengths and checksums follow, and
// what was wrong before is wrong after.
func TestEditSizes(t *testing.T) {
	for name, p := range frames.Samples() {
		frame := frames.Of(t, p)
		for _, by := range []int{-3, -1, 1, 2, 7} {
			resized := func(from []byte) []byte {
				got, err := Edit(from, false, func(b []byte, _ *Layout) ([]byte, error) {
					if by < 0 && len(p.Payload) < -by {
						return b, nil
					}
					if by < 0 {
						return b[:len(b)+by], nil
					}
					return append(b, bytes.Repeat([]byte{0xa5}, by)...), nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			if net, trans := Valid(resized(frame)); !net || !trans {
				t.Errorf("%s by %d: checksums %t %t", name, by, net, trans)
			}
			at := checksumAt(frame, p.Proto)
			if at < 0 {
				continue
			}
			bad := bytes.Clone(frame)
			bad[at] ^= 0x55
			if _, trans := Valid(resized(bad)); trans {
				t.Errorf("%s by %d: a wrong checksum was put right", name, by)
			}
		}
	}
}

// checksumAt is where the transport checksum of a frame stands, -1 if it has none.
func checksumAt(frame []byte, proto uint8) int {
	l := Parse(frame)
	switch proto {
	case ProtoTCP:
		return l.Trans + TCPChecksum.Offset()
	case ProtoUDP:
		return l.Trans + UDPChecksum.Offset()
	case ProtoICMP, ProtoICMPv6:
		return l.Trans + ICMPChecksum.Offset()
	}
	return -1
}
