package tcpdump

import (
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"

	"netrepro/engine/packet/header"
)

// readOptions builds the option bytes of "mss 1460,sackOK,TS val 1 ecr
// 2,nop,wscale 7"; what it does not know it leaves out.
func (p *packet) readOptions(s string) {
	const maxOptions = 40
	be := binary.BigEndian
	var b []byte
	for _, o := range strings.Split(s, ",") {
		w := strings.Fields(o)
		if len(w) == 0 {
			continue
		}
		num := func(i, bits int) uint64 {
			if i >= len(w) {
				return 0
			}
			n, _ := strconv.ParseUint(w[i], 10, bits)
			return n
		}
		switch w[0] {
		case "mss":
			b = be.AppendUint16(append(b, header.TCPOptMSS, 4), uint16(num(1, 16)))
		case "wscale":
			b = append(b, header.TCPOptWScale, 3, byte(num(1, 8)))
		case "sackOK":
			b = append(b, header.TCPOptSACKPermitted, header.OptionValue)
		case "nop":
			b = append(b, header.TCPOptNop)
		case "TS":
			b = append(b, header.TCPOptTimestamps, 10)
			b = be.AppendUint32(be.AppendUint32(b, uint32(num(2, 32))), uint32(num(4, 32)))
		case "sack":
			b = append(b, sackBlocks(o)...)
		}
	}
	for len(b)%4 != 0 {
		b = append(b, header.TCPOptNop)
	}
	if len(b) <= maxOptions {
		p.options = b
	}
}

var sackBlock = regexp.MustCompile(`\{(\d+):(\d+)\}`)

// sackBlocks reads "sack 2 {1:16}{256:4096}".
func sackBlocks(s string) []byte {
	ms := sackBlock.FindAllStringSubmatch(s, 4)
	if len(ms) == 0 {
		return nil
	}
	b := []byte{header.TCPOptSACK, byte(header.OptionValue + header.BlockSize*len(ms))}
	for _, m := range ms {
		for _, v := range m[1:] {
			n, _ := strconv.ParseUint(v, 10, 32)
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
	}
	return b
}

// icmpTexts are what tcpdump prints for ICMP messages (print-icmp.c), with type
// and code.
var icmpTexts = []struct {
	text       string
	kind, code byte
}{
	{"echo request", 8, 0}, {"echo reply", 0, 0}, {"need to frag", 3, 4}, {"admin prohibited filter", 3, 13},
	{"admin prohibited", 3, 10},
	{"port unreachable", 3, 3}, {"protocol unreachable", 3, 2}, {"net unreachable", 3, 0},
	{"time exceeded in-transit", 11, 0}, {"reassembly time exceeded", 11, 1}, {"redirect", 5, 1},
}

var icmpPort = regexp.MustCompile(`(tcp|udp) port \S+ unreachable`)
var icmpMTU = regexp.MustCompile(`mtu (\d+)`)
var icmpLength = regexp.MustCompile(`length (\d+)`)

// icmp reads "ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 36".
// What the message quotes, the line does not tell.
func (p *packet) icmp(s string) {
	p.proto = header.ProtoICMP
	body := make([]byte, header.ICMPSize)
	if strings.HasPrefix(s, "ICMP6") {
		p.proto = header.ProtoICMPv6
		icmp6(s, body)
	} else {
		put(body, 3, 1) // "unreachable" alone is that of a host
		for _, t := range icmpTexts {
			if strings.Contains(s, t.text) {
				put(body, t.kind, t.code)
				break
			}
		}
		if icmpPort.MatchString(s) {
			put(body, 3, 3)
		}
		if m := icmpMTU.FindStringSubmatch(s); m != nil {
			n, _ := strconv.ParseUint(m[1], 10, 16)
			header.ICMPMTU4.Put(body, uint16(n))
		}
	}
	p.body = body
	if m := icmpLength.FindStringSubmatch(s); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= header.ICMPSize && n <= maxPayload {
			p.payload = n - header.ICMPSize
		}
	}
}

// put writes type and code of an ICMP message.
func put(message []byte, kind, code byte) {
	header.ICMPType.Put(message, kind)
	header.ICMPCode.Put(message, code)
}

func icmp6(s string, body []byte) {
	put(body, 1, 0)
	for _, t := range icmp6Texts {
		if strings.Contains(s, t.text) {
			put(body, t.kind, t.code)
			break
		}
	}
	if m := icmpMTU.FindStringSubmatch(s); m != nil {
		n, _ := strconv.ParseUint(m[1], 10, 32)
		header.ICMPMTU6.Put(body, uint32(n))
	}
}

var icmp6Texts = []struct {
	text       string
	kind, code byte
}{
	{"echo request", 128, 0}, {"echo reply", 129, 0}, {"packet too big", 2, 0}, {"time exceeded in-transit", 3, 0},
	{"neighbor solicitation", 135, 0}, {"neighbor advertisement", 136, 0}, {"router solicitation", 133, 0},
	{"router advertisement", 134, 0},
	{"administratively prohibited", 1, 1}, {"no route", 1, 0}, {"port unreach", 1, 4},
}
