package frame

import (
	"bytes"
	"testing"

	"netrepro/engine/anonymize/standin"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/testutil/frames"
)

// shown is what becomes of a frame.
func shown(f *Frames, b []byte) []byte {
	b = bytes.Clone(b)
	f.Frame(packet.LinkEthernet, b, len(b))
	return b
}

// TestChecksums leaves right what was right, and wrong what was wrong.
func TestChecksums(t *testing.T) {
	for name, p := range frames.Samples() {
		b := frames.Of(t, p)
		f := New(standin.NewMap())
		if net, trans := header.Valid(shown(f, b)); !net || !trans {
			t.Errorf("%s: checksums %t %t", name, net, trans)
		}
		l := header.Parse(b)
		at := map[uint8]int{packet.ProtoTCP: header.TCPChecksum.Offset(), packet.ProtoUDP: header.UDPChecksum.Offset(),
			packet.ProtoICMP: header.ICMPChecksum.Offset(), packet.ProtoICMPv6: header.ICMPChecksum.Offset()}[p.Proto]
		if l.Trans < 0 {
			continue
		}
		bad := bytes.Clone(b)
		bad[l.Trans+at] ^= 0x55
		if _, trans := header.Valid(shown(f, bad)); trans {
			t.Errorf("%s: a wrong checksum was put right", name)
		}
		if l.Version == 4 {
			bad = bytes.Clone(b)
			bad[l.Net+header.IPv4Checksum.Offset()] ^= 0x55
			if net, _ := header.Valid(shown(f, bad)); net {
				t.Errorf("%s: a wrong checksum of the header was put right", name)
			}
		}
	}
}

// TestPartial leaves what was left to the network card.
func TestPartial(t *testing.T) {
	b := frames.Of(t, frames.Samples()["tcp4"])
	l := header.Parse(b)
	pseudo := func(b []byte) uint16 {
		head := append(bytes.Clone(b[l.Net+header.IPv4Src.Offset():l.Net+header.IPv4Size]), 0, packet.ProtoTCP, 0,
			byte(l.End-l.Trans))
		return ^header.Checksum(head)
	}
	header.TCPChecksum.Put(b[l.Trans:], pseudo(b))
	got := shown(New(standin.NewMap()), b)
	if sum := header.TCPChecksum.Get(got[l.Trans:]); sum != pseudo(got) {
		t.Errorf("the checksum is %#x, want that of the pseudo header, %#x", sum, pseudo(got))
	}
	header.TCPChecksum.Put(b[l.Trans:], 0)
	if sum := header.TCPChecksum.Get(shown(New(standin.NewMap()), b)[l.Trans:]); sum != 0 {
		t.Errorf("a checksum that is not there became %#x", sum)
	}
}

// TestFragments joins what fragments became: its checksum is right.
func TestFragments(t *testing.T) {
	p := frames.Samples()["udp4"]
	p.Payload = bytes.Repeat([]byte("hello "), 400)
	b := frames.Of(t, p)
	l := header.Parse(b)
	f := New(standin.NewMap())
	var joined []byte
	const size = 1024
	for at := l.Trans; at < len(b); at += size {
		end := min(at+size, len(b))
		part := append(bytes.Clone(b[:l.Trans]), b[at:end]...)
		frag := uint16((at - l.Trans) / 8)
		if end < len(b) {
			frag |= header.MoreFragments
		}
		header.IPv4Fragment.Put(part[l.Net:], frag)
		header.IPv4Length.Put(part[l.Net:], uint16(len(part)-l.Net))
		part = shown(f, part)
		if joined == nil {
			joined = bytes.Clone(part[:l.Trans])
		}
		joined = append(joined, part[l.Trans:]...)
	}
	header.IPv4Fragment.Put(joined[l.Net:], 0)
	header.IPv4Length.Put(joined[l.Net:], uint16(len(joined)-l.Net))
	if _, trans := header.Valid(joined); !trans {
		t.Error("the checksum is wrong")
	}
}

// TestAgain gives a segment that is sent again, in other pieces, what it had.
func TestAgain(t *testing.T) {
	f := New(standin.NewMap())
	p := frames.Samples()["tcp4"]
	text := []byte("GET /a/b HTTP/1.1\r\nHost: www.example.com\r\nX-Own: 1\r\nContent-Length: 5\r\n\r\nhello")
	send := func(from, to int) []byte {
		p.Seq, p.Payload = 1000+uint32(from), text[from:to]
		b := shown(f, frames.Of(t, p))
		return b[len(b)-(to-from):]
	}
	whole := send(0, len(text))
	if bytes.Contains(whole, []byte("example")) || !bytes.HasPrefix(whole, []byte("GET /")) {
		t.Errorf("got %q", whole)
	}
	for _, cut := range [][2]int{{0, len(text)}, {0, 10}, {10, 40}, {30, len(text)}} {
		if got := send(cut[0], cut[1]); !bytes.Equal(got, whole[cut[0]:cut[1]]) {
			t.Errorf("%v: %q, and before %q", cut, got, whole[cut[0]:cut[1]])
		}
	}
}

// FuzzAnonymize has frames of all links stay as long as they are.
func FuzzAnonymize(f *testing.F) {
	for _, p := range frames.Samples() {
		f.Add(uint16(1), frames.Of(f, p), uint16(0))
	}
	for l := range packet.Link(300) {
		if l.Known() {
			f.Add(uint16(l), bytes.Repeat([]byte{0x45, 0, 0, 60, 8}, 12), uint16(9))
		}
	}
	// A stack of MPLS labels that is longer than what is looked through.
	f.Add(uint16(219), append(bytes.Repeat([]byte{0xc8}, 160), bytes.Repeat([]byte{0x31}, 40)...), uint16(9))
	all := New(standin.NewMap())
	f.Fuzz(func(t *testing.T, link uint16, b []byte, more uint16) {
		out := bytes.Clone(b)
		all.Frame(packet.Link(link), out, len(b)+int(more))
		var d packet.Decoder
		var was, is packet.Packet
		d.Frame(packet.Link(link), b, len(b)+int(more), &was)
		d.Frame(packet.Link(link), out, len(b)+int(more), &is)
		if len(out) != len(b) || was.Proto != is.Proto || was.SrcPort != is.SrcPort || was.Seq != is.Seq ||
			was.Flags != is.Flags || was.PayloadLen != is.PayloadLen || was.TSVal != is.TSVal || was.MSS != is.MSS ||
			was.EtherType != is.EtherType || (was.ICMP() == nil) != (is.ICMP() == nil) || was.Malformed() != is.Malformed() {
			t.Errorf("%x\n%+v %s\nbecame %x\n%+v %s", b, was, was.Malformed(), out, is, is.Malformed())
		}
	})
}
