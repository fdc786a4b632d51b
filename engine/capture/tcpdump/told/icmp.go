package told

import (
	"strconv"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
)

// icmpTexts are what tcpdump prints for ICMP messages (print-icmp.c), with type and code.
var icmpTexts = []struct {
	text       string
	kind, code byte
}{
	{"echo request", 8, 0}, {"echo reply", 0, 0},
	{"echo (ping) request", 8, 0}, {"echo (ping) reply", 0, 0},
	{"need to frag", 3, 4}, {"fragmentation needed", 3, 4},
	{"admin prohibited filter", 3, 13}, {"admin prohibited", 3, 10}, {"host precedence violation", 3, 14},
	{"precedence cutoff", 3, 15}, {"port unreachable", 3, 3}, {"protocol unreachable", 3, 2},
	{"net unreachable", 3, 0}, {"source route failed", 3, 5}, {"time exceeded in-transit", 11, 0},
	{"communication administratively filtered", 3, 13}, {"host administratively prohibited", 3, 10},
	{"network administratively prohibited", 3, 9}, {"network unreachable", 3, 0}, {"fragment reassembly time", 11, 1},
	{"time-to-live exceeded", 11, 0}, {"time to live exceeded", 11, 0}, {"redirect for network", 5, 0},
	{"reassembly time exceeded", 11, 1}, {"time exceeded", 11, 0}, {"source quench", 4, 0}, {"parameter problem", 12, 0},
	{"redirect", 5, 1}, {"router advertisement", 9, 0}, {"router solicitation", 10, 0}, {"time stamp query", 13, 0},
	{"time stamp reply", 14, 0},
	{"timestamp request", 13, 0}, {"timestamp reply", 14, 0},
	{"address mask request", 17, 0}, {"address mask reply", 18, 0}, {"unreachable", 3, 1},
}

var icmp6Texts = []struct {
	text       string
	kind, code byte
}{
	{"echo request", 128, 0}, {"echo reply", 129, 0}, {"echo (ping) request", 128, 0}, {"echo (ping) reply", 129, 0},
	{"hop limit exceeded", 3, 0}, {"administratively prohibited", 1, 1}, {"address unreachable", 1, 3},
	{"port unreachable", 1, 4}, {"too big", 2, 0}, {"time exceeded in-transit", 3, 0},
	{"time exceeded", 3, 1}, {"neighbor solicitation", 135, 0}, {"neighbor advertisement", 136, 0},
	{"neighbor sol", 135, 0}, {"neighbor adv", 136, 0}, {"router solicitation", 133, 0},
	{"router advertisement", 134, 0}, {"redirect", 137, 0}, {"multicast listener query", 130, 0},
	{"multicast listener done", 132, 0}, {"multicast listener report v2", 143, 0}, {"multicast listener report", 131, 0},
	{"parameter problem", 4, 0}, {"prohibited", 1, 1}, {"no route", 1, 0}, {"unreachable route", 1, 0},
	{"port unreach", 1, 4}, {"unreachable port", 1, 4}, {"unreachable prohibited", 1, 1},
	{"unreachable address", 1, 3}, {"unreachable", 1, 3},
}

var (
	icmpPort  = pattern.New(`(\S+) (tcp|udp) port (\S+) unreachable`)
	icmpProto = pattern.New(`protocol \d+ unreachable`)
	icmpMTU   = pattern.New(`(?:mtu|too big) (\d+)\b`)
	icmpHost  = pattern.New(`(?:host |net )?(\S+) (?:unreachable|protocol|tcp port|udp port)`)
	icmpEcho  = pattern.New(`\becho\b.*?(?:\bid[ =](\d+|0x[0-9a-f]+), *)?\bseq[ =](\d+)`)
	icmpName  = pattern.New(`(?i)^icmp6?[:,]? ?`)
)

// ICMP reads "ICMP 198.51.100.2 unreachable - need to frag (mtu 1400), length 36", and
// "icmp: …" as it was once. What the message quotes, the line tells only in part. It returns how much was
// understood, and whether more may follow.
func (p *Packet) ICMP(s string) (used int, open bool) {
	text := strings.ToLower(s)
	text = text[len(icmpName.FindString(text)):]
	body := make([]byte, header.ICMPSize)
	p.Proto = header.ProtoICMP
	p.V6 = p.V6 || strings.HasPrefix(strings.ToLower(s), "icmp6") || strings.Contains(p.Src, ":")
	texts := icmpTexts
	if p.V6 {
		p.Proto, texts = header.ProtoICMPv6, icmp6Texts
	}
	known := false
	for _, t := range texts {
		if strings.Contains(text, t.text) {
			header.ICMPType.Put(body, t.kind)
			header.ICMPCode.Put(body, t.code)
			known = true
			break
		}
	}
	if m := icmpMTU.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseUint(m[1], 10, 32)
		if p.V6 {
			header.ICMPMTU6.Put(body, uint32(n))
		} else if n < 1<<16 {
			header.ICMPMTU4.Put(body, uint16(n))
		}
	}
	if m := icmpEcho.FindStringSubmatch(text); m != nil {
		id, _ := strconv.ParseUint(m[1], 0, 16)
		seq, _ := strconv.ParseUint(m[2], 10, 16)
		header.ICMPEchoID.Put(body, uint16(id))
		header.ICMPEchoSeq.Put(body, uint16(seq))
	}
	p.Refused = refused(text, p.Dst)
	if m := icmpPort.FindStringSubmatch(text); m != nil && !p.V6 {
		header.ICMPType.Put(body, 3)
		header.ICMPCode.Put(body, 3)
	} else if icmpProto.MatchString(text) && !p.V6 {
		header.ICMPType.Put(body, 3)
		header.ICMPCode.Put(body, 2)
	}
	if !known { // a type that nobody asks for says that it is none of those known
		header.ICMPType.Put(body, 255)
	}
	p.Body = body
	m := Length.FindStringSubmatch(text)
	if m != nil && Size(m[1]) >= header.ICMPSize {
		p.Payload = Size(m[1]) - header.ICMPSize
	} else {
		p.Missing |= packet.NoLength
	}
	return len(s), m == nil
}

// refused is the packet that an error is about, which host had sent.
func refused(text, host string) *Packet {
	m := icmpHost.FindStringSubmatch(text)
	if m == nil || !IsAddr(strings.TrimSuffix(m[1], ",")) || !strings.Contains(text, "unreachable") {
		return nil
	}
	q := &Packet{Src: host, Dst: strings.TrimSuffix(m[1], ",")}
	if m := icmpPort.FindStringSubmatch(text); m != nil {
		q.DstPort = m[3]
		if q.Proto = header.ProtoUDP; m[2] == "tcp" {
			q.Proto = header.ProtoTCP
		}
	}
	return q
}
