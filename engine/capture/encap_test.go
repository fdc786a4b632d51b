package capture_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/link"
	"netrepro/engine/tcp"
	"netrepro/engine/testutil/tshark"
)

// be is a number of two bytes.
func be(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }

// zeroes are n bytes.
func zeroes(n int) string { return string(make([]byte, n)) }

// SYNs of one connection over either version of IP, and the frame of the one over IPv4.
var (
	syn4  = ip4(6, tcpSYN)
	syn6  = ip6(6, tcpSYN)
	ether = macs + "\x08\x00" + syn4
)

const (
	macs   = "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
	vendor = "\x00\x1b\x21\x11\x22\x33\x00\x0c\x29\x44\x55\x66" // addresses of cards that are sold
	tcpSYN = "\x0f\xa0\x00\x50\x00\x00\x00\x64\x00\x00\x00\x00\x50\x02\xfd\x5c\x00\x00\x00\x00"
	snap   = "\xaa\xaa\x03\x00\x00\x00"
	wifi   = "\x08\x01\x00\x00" + macs + "\x02\x00\x00\x00\x00\x03\x00\x00"
	swap   = "\x01\x08\x00\x00" + macs + "\x02\x00\x00\x00\x00\x03\x00\x00"
	vni    = "\x08\x00\x00\x00\x00\x00\x0b\x00"
	label  = "\x00\x01\x01\x40"
)

func ip4(proto byte, body string) string {
	b := []byte("\x45\x00" + be(20+len(body)) + "\x00\x01\x40\x00\x40" + string(rune(proto)) + "\x00\x00" +
		"\xc0\x00\x02\x01\xc6\x33\x64\x02")
	header.IPv4Checksum.Put(b, header.Checksum(b))
	return string(b) + body
}

func ip6(proto byte, body string) string {
	const net = "\x20\x01\x0d\xb8"
	return "\x60\x00\x00\x00" + be(len(body)) + string(rune(proto)) + "\x40" + net + zeroes(11) + "\x01" + net + zeroes(11) +
		"\x02" + body
}

func udp(src, dst int, body string) string {
	return ip4(17, be(src)+be(dst)+be(8+len(body))+"\x00\x00"+body)
}

func gre(flags, kind int, body string) string { return ip4(47, be(flags)+be(kind)+body) }

func pppoe(body string) string { return "\x11\x00\x00\x01" + be(len(body)) + body }

// within are frames of each kind that hold one SYN. Those that tshark does not decode are
// alone.
var within = []struct {
	name  string
	link  link.Link
	frame string
	alone bool
}{
	{"geneve", link.Raw, udp(1, 6081, "\x00\x00\x65\x58\x00\x00\x0b\x00"+ether), false},
	{"geneve, options", link.Raw, udp(1, 6081, "\x02\x00\x65\x58\x00\x00\x0b\x00"+zeroes(8)+ether), false},
	{"geneve, ip", link.Raw, udp(1, 6081, "\x00\x00\x08\x00\x00\x00\x0b\x00"+syn4), false},
	{"geneve, ipv6", link.Raw, udp(6081, 1, "\x00\x80\x86\xdd\x00\x00\x0b\x00"+syn6), false},
	{"vxlan", link.Raw, udp(1, 4789, vni+ether), false},
	{"vxlan from its port", link.Raw, udp(4789, 40000, vni+ether), false},
	{"vxlan, vlan", link.Raw, udp(1, 4789, vni+macs+"\x81\x00\x00\x05\x86\xdd"+syn6), false},
	{"vxlan in vxlan", link.Raw, udp(1, 4789, vni+macs+"\x08\x00"+udp(1, 4789, vni+ether)), false},
	{"vxlan of flannel", link.Raw, udp(1, 8472, vni+ether), true},
	{"vxlan on any port", link.Raw, udp(1, 12345, vni+ether), true},
	{"vxlan on any port, ipv6", link.Raw, udp(1, 12345, vni+macs+"\x86\xdd"+syn6), true},
	{"vxlan-gpe", link.Raw, udp(1, 4790, "\x0c\x00\x00\x01\x00\x00\x0b\x00"+syn4), false},
	{"vxlan-gpe, ethernet", link.Raw, udp(1, 4790, "\x0c\x00\x00\x03\x00\x00\x0b\x00"+ether), false},
	{"vxlan-gpe, nsh", link.Raw, udp(1, 4790, "\x0c\x00\x00\x04\x00\x00\x0b\x00\x00\x02\x02\x01"+zeroes(4)+syn4), false},
	{"gre", link.Raw, gre(0, 0x800, syn4), false},
	{"gre, all fields", link.Raw, gre(0xb000, 0x86dd, zeroes(12)+syn6), false},
	{"gre, routing", link.Raw, gre(0x4000, 0x800, zeroes(4)+"\x08\x00\x00\x04\x01\x01\x01\x01"+zeroes(4)+syn4), false},
	{"gre, ethernet", link.Raw, gre(0, 0x6558, ether), false},
	{"gre, mpls", link.Raw, gre(0, 0x8847, label+syn4), false},
	{"gre, wccp", link.Raw, gre(0, 0x883e, zeroes(4)+syn4), false},
	{"gre, ppp", link.Raw, gre(0x3081, 0x880b, zeroes(12)+"\xff\x03\x00\x21"+syn4), false},
	{"gre, access point", link.Raw, gre(0, 0x8200, wifi+snap+"\x08\x00"+syn4), false},
	{"gre in gre", link.Raw, gre(0, 0x800, gre(0, 0x800, syn4)), false},
	{"erspan I", link.Raw, gre(0, 0x88be, ether), false},
	{"erspan II", link.Raw, gre(0x1000, 0x88be, zeroes(4)+"\x10"+zeroes(7)+ether), false},
	{"erspan III", link.Raw, gre(0x1000, 0x22eb, zeroes(4)+"\x20"+zeroes(11)+ether), false},
	{"erspan III, subheader", link.Raw, gre(0x1000, 0x22eb, zeroes(4)+"\x20"+zeroes(10)+"\x01"+zeroes(8)+ether), false},
	{"ipip", link.Raw, ip4(4, syn4), false},
	{"6in4", link.Raw, ip4(41, syn6), false},
	{"4in6", link.Raw, ip6(4, syn4), false},
	{"gre in ipv6", link.Raw, ip6(47, "\x00\x00\x08\x00"+syn4), false},
	{"authenticated", link.Raw, ip4(51, "\x06\x04\x00\x00"+zeroes(20)+tcpSYN), false},
	{"ethernet in ip", link.Raw, ip4(97, "\x30\x00"+ether), false},
	{"mpls in udp", link.Raw, udp(1, 6635, label+syn4), false},
	{"teredo", link.Raw, udp(1, 3544, zeroes(8)+syn6), false},
	{"gtp, extension", link.Raw, udp(1, 2152, "\x34\xff"+be(48)+zeroes(7)+"\x85\x01\x00\x00\x00"+syn4), false},
	{"l2tp", link.Raw, udp(1701, 1701, "\x00\x02\x00\x01\x00\x02\xff\x03\x00\x21"+syn4), false},
	{"tzsp", link.Raw, udp(1, 37008, "\x01\x00\x00\x01\x01"+ether), false},
	{"capwap", link.Raw, udp(1, 5247, "\x00\x10\x43\x00"+zeroes(4)+swap+snap+"\x08\x00"+syn4), false},
	{"capwap, not swapped", link.Raw, udp(1, 5247, "\x00\x10\x43\x00"+zeroes(4)+wifi+snap+"\x08\x00"+syn4), true},
	{"capwap, ethernet", link.Raw, udp(1, 5247, "\x00\x10\x42\x00"+zeroes(4)+ether), false},
	{"mpls", link.Ethernet, macs + "\x88\x47\x00\x01\x00\x40" + label + syn4, false},
	{"mpls, ipv6", link.Ethernet, macs + "\x88\x47" + label + syn6, false},
	{"mpls, channel", link.Ethernet, macs + "\x88\x47" + label + "\x10\x00\x00\x21" + syn4, false},
	{"pseudowire", link.Ethernet, macs + "\x88\x47" + label + vendor + "\x08\x00" + syn4, false},
	{"pseudowire, control word", link.Ethernet, macs + "\x88\x47" + label + zeroes(4) + vendor + "\x08\x00" + syn4, false},
	{"pppoe", link.Ethernet, macs + "\x88\x64" + pppoe("\x00\x21"+syn4), false},
	{"pppoe, ipv6", link.Ethernet, macs + "\x88\x64" + pppoe("\x00\x57"+syn6), false},
	{"pppoe, mpls", link.Ethernet, macs + "\x88\x64" + pppoe("\x02\x81"+label+syn4), false},
	{"pppoe in vlan", link.Ethernet, macs + "\x81\x00\x00\x05\x88\x64" + pppoe("\x21"+syn4), false},
	{"provider's bridge", link.Ethernet, macs + "\x88\xe7\x00\x00\x00\x01" + ether, false},
	{"macsec, not encrypted", link.Ethernet, macs + "\x88\xe5" + zeroes(6) + "\x08\x00" + syn4 + zeroes(16), false},
	{"hdlc", link.CHDLC, "\x0f\x00\x08\x00" + syn4, false},
	{"hdlc, mpls", link.CHDLC, "\x8f\x00\x88\x47" + label + syn4, false},
	{"hdlc where ppp is", link.PPPHDLC, "\x0f\x00\x86\xdd" + syn6, false},
	{"infiniband", link.IPoIB, zeroes(40) + "\x08\x00\x00\x00" + syn4, false},
	{"infiniband, ipv6", link.IPoIB, zeroes(40) + "\x86\xdd\x00\x00" + syn6, false},
	{"arcnet", link.ARCNET, "\x01\x02\xd4\x00\x00\x01" + syn4, false},
	{"arcnet, exception", link.ARCNET, "\x01\x02\xd4\xff\xff\xff\xff\x00\x00\x01" + syn4, false},
	{"arcnet, rfc 1051", link.ARCNET, "\x01\x02\xf0" + syn4, false},
	{"arcnet of linux", link.ARCNETLinux, "\x01\x02\x00\x00\xd4\x00\x00\x01" + syn4, false},
	{"arcnet of linux, ipv6", link.ARCNETLinux, "\x01\x02\x00\x00\xc4\x00\x00\x01" + syn6, false},
	{"frame relay", link.FrameRelay, "\x18\x41\x03\xcc" + syn4, false},
	{"frame relay, bridged", link.FrameRelay, "\x18\x41\x03\x00\x80\x00\x80\xc2\x00\x07" + ether, false},
	{"token ring", link.TokenRing, "\x10\x40" + macs + snap + "\x08\x00" + syn4, false},
	{"fddi", link.FDDI, "\x50" + macs + snap + "\x08\x00" + syn4, false},
	{"atm", link.ATM, snap + "\x86\xdd" + syn6, false},
	{"radiotap, padded", link.Radiotap, "\x00\x00\x09\x00\x02\x00\x00\x00\x20\x88" + wifi[1:] + zeroes(4) + snap + "\x08\x00" +
		syn4, false},
	{"logged by netfilter", link.NFLOG, "\x02\x00\x00\x00\x05\x00\x0a\x00\x00\x00\x00\x00" +
		string(byte(4+len(syn4))) + "\x00\x09\x00" + syn4, false},
	{"cooked", link.SLL2, "\x08\x00\x00\x00\x00\x00\x00\x03\x00\x01\x04\x06" + zeroes(8) + syn4, false},
	{"pktap", link.PKTAP, "\x6c\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00en0" + zeroes(21) + "\x02\x00\x00\x00" +
		zeroes(68) + ether, false},
	{"pflog", link.Pflog, "\x3d\x02\x00\x00em1" + zeroes(53) + "\x01\x00\x00\x00" + syn4, false},
}

// written is a pcapng file of frames.
func written(t *testing.T, frames func(yield func(link.Link, string) bool)) string {
	t.Helper()
	var e pcap.Encoder
	b := e.Section(nil, "", "", "")
	var links []link.Link
	for l, frame := range frames {
		at := slices.Index(links, l)
		if at < 0 {
			at, links = len(links), append(links, l)
			b = e.Interface(b, pcap.Interface{Link: pcap.LinkType(l)})
			if l == link.Null {
				t.Fatal("link 0 is written as Ethernet")
			}
		}
		b = e.Packet(b, &pcap.Frame{Interface: at, Time: 1, Data: []byte(frame), Length: len(frame)})
	}
	path := filepath.Join(t.TempDir(), "frames.pcapng")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWithin decodes the SYN in frames of every kind.
func TestWithin(t *testing.T) {
	path := written(t, func(yield func(link.Link, string) bool) {
		for _, w := range within {
			if !yield(w.link, w.frame) {
				return
			}
		}
	})
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var in tcp.Input
	for _, w := range within {
		if err := s.Next(&in); err != nil {
			t.Fatal(err)
		}
		p := in.Packet
		to := p.Dst == netip.MustParseAddr("198.51.100.2") || p.Dst == netip.MustParseAddr("2001:db8::2")
		if !p.IsTCP() || !to || p.DstPort != 80 || p.Seq != 100 || p.Window != 64860 || p.Malformed() != "" {
			t.Errorf("%s: got %+v, malformed %q", w.name, p, p.Malformed())
		}
	}
	if err := s.Next(&in); !errors.Is(err, io.EOF) || s.Unknown != 0 {
		t.Errorf("%v, %d of links that are not known", err, s.Unknown)
	}
}

// TestWithinAsTshark holds the same frames to what tshark decodes of them.
func TestWithinAsTshark(t *testing.T) {
	if tshark.Version() == "" {
		t.Skip("tshark is not installed")
	}
	n := 0
	path := written(t, func(yield func(link.Link, string) bool) {
		for _, w := range within {
			if w.alone {
				continue
			}
			if n++; !yield(w.link, w.frame) {
				return
			}
		}
	})
	r, err := tshark.Compare(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Error(d)
	}
	if r.Packets != n {
		t.Errorf("tshark decodes %d of %d", r.Packets, n)
	}
}

// TestPieces joins what CAPWAP sent in pieces.
func TestPieces(t *testing.T) {
	body := swap + snap + "\x08\x00" + syn4
	piece := func(flags, at int, b string) string {
		return udp(1, 5247, "\x00\x10"+be(0x4300|flags)+"\x00\x07"+be(at)+b)
	}
	path := written(t, func(yield func(link.Link, string) bool) {
		_ = yield(link.Raw, piece(0x80, 0, body[:40])) && yield(link.Raw, piece(0xc0, 40, body[40:]))
	})
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var in tcp.Input
	for _, proto := range []uint8{packet.ProtoUDP, packet.ProtoTCP} {
		if err := s.Next(&in); err != nil || in.Packet.Proto != proto {
			t.Errorf("protocol %d, want %d: %v", in.Packet.Proto, proto, err)
		}
	}
}
