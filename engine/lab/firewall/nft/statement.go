//go:build linux

package nft

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall/nft/words"
)

var units = map[string]expr.LimitTime{"second": expr.LimitTimeSecond, "minute": expr.LimitTimeMinute,
	"hour": expr.LimitTimeHour, "day": expr.LimitTimeDay}

// limit compiles "rate [over] N/second [burst M packets]".
func (p *parser) limit() error {
	l := &expr.Limit{Type: expr.LimitTypePkts, Burst: 5, Over: p.Take("over")} // nft's own default
	w := p.Next()
	n, unit, ok := strings.Cut(w, "/")
	rate, err := strconv.ParseUint(n, 10, 32)
	u, known := units[unit]
	if !ok || err != nil || rate == 0 || !known {
		return words.Wrong(w, `%q is not a rate: write 10/second`, w)
	}
	l.Rate, l.Unit = rate, u
	if p.Take("burst") {
		w := p.Next()
		b, err := strconv.ParseUint(w, 10, 32)
		if err != nil || b == 0 || !p.Take("packets") {
			return words.Wrong(w, "a burst is written as: burst 5 packets")
		}
		l.Burst = uint32(b)
	}
	p.match(l)
	return nil
}

// numgen compiles "inc|random mod N [offset M]".
func (p *parser) numgen() (*expr.Numgen, error) {
	g := &expr.Numgen{Register: 1}
	switch w := p.Next(); w {
	case "inc":
		g.Type = unix.NFT_NG_INCREMENTAL
	case "random":
		g.Type = unix.NFT_NG_RANDOM
	default:
		return nil, words.Wrong(w, "numgen takes inc or random, not %q", w)
	}
	if err := p.Need("mod"); err != nil {
		return nil, err
	}
	n, err := p.Uint(32)
	if err != nil {
		return nil, err
	}
	g.Modulus = uint32(n)
	if p.Take("offset") {
		if n, err = p.Uint(32); err != nil {
			return nil, err
		}
		g.Offset = uint32(n)
	}
	return g, nil
}

// set compiles what a field becomes.
func (p *parser) set(name string, f *field) error {
	if f.store == nil {
		return words.Wrong(name, "%s cannot be set", name)
	}
	switch {
	case p.Take("rt", "mtu"):
		if name != "tcp option maxseg size" {
			return words.Wrong("rt", "rt mtu is what tcp option maxseg size is set to, not %s", name)
		}
		p.act(&expr.Rt{Register: 1, Key: expr.RtTCPMSS}, toNetworkOrder(f.size))
	case p.Take("numgen"):
		if !f.host {
			return words.Wrong("numgen", "%s is not set to what numgen counts: marks are", name)
		}
		g, err := p.numgen()
		if err != nil {
			return err
		}
		p.act(g)
	default:
		w := p.Next()
		n, ok := f.number(w)
		if !ok {
			return words.Wrong(w, "%q is not a value of %s", w, name)
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
	switch w := p.Next(); w {
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
		what := strings.TrimSpace(w + " " + p.Peek(0))
		return words.Wrong(w, "%q is not understood here", what)
	}
	return nil
}

// icmpxCodes are the codes that stand for both versions (enum nft_reject_inet_code
// of linux/netfilter/nf_tables.h).
var icmpxCodes = map[string]uint64{
	"no-route": unix.NFT_REJECT_ICMPX_NO_ROUTE, "port-unreachable": unix.NFT_REJECT_ICMPX_PORT_UNREACH,
	"host-unreachable": unix.NFT_REJECT_ICMPX_HOST_UNREACH, "admin-prohibited": unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}

// reject compiles "[with tcp reset | with icmp|icmpv6|icmpx [type] CODE]".
func (p *parser) reject() error {
	r := &expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_PORT_UNREACH}
	if !p.Take("with") {
		p.act(r)
		return nil
	}
	if p.Take("tcp", "reset") {
		if p.proto == "" {
			if err := p.depend("reject with tcp reset", &field{deps: [][2]string{l4("tcp")}}); err != nil {
				return err
			}
		} else if p.proto != "tcp" {
			return words.Wrong("reset", "a reset answers TCP, and the rule is about %s", p.proto)
		}
		r.Type, r.Code = unix.NFT_REJECT_TCP_RST, 0
		p.act(r)
		return nil
	}
	family := p.Next()
	p.Take("type")
	var dep [2]string
	codes := map[string]map[string]uint64{"icmp": icmpCodes, "icmpv6": icmp6Codes, "icmpx": icmpxCodes}[family]
	switch family {
	case "icmp":
		r.Type, dep = unix.NFT_REJECT_ICMP_UNREACH, ip4
	case "icmpv6":
		r.Type, dep = unix.NFT_REJECT_ICMP_UNREACH, ip6
	case "icmpx":
		r.Type = unix.NFT_REJECT_ICMPX_UNREACH
	default:
		return words.Wrong(family, "reject answers with tcp reset, icmp, icmpv6 or icmpx, not %q", family)
	}
	w := p.Next()
	code, ok := codes[w]
	if !ok {
		return words.Wrong(w, "%q is not a code that reject has for %s", w, family)
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
	said := p.Peek(0)
	if said == "ip" || said == "ip6" {
		p.Next()
	}
	if err := p.Need("to"); err != nil {
		return err
	}
	w := p.Next()
	a, ports, err := words.Endpoint(w)
	if err != nil {
		return err
	}
	n := &expr.NAT{Type: kind, Family: unix.NFPROTO_IPV4, RegAddrMin: 1}
	dep := ip4
	if a.Is6() {
		n.Family, dep = unix.NFPROTO_IPV6, ip6
	}
	if (said == "ip" || said == "ip6") && said != dep[1] {
		return words.Wrong(w, "%s is no address of %s", a, said)
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
		return words.Wrong(word,
			"only ports of TCP and UDP can be translated: match one of them first, as in tcp dport 443")
	}
	return nil
}

func (p *parser) natFlags() (random, fully, persistent bool) {
	for {
		switch {
		case p.Take("random"):
			random = true
		case p.Take("fully-random"):
			fully = true
		case p.Take("persistent"):
			persistent = true
		default:
			return random, fully, persistent
		}
		p.Take(",")
	}
}

func (p *parser) masquerade() error {
	m := &expr.Masq{}
	if p.Take("to") { // the library forgets to tell the kernel that ports are given
		return words.Wrong("to", "masquerade to ports is not known here: write snat to ADDRESS:5000-5010")
	}
	m.Random, m.FullyRandom, m.Persistent = p.natFlags()
	p.act(m)
	return nil
}

func (p *parser) redirect() error {
	r := &expr.Redir{}
	if p.Take("to") {
		w := p.Next()
		ports, err := words.Ports(strings.TrimPrefix(w, ":"))
		if err != nil || !strings.HasPrefix(w, ":") {
			return words.Wrong(w, "%q is not a port to redirect to: write :8443", w)
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
		case p.Take("prefix"):
			if p.Peek(0) == "" {
				return words.Wrong("prefix", `log prefix is followed by a text: log prefix "here"`)
			}
			l.Key |= 1 << unix.NFTA_LOG_PREFIX
			l.Data = []byte(p.Next())
		case p.Take("group"):
			n, err := p.Uint(16)
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

func port(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
