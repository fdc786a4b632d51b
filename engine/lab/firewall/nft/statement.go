//go:build linux

package nft

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

var units = map[string]expr.LimitTime{"second": expr.LimitTimeSecond, "minute": expr.LimitTimeMinute, "hour": expr.LimitTimeHour, "day": expr.LimitTimeDay}

// limit compiles "rate [over] N/second [burst M packets]".
func (p *parser) limit() error {
	l := &expr.Limit{Type: expr.LimitTypePkts, Burst: 5, Over: p.take("over")} // nft's own default
	w := p.next()
	n, unit, ok := strings.Cut(w, "/")
	rate, err := strconv.ParseUint(n, 10, 32)
	u, known := units[unit]
	if !ok || err != nil || rate == 0 || !known {
		return wrong(w, `%q is not a rate: write 10/second`, w)
	}
	l.Rate, l.Unit = rate, u
	if p.take("burst") {
		w := p.next()
		b, err := strconv.ParseUint(w, 10, 32)
		if err != nil || b == 0 || !p.take("packets") {
			return wrong(w, "a burst is written as: burst 5 packets")
		}
		l.Burst = uint32(b)
	}
	p.match(l)
	return nil
}

// numgen compiles "inc|random mod N [offset M]".
func (p *parser) numgen() (*expr.Numgen, error) {
	g := &expr.Numgen{Register: 1}
	switch w := p.next(); w {
	case "inc":
		g.Type = unix.NFT_NG_INCREMENTAL
	case "random":
		g.Type = unix.NFT_NG_RANDOM
	default:
		return nil, wrong(w, "numgen is inc or random, not %q", w)
	}
	if err := p.need("mod"); err != nil {
		return nil, err
	}
	n, err := p.uint(32)
	if err != nil {
		return nil, err
	}
	g.Modulus = uint32(n)
	if p.take("offset") {
		if n, err = p.uint(32); err != nil {
			return nil, err
		}
		g.Offset = uint32(n)
	}
	return g, nil
}

func (p *parser) uint(bits int) (uint64, error) {
	w := p.next()
	n, err := parseUint(w, bits)
	if err != nil {
		return 0, wrong(w, "%q is not a number", w)
	}
	return n, nil
}

// set compiles what a field becomes.
func (p *parser) set(name string, f *field) error {
	if f.store == nil {
		return wrong(name, "%s cannot be set", name)
	}
	switch {
	case p.take("rt", "mtu"):
		if name != "tcp option maxseg size" {
			return wrong("rt", "rt mtu is what tcp option maxseg size is set to, not %s", name)
		}
		p.act(&expr.Rt{Register: 1, Key: expr.RtTCPMSS}, &expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 2, Size: 2})
	case p.take("numgen"):
		if !f.host {
			return wrong("numgen", "%s is not set to what numgen counts: marks are", name)
		}
		g, err := p.numgen()
		if err != nil {
			return err
		}
		p.act(g)
	default:
		w := p.next()
		n, ok := f.number(w)
		if !ok {
			return wrong(w, "%q is not a value of %s", w, name)
		}
		if f.mask == 0 {
			p.act(&expr.Immediate{Register: 1, Data: f.bytes(n)})
			break
		}
		// The other bits stay: (loaded & ~mask) ^ value.
		rest := binary.BigEndian.AppendUint16(nil, ^uint16(f.mask))
		p.act(f.load...)
		p.act(&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(f.size), Mask: rest, Xor: f.bytes(n)})
	}
	p.act(f.store()...)
	return nil
}

// statement compiles what a rule does.
func (p *parser) statement() error {
	switch w := p.next(); w {
	case "accept":
		p.act(&expr.Verdict{Kind: expr.VerdictAccept})
	case "drop":
		p.act(&expr.Verdict{Kind: expr.VerdictDrop})
	case "return":
		p.act(&expr.Verdict{Kind: expr.VerdictReturn})
	case "notrack":
		p.act(&expr.Notrack{})
	case "reject":
		return p.reject()
	case "dnat":
		return p.nat(expr.NATTypeDestNAT)
	case "snat":
		return p.nat(expr.NATTypeSourceNAT)
	case "masquerade":
		return p.masquerade()
	case "redirect":
		return p.redirect()
	case "log":
		return p.log()
	default:
		what := strings.TrimSpace(w + " " + p.peek(0))
		return wrong(w, "%q is not understood here", what)
	}
	return nil
}

// icmpxCodes are the codes that stand for both versions (enum nft_reject_inet_code
// of linux/netfilter/nf_tables.h).
var icmpxCodes = map[string]uint64{"no-route": unix.NFT_REJECT_ICMPX_NO_ROUTE, "port-unreachable": unix.NFT_REJECT_ICMPX_PORT_UNREACH,
	"host-unreachable": unix.NFT_REJECT_ICMPX_HOST_UNREACH, "admin-prohibited": unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}

// reject compiles "[with tcp reset | with icmp|icmpv6|icmpx [type] CODE]".
func (p *parser) reject() error {
	r := &expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_PORT_UNREACH}
	if !p.take("with") {
		p.act(r)
		return nil
	}
	if p.take("tcp", "reset") {
		if p.proto == "" {
			if err := p.depend("reject with tcp reset", &field{deps: [][2]string{l4("tcp")}}); err != nil {
				return err
			}
		} else if p.proto != "tcp" {
			return wrong("reset", "a reset answers TCP, and the rule is about %s", p.proto)
		}
		r.Type, r.Code = unix.NFT_REJECT_TCP_RST, 0
		p.act(r)
		return nil
	}
	family := p.next()
	p.take("type")
	codes, dep := map[string]map[string]uint64{"icmp": icmpCodes, "icmpv6": icmp6Codes, "icmpx": icmpxCodes}[family], [2]string{}
	switch family {
	case "icmp":
		r.Type, dep = unix.NFT_REJECT_ICMP_UNREACH, ip4
	case "icmpv6":
		r.Type, dep = unix.NFT_REJECT_ICMP_UNREACH, ip6
	case "icmpx":
		r.Type = unix.NFT_REJECT_ICMPX_UNREACH
	default:
		return wrong(family, "reject answers with tcp reset, icmp, icmpv6 or icmpx, not %q", family)
	}
	w := p.next()
	code, ok := codes[w]
	if !ok {
		return wrong(w, "%q is not a code that reject has for %s", w, family)
	}
	if dep != ([2]string{}) {
		if err := p.depend("reject with "+family, &field{deps: [][2]string{dep}}); err != nil {
			return err
		}
	}
	r.Code = uint8(code)
	p.act(r)
	return nil
}

// nat compiles "[ip|ip6] to ADDRESS[:PORT[-PORT]]".
func (p *parser) nat(kind expr.NATType) error {
	said := p.peek(0)
	if said == "ip" || said == "ip6" {
		p.at++
	}
	if err := p.need("to"); err != nil {
		return err
	}
	w := p.next()
	a, ports, err := endpointOf(w)
	if err != nil {
		return err
	}
	n := &expr.NAT{Type: kind, Family: unix.NFPROTO_IPV4, RegAddrMin: 1}
	dep := ip4
	if a.Is6() {
		n.Family, dep = unix.NFPROTO_IPV6, ip6
	}
	if (said == "ip" || said == "ip6") && said != dep[1] {
		return wrong(w, "%s is no address of %s", a, said)
	}
	if err := p.depend("the address to translate to", &field{deps: [][2]string{dep}}); err != nil {
		return err
	}
	p.act(&expr.Immediate{Register: 1, Data: a.AsSlice()})
	if ports != nil {
		if err := p.ported(w); err != nil {
			return err
		}
		// Register 1 has 16 bytes: 2 is behind it.
		p.act(&expr.Immediate{Register: 2, Data: port(ports[0])})
		n.RegProtoMin, n.Specified = 2, true
		if ports[1] != ports[0] {
			p.act(&expr.Immediate{Register: 3, Data: port(ports[1])})
			n.RegProtoMax = 3
		}
	}
	n.Random, n.FullyRandom, n.Persistent = p.natFlags()
	p.act(n)
	return nil
}

// ported makes sure that the packets have ports.
func (p *parser) ported(word string) error {
	if p.proto != "tcp" && p.proto != "udp" {
		return wrong(word, "ports are translated of TCP or UDP alone: match one first, as in tcp dport 443")
	}
	return nil
}

func (p *parser) natFlags() (random, fully, persistent bool) {
	for {
		switch {
		case p.take("random"):
			random = true
		case p.take("fully-random"):
			fully = true
		case p.take("persistent"):
			persistent = true
		default:
			return random, fully, persistent
		}
		p.take(",")
	}
}

func (p *parser) masquerade() error {
	m := &expr.Masq{}
	if p.take("to") { // the library forgets to tell the kernel that ports are given
		return wrong("to", "masquerade to ports is not known here: write snat to ADDRESS:5000-5010")
	}
	m.Random, m.FullyRandom, m.Persistent = p.natFlags()
	p.act(m)
	return nil
}

func (p *parser) redirect() error {
	r := &expr.Redir{}
	if p.take("to") {
		w := p.next()
		ports, err := portsOf(strings.TrimPrefix(w, ":"))
		if err != nil || !strings.HasPrefix(w, ":") {
			return wrong(w, "%q is not a port to redirect to: write :8443", w)
		}
		if err := p.ported(w); err != nil {
			return err
		}
		p.act(&expr.Immediate{Register: 1, Data: port(ports[0])})
		r.RegisterProtoMin = 1
		if ports[1] != ports[0] {
			p.act(&expr.Immediate{Register: 2, Data: port(ports[1])})
			r.RegisterProtoMax = 2
		}
	}
	p.act(r)
	return nil
}

// log compiles "[prefix TEXT] [group N]".
func (p *parser) log() error {
	l := &expr.Log{}
	for {
		switch {
		case p.take("prefix"):
			if p.peek(0) == "" {
				return wrong("prefix", `log prefix is followed by a text: log prefix "here"`)
			}
			l.Key |= 1 << unix.NFTA_LOG_PREFIX
			l.Data = []byte(p.next())
		case p.take("group"):
			n, err := p.uint(16)
			if err != nil {
				return err
			}
			l.Key |= 1 << unix.NFTA_LOG_GROUP
			l.Group = uint16(n)
		default:
			p.act(l)
			return nil
		}
	}
}

// parseUint reads a number, decimal or with 0x hexadecimal.
func parseUint(w string, bits int) (uint64, error) {
	if hex, ok := strings.CutPrefix(w, "0x"); ok {
		return strconv.ParseUint(hex, 16, bits)
	}
	return strconv.ParseUint(w, 10, bits)
}

func port(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func portsOf(w string) (*[2]uint16, error) {
	from, to, ranged := strings.Cut(w, "-")
	if !ranged {
		to = from
	}
	a, aerr := strconv.ParseUint(from, 10, 16)
	b, berr := strconv.ParseUint(to, 10, 16)
	if aerr != nil || berr != nil || a == 0 || a > b {
		return nil, wrong(w, "%q is not a port or a range of ports", w)
	}
	return &[2]uint16{uint16(a), uint16(b)}, nil
}

// endpointOf reads ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, and a range of ports.
func endpointOf(w string) (a netip.Addr, ports *[2]uint16, err error) {
	text, rest := w, ""
	switch {
	case strings.HasPrefix(w, "["):
		end := strings.IndexByte(w, ']')
		if end < 0 {
			return a, nil, wrong(w, "%q is not an address", w)
		}
		text, rest = w[1:end], w[end+1:]
	case strings.Count(w, ":") == 1:
		text, rest, _ = strings.Cut(w, ":")
		rest = ":" + rest
	}
	if a, err = netip.ParseAddr(text); err != nil {
		return a, nil, wrong(w, "%q is not an address", w)
	}
	if rest == "" {
		return a, nil, nil
	}
	if rest[0] != ':' {
		return a, nil, wrong(w, "%q is not an address and a port", w)
	}
	ports, err = portsOf(strings.TrimPrefix(rest, ":"))
	return a, ports, err
}
