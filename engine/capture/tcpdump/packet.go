package tcpdump

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"netrepro/engine/packet/header"
)

// ipHeader is what -v tells of the IP header.
type ipHeader struct {
	seen bool
	ttl  uint8
	id   uint16
	df   bool
}

// parse reads "(tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6),
// length 52)" and returns what follows it.
func (h *ipHeader) parse(s string) string {
	depth, end := 0, len(s)
	for i, c := range s {
		if c == '(' {
			depth++
		} else if c == ')' {
			if depth--; depth == 0 {
				end = i + 1
				break
			}
		}
	}
	h.seen = true
	for _, f := range strings.Split(strings.Trim(s[:end], "()"), ", ") {
		name, v, _ := strings.Cut(f, " ")
		switch name {
		case "ttl", "hlim":
			n, _ := strconv.ParseUint(v, 10, 8)
			h.ttl = uint8(n)
		case "id":
			n, _ := strconv.ParseUint(v, 10, 16)
			h.id = uint16(n)
		case "flags":
			h.df = strings.Contains(v, "DF")
		}
	}
	return strings.TrimSpace(s[end:])
}

// packet is what a line tells of one.
type packet struct {
	ipHeader
	time             int64
	src, dst         netip.Addr
	srcPort, dstPort uint16
	proto            uint8
	flags            header.TCPFlags
	seq, ack         uint32
	hasSeq           bool
	window           uint16
	urgent           uint16
	options          []byte
	body             []byte // of ICMP
	payload          int
}

const (
	maxPayload = 1 << 20 // more than any frame with segmentation left to the device
)

func flagsOf(s string) (header.TCPFlags, error) {
	if s == "none" {
		return 0, nil
	}
	f, ok := header.ParseFlags(s)
	if !ok {
		return 0, fmt.Errorf("%q is not a set of TCP flags", s)
	}
	return f, nil
}

// old is the notation before tcpdump 4.1: "S 1:1(0) ack 2 win 5840 <mss 1460>".
var old = regexp.MustCompile(`^([SFRPUWE.]+) (?:(\d+):(\d+)\((\d+)\) )?(?:ack (\d+) )?win (\d+)(?: urg \d+)?(?: <(.*)>)?`)

func oldFlags(s string) bool { return old.MatchString(s) }

// tcp reads "Flags [P.], seq 1:10, ack 1, win 5, options […], length 9".
func (p *packet) tcp(s string) error {
	p.proto = header.ProtoTCP
	if m := old.FindStringSubmatch(s); m != nil {
		return p.oldTCP(m)
	}
	flags, rest, ok := strings.Cut(strings.TrimPrefix(s, "Flags ["), "]")
	if !ok {
		return fmt.Errorf("flags without a closing bracket")
	}
	var err error
	if p.flags, err = flagsOf(flags); err != nil {
		return err
	}
	rest = strings.TrimPrefix(rest, ", ")
	if before, opts, ok := strings.Cut(rest, "options ["); ok {
		opts, tail, closed := strings.Cut(opts, "]")
		p.readOptions(opts)
		rest = before + strings.TrimPrefix(tail, ", ")
		if !closed {
			rest = before
		}
	}
	sized := false
	for _, f := range strings.Split(rest, ", ") {
		name, v, _ := strings.Cut(f, " ")
		switch name {
		case "seq":
			err = p.readSeq(v, &sized)
		case "ack":
			p.ack, err = number(v)
			p.flags |= header.ACK
		case "win":
			err = short(v, &p.window)
		case "urg":
			err = short(v, &p.urgent)
		case "length":
			v, _, _ = strings.Cut(v, ":")
			err = p.size(v)
			sized = true
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *packet) readSeq(s string, sized *bool) error {
	from, to, ranged := strings.Cut(s, ":")
	n, err := number(from)
	if err != nil {
		return err
	}
	p.seq, p.hasSeq = n, true
	if !ranged {
		return nil
	}
	end, err := number(to)
	if err == nil && !*sized {
		err = p.size(strconv.FormatUint(uint64(end-n), 10))
	}
	return err
}

func (p *packet) oldTCP(m []string) (err error) {
	if p.flags, err = flagsOf(m[1]); err != nil {
		return err
	}
	p.flags &^= header.ACK // the dot only says that no other flag is set
	if m[2] != "" {
		if p.seq, err = number(m[2]); err == nil {
			p.hasSeq = true
			err = p.size(m[4])
		}
	}
	if m[5] != "" && err == nil {
		p.ack, err = number(m[5])
		p.flags |= header.ACK
	}
	if err == nil {
		err = short(m[6], &p.window)
	}
	p.readOptions(strings.ReplaceAll(m[7], "timestamp ", "TS val "))
	return err
}

func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not a sequence number", s)
	}
	return uint32(n), nil
}

func short(s string, to *uint16) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return fmt.Errorf("%q is not a number below 65536", s)
	}
	*to = uint16(n)
	return nil
}

func (p *packet) size(s string) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > maxPayload {
		return fmt.Errorf("%q is not the length of a packet", s)
	}
	p.payload = int(n)
	return nil
}

var udpLength = regexp.MustCompile(`length (\d+)|\((\d+)\)$`)

// udp reads what is left: the length, where there is one.
func (p *packet) udp(s string) {
	p.proto = header.ProtoUDP
	if m := udpLength.FindStringSubmatch(s); m != nil {
		_ = p.size(m[1] + m[2]) // one of them is empty; without either it is 0
	}
}

// head is the transport header.
func (p *packet) head() []byte {
	switch p.proto {
	case header.ProtoTCP:
		b := make([]byte, header.TCPSize, header.TCPSize+len(p.options))
		header.TCPSrcPort.Put(b, p.srcPort)
		header.TCPDstPort.Put(b, p.dstPort)
		header.TCPSeq.Put(b, p.seq)
		header.TCPAck.Put(b, p.ack)
		header.TCPHead.Put(b, byte((len(b)+len(p.options))/4)<<4)
		header.TCPControl.Put(b, uint8(p.flags))
		header.TCPWindow.Put(b, p.window)
		header.TCPUrgent.Put(b, p.urgent)
		return append(b, p.options...)
	case header.ProtoUDP:
		b := make([]byte, header.UDPSize)
		header.UDPSrcPort.Put(b, p.srcPort)
		header.UDPDstPort.Put(b, p.dstPort)
		header.UDPLength.Put(b, uint16(min(header.UDPSize+p.payload, 1<<16-1)))
		return b
	}
	return p.body
}

// long is a length as IP writes it, 0 if it is more than that: as captured from a
// device that does the segmentation.
func long(n int) uint16 {
	if n >= 1<<16 {
		return 0
	}
	return uint16(n)
}

// encode appends the packet up to where its payload would begin.
func (p *packet) encode(b []byte) []byte {
	head := p.head()
	n := len(head) + p.payload
	if p.src.Is4() {
		ip := make([]byte, header.IPv4Size)
		header.IPv4Head.Put(ip, 4<<4|header.IPv4Size/4)
		header.IPv4Length.Put(ip, long(len(ip)+n))
		header.IPv4ID.Put(ip, p.id)
		if p.df {
			header.IPv4Fragment.Put(ip, header.DontFragment)
		}
		header.IPv4TTL.Put(ip, p.ttl)
		header.IPv4Proto.Put(ip, p.proto)
		header.IPv4Src.Put(ip, p.src)
		header.IPv4Dst.Put(ip, p.dst)
		return append(append(b, ip...), head...)
	}
	ip := make([]byte, header.IPv6Size)
	header.IPv6Head.Put(ip, 6<<28)
	header.IPv6Length.Put(ip, long(n))
	header.IPv6Next.Put(ip, p.proto)
	header.IPv6Hops.Put(ip, p.ttl)
	header.IPv6Src.Put(ip, p.src)
	header.IPv6Dst.Put(ip, p.dst)
	return append(append(b, ip...), head...)
}
