package line

import (
	"strconv"
	"strings"

	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
)

var (
	newTCP = pattern.New(`^Flags ?\[`)
	// oldTCP are the flags of a segment as tcpdump wrote them before 4.1, and what may
	// stand behind them.
	oldTCP = pattern.New(`^([SFRPUWE]{1,8}|\.|[SFRPUWE]+\.)(?: |, )(?:\d+:\d+\(\d+\)|ack \d|win \d|cksum |\[tcp sum|\[bad tcp|<)`)
	// oldTCPCut is the beginning of one.
	oldTCPCut = pattern.New(`^(?:[SFRP]{1,2}|\.) (?:\d+(?::\d*(?:\(\d*\)?)?)?|ac?k?|wi?n?|cksum.*|\[.*)$`)
	quiet     = pattern.New(`^tcp \d+`)
	nameless  = pattern.New(`^(?:ip-proto-(\d+)|([A-Za-z][A-Za-z0-9]*,?))`)
)

// transport reads what stands behind the addresses.
func (p *reader) transport(src, dst, rest string, looks bool) Result {
	p.Src, p.SrcPort = split(src)
	p.Dst, p.DstPort = split(dst)
	r := Result{Packet: p.Packet, Looks: looks}
	whole := rest
	sum := checksums.FindString(rest)
	rest = rest[len(sum):]
	switch {
	case p.Later:
		p.bare(src, dst)
		p.sizedFragment(rest)
		if p.Proto == 0 {
			p.Proto = protocolOf(rest)
		}
		r.Used = len(whole)
	case newTCP.MatchString(rest), oldTCP.MatchString(rest), oldTCPCut.MatchString(rest):
		p.Proto = header.ProtoTCP
		n, open, err := p.tcp(rest)
		r.Used, r.Open, r.Err, r.Looks = n+len(sum), open, err, true
	case quiet.MatchString(rest):
		r.Err = refuse("printed with -q, which leaves out flags and sequence numbers: print without it")
	case strings.HasPrefix(rest, "[|tcp"):
		r.Err = refuse("it was cut before its flags: capture more of each packet, with -s 0")
	case strings.HasPrefix(strings.ToLower(rest), "icmp"):
		p.bare(src, dst)
		n, open := p.ICMP(rest)
		r.Used, r.Open, r.Looks = n+len(sum), open, true
	case rest == "", len(rest) < len("Flags [") && strings.HasPrefix("Flags [", rest):
		r.Open, r.Used = true, len(whole)
		r.Err = refuse("it ends behind the addresses")
	default:
		n, open := p.other(src, dst, rest)
		switch {
		case sum == "":
		case badUDP.MatchString(sum):
			p.Checksum = packet.BadSum
		case strings.Contains(sum, "ok"):
			p.Checksum = packet.GoodSum
		}
		r.Used, r.Open = n+len(sum), open
		if !looks && !addresses(p.Src, p.Dst) {
			return Result{}
		}
		r.Looks = true
	}
	if r.Err != nil {
		r.Packet = nil
	}
	return r
}

// bare takes both ends for addresses without ports.
func (p *reader) bare(src, dst string) { p.Src, p.SrcPort, p.Dst, p.DstPort = src, "", dst, "" }

func addresses(src, dst string) bool { return told.IsAddr(src) && told.IsAddr(dst) }

var fragmentSize = pattern.New(`\|(\d+)\)|:(\d+)@`)

func (p *reader) sizedFragment(s string) {
	if m := fragmentSize.FindStringSubmatch(s); m != nil {
		p.Payload = told.Size(m[1] + m[2])
	}
}

// protocolOf is the protocol that a text names, as tcpdump does for what has no ports.
func protocolOf(s string) uint8 {
	m := nameless.FindStringSubmatch(s)
	if m == nil {
		return told.Unknown
	}
	if m[1] != "" {
		n, err := strconv.ParseUint(m[1], 10, 8)
		if err != nil {
			return told.Unknown
		}
		return uint8(n)
	}
	if n, ok := told.Protocols[strings.ToLower(strings.TrimSuffix(m[2], ","))]; ok {
		return n
	}
	return told.Unknown
}

var (
	inParens = pattern.New(`\((\d+)\)(?: \((?:DF|ttl|frag)[^()]*\))?$`)
	udpOld   = pattern.New(`^udp (\d+)`)
)

// service reports whether a port is that of DNS.
func service(port string) bool { return port == "53" || port == "domain" }

// other reads a packet that is neither TCP nor ICMP.
func (p *reader) other(src, dst, rest string) (used int, open bool) {
	named := protocolOf(rest)
	switch {
	case p.Proto != 0 && p.Proto != header.ProtoUDP:
		if p.Proto == header.ProtoTCP { // of a fragment, or cut
			p.Later = true
		}
		p.bare(src, dst)
	case p.SrcPort != "" && p.DstPort != "" && (named == told.Unknown || named == header.ProtoUDP) &&
		!told.IsAddr(src) && !told.IsAddr(dst) && p.Proto != told.Unknown:
		p.Proto = header.ProtoUDP
		if service(p.SrcPort) || service(p.DstPort) {
			p.Body = dns(rest)
		}
	case named == header.ProtoTCP || named == header.ProtoUDP: // a later fragment
		p.Later, p.Offset, p.Proto = true, 8, named
		p.bare(src, dst)
	default:
		p.Proto = named
		if named != 132 || told.IsAddr(src) { // only SCTP has ports too
			p.bare(src, dst)
		}
	}
	found := false
	if p.Proto != told.Unknown || told.IsAddr(src) {
		for _, re := range []*pattern.Pattern{told.Length, inParens, udpOld} {
			if m := re.FindStringSubmatch(rest); m != nil {
				p.Payload, found = told.Size(m[1]), true
				break
			}
		}
	}
	if !found {
		p.Missing |= packet.NoLength
	}
	return len(rest), !found
}
