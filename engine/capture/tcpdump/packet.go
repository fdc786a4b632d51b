package tcpdump

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
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
	flags            uint8
	seq, ack         uint32
	hasSeq           bool
	window           uint16
	urgent           uint16
	options          []byte
	body             []byte // of ICMP
	payload          int
}

const (
	flagFIN, flagSYN, flagRST, flagPSH, flagACK, flagURG, flagECE, flagCWR = 1, 2, 4, 8, 16, 32, 64, 128

	protoICMP, protoTCP, protoUDP, protoICMPv6 = 1, 6, 17, 58

	maxPayload = 1 << 20 // more than any frame with segmentation left to the device
)

var flagBits = map[rune]uint8{'F': flagFIN, 'S': flagSYN, 'R': flagRST, 'P': flagPSH, '.': flagACK, 'U': flagURG, 'E': flagECE, 'W': flagCWR}

func flagsOf(s string) (uint8, error) {
	if s == "none" {
		return 0, nil
	}
	var f uint8
	for _, c := range s {
		bit, ok := flagBits[c]
		if !ok {
			return 0, fmt.Errorf("%q is not a set of TCP flags", s)
		}
		f |= bit
	}
	return f, nil
}

// old is the notation before tcpdump 4.1: "S 1:1(0) ack 2 win 5840 <mss 1460>".
var old = regexp.MustCompile(`^([SFRPUWE.]+) (?:(\d+):(\d+)\((\d+)\) )?(?:ack (\d+) )?win (\d+)(?: urg \d+)?(?: <(.*)>)?`)

func oldFlags(s string) bool { return old.MatchString(s) }

// tcp reads "Flags [P.], seq 1:10, ack 1, win 5, options […], length 9".
func (p *packet) tcp(s string) error {
	p.proto = protoTCP
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
			p.flags |= flagACK
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
	p.flags &^= flagACK // the dot only says that no other flag is set
	if m[2] != "" {
		if p.seq, err = number(m[2]); err == nil {
			p.hasSeq = true
			err = p.size(m[4])
		}
	}
	if m[5] != "" && err == nil {
		p.ack, err = number(m[5])
		p.flags |= flagACK
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
	p.proto = protoUDP
	if m := udpLength.FindStringSubmatch(s); m != nil {
		_ = p.size(m[1] + m[2]) // one of them is empty; without either it is 0
	}
}

// head appends the transport header.
func (p *packet) head(b []byte) []byte {
	be := binary.BigEndian
	switch p.proto {
	case protoTCP:
		opts := p.options
		b = be.AppendUint16(be.AppendUint16(b, p.srcPort), p.dstPort)
		b = be.AppendUint32(be.AppendUint32(b, p.seq), p.ack)
		b = append(b, byte((20+len(opts))/4)<<4, p.flags)
		b = be.AppendUint16(be.AppendUint16(be.AppendUint16(b, p.window), 0), p.urgent)
		return append(b, opts...)
	case protoUDP:
		b = be.AppendUint16(be.AppendUint16(b, p.srcPort), p.dstPort)
		return be.AppendUint16(be.AppendUint16(b, uint16(min(8+p.payload, 1<<16-1))), 0)
	}
	return append(b, p.body...)
}

// encode appends the packet up to where its payload would begin.
func (p *packet) encode(b []byte) []byte {
	be := binary.BigEndian
	head := p.head(nil)
	n := len(head) + p.payload
	if p.src.Is4() {
		total := 20 + n
		if total >= 1<<16 {
			total = 0 // as captured from a device that does the segmentation
		}
		b = append(b, 0x45, 0)
		b = be.AppendUint16(be.AppendUint16(b, uint16(total)), p.id)
		frag := uint16(0)
		if p.df {
			frag = 0x4000
		}
		b = be.AppendUint16(b, frag)
		b = append(b, p.ttl, p.proto, 0, 0)
	} else {
		size := n
		if size >= 1<<16 {
			size = 0
		}
		b = be.AppendUint32(b, 6<<28)
		b = be.AppendUint16(b, uint16(size))
		b = append(b, p.proto, p.ttl)
	}
	b = append(append(b, p.src.AsSlice()...), p.dst.AsSlice()...)
	return append(b, head...)
}
