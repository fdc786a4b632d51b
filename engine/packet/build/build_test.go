package build_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/header"
	"netrepro/engine/testutil/frames"
)

// TestBuild reads back what was built with the decoder of traces.
func TestBuild(t *testing.T) {
	for name, want := range frames.Samples() {
		b := frames.Of(t, want)
		var d packet.Decoder
		var p packet.Packet
		d.Ethernet(b, len(b), &p)
		net, trans := header.Valid(b)
		if p.Malformed() != "" || !net || !trans {
			t.Errorf("%s: malformed %q, checksums %t %t", name, p.Malformed(), net, trans)
		}
		if p.Src != want.Src || p.Dst != want.Dst || p.Proto != want.Proto || p.TTL != 61 {
			t.Errorf("%s: %s > %s proto %d ttl %d", name, p.Src, p.Dst, p.Proto, p.TTL)
		}
		if want.Proto == packet.ProtoTCP || want.Proto == packet.ProtoUDP {
			if p.SrcPort != 40000 || p.DstPort != 80 || !bytes.Equal(d.Payload(), want.Payload) {
				t.Errorf("%s: ports %d %d, payload %q", name, p.SrcPort, p.DstPort, d.Payload())
			}
		}
		if want.Proto != packet.ProtoTCP {
			continue
		}
		o := want.Options
		numbers := p.Seq == 7 && p.Ack == 9 && p.Flags == want.Flags && p.Window == 500
		options := p.HasTS && p.TSVal == o.TSVal && int(p.MSS) == max(o.MSS, 0) && int(p.WScale) == o.WScale &&
			p.SACKPermitted == o.SACKPermitted && len(p.SACK()) == len(o.SACK)
		if !numbers || !options {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestAsLayers holds what is built, byte for byte, to what the packet library's layers make of it.
func TestAsLayers(t *testing.T) {
	for name, p := range frames.Samples() {
		p.TOS, p.DF = 0x2e, true
		frame := frames.Of(t, p)
		b := gopacket.NewSerializeBuffer()
		all := append(layersOf(p), gopacket.Payload(p.Payload))
		o := gopacket.SerializeOptions{FixLengths: true}
		if err := gopacket.SerializeLayers(b, o, all...); err != nil {
			t.Fatal(err)
		}
		want := build.Frame(p.DstMAC, p.SrcMAC, p.Tag, b.Bytes())
		header.SetChecksums(want)
		if !bytes.Equal(frame, want) {
			t.Errorf("%s is\n%x, the library's\n%x", name, frame, want)
		}
	}
}

// layersOf are the headers of p behind Ethernet, as the packet library has them.
func layersOf(p build.Packet) []gopacket.SerializableLayer {
	proto := layers.IPProtocol(p.Proto)
	var network gopacket.SerializableLayer = &layers.IPv6{Version: 6, TrafficClass: p.TOS, HopLimit: p.TTL,
		NextHeader: proto, SrcIP: p.Src.AsSlice(), DstIP: p.Dst.AsSlice()}
	if p.Src.Is4() {
		network = &layers.IPv4{Version: 4, TOS: p.TOS, Id: p.ID, TTL: p.TTL, Protocol: proto,
			Flags: layers.IPv4DontFragment, SrcIP: p.Src.AsSlice(), DstIP: p.Dst.AsSlice()}
	}
	f := p.Flags
	switch p.Proto {
	case packet.ProtoTCP:
		return []gopacket.SerializableLayer{network, &layers.TCP{
			SrcPort: layers.TCPPort(p.SrcPort), DstPort: layers.TCPPort(p.DstPort), Seq: p.Seq, Ack: p.Ack,
			FIN: f.Has(packet.FIN), SYN: f.Has(packet.SYN), RST: f.Has(packet.RST), PSH: f.Has(packet.PSH),
			ACK: f.Has(packet.ACK), URG: f.Has(packet.URG), ECE: f.Has(packet.ECE), CWR: f.Has(packet.CWR),
			Window: p.Window, Urgent: p.Urgent, Options: optionsOf(p.Options)}}
	case packet.ProtoUDP:
		return []gopacket.SerializableLayer{network, &layers.UDP{
			SrcPort: layers.UDPPort(p.SrcPort), DstPort: layers.UDPPort(p.DstPort)}}
	case packet.ProtoICMP, packet.ProtoICMPv6: // which begins with the same fields
		return []gopacket.SerializableLayer{network, &layers.ICMPv4{
			TypeCode: layers.CreateICMPv4TypeCode(p.ICMPType, p.ICMPCode),
			Id:       uint16(p.ICMPRest >> 16), Seq: uint16(p.ICMPRest)}}
	}
	return []gopacket.SerializableLayer{network}
}

// optionsOf are TCP options in the order and with the padding that Linux gives them.
func optionsOf(o build.Options) (out []layers.TCPOption) {
	be := binary.BigEndian
	add := func(kind layers.TCPOptionKind, data ...byte) {
		out = append(out, layers.TCPOption{OptionType: kind, OptionData: data})
	}
	if o.MSS >= 0 {
		add(layers.TCPOptionKindMSS, be.AppendUint16(nil, uint16(o.MSS))...)
	}
	if o.HasTS != o.SACKPermitted {
		add(layers.TCPOptionKindNop)
		add(layers.TCPOptionKindNop)
	}
	if o.SACKPermitted {
		add(layers.TCPOptionKindSACKPermitted)
	}
	if o.HasTS {
		add(layers.TCPOptionKindTimestamps, be.AppendUint32(be.AppendUint32(nil, o.TSVal), o.TSEcr)...)
	}
	if o.WScale >= 0 {
		add(layers.TCPOptionKindNop)
		add(layers.TCPOptionKindWindowScale, byte(o.WScale))
	}
	if len(o.SACK) > 0 {
		add(layers.TCPOptionKindNop)
		add(layers.TCPOptionKindNop)
		var blocks []byte
		for _, s := range o.SACK {
			blocks = be.AppendUint32(be.AppendUint32(blocks, s.Left), s.Right)
		}
		add(layers.TCPOptionKindSACK, blocks...)
	}
	return out
}

func TestBuildRefuses(t *testing.T) {
	for name, p := range map[string]build.Packet{
		"no address":   {Src: frames.A4},
		"two versions": {Src: frames.A4, Dst: frames.B6},
		"too long":     {Src: frames.A4, Dst: frames.B4, Proto: packet.ProtoUDP, Payload: make([]byte, 65530)},
		"options": {Src: frames.A4, Dst: frames.B4, Proto: packet.ProtoTCP,
			Options: build.Options{WScale: -1, HasTS: true, MSS: 1, SACK: make([]packet.Block, 4)}},
	} {
		if _, err := p.Build(); err == nil {
			t.Errorf("%s was built", name)
		}
	}
}

// TestFrame puts packets of both versions behind Ethernet headers, with and without
// a tag.
func TestFrame(t *testing.T) {
	for _, tt := range []struct {
		ip, tag []byte
		want    []byte // behind the addresses
	}{
		{[]byte{0x45, 1}, nil, []byte{8, 0, 0x45, 1}},
		{[]byte{0x60, 1}, nil, []byte{0x86, 0xdd, 0x60, 1}},
		{[]byte{0x45}, header.Tag(5), []byte{0x81, 0, 0, 5, 8, 0, 0x45}},
	} {
		got := build.Frame([6]byte{1}, [6]byte{2}, tt.tag, tt.ip)
		if want := append([]byte{1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0}, tt.want...); !bytes.Equal(got, want) {
			t.Errorf("%x is %x, want %x", tt.ip, got, want)
		}
	}
}

// TestQuote holds what is quoted to the limits of both versions.
func TestQuote(t *testing.T) {
	for name, want := range map[string]int{"udp4": 548, "udp6": 1232} {
		p := frames.Samples()[name]
		p.Payload = make([]byte, 1400)
		frame := frames.Of(t, p)
		if got := build.Quote(frame); len(got) != want || !bytes.Equal(got, frame[header.EthernetSize:][:want]) {
			t.Errorf("%s: %d bytes are quoted, want %d", name, len(got), want)
		}
	}
	if got := build.Quote([]byte("no packet")); got != nil {
		t.Errorf("of no packet %x is quoted", got)
	}
}
