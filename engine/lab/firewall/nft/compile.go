//go:build linux

package nft

import (
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall/nft/words"
)

// Rule is a compiled rule: what it matches, and what it then does.
type Rule struct {
	Match, Act []expr.Any
	Sets       []Set // that Match looks up in, by their place in it
}

// Set is an anonymous set that a rule looks things up in.
type Set struct {
	Lookup   *expr.Lookup
	Size     int // bytes of a key
	Elements []Element
	Interval bool // an element is the first of a range, and says so
}

// Element is a key, or the end, not included, of a range.
type Element struct {
	Key []byte
	End bool
}

// Compile reads one rule. Its errors are *[Error].
func Compile(text string) (*Rule, error) {
	ws, err := words.Of(text)
	if err != nil {
		return nil, err
	}
	p := &parser{Words: ws, out: &Rule{}}
	for !p.Done() {
		if len(p.out.Act) > 0 && ends(p.out.Act[len(p.out.Act)-1]) {
			return nil, words.Wrong(p.Peek(0), "%q stands after the verdict that ends the rule", p.Peek(0))
		}
		if err := p.clause(); err != nil {
			return nil, err
		}
	}
	if len(p.out.Match)+len(p.out.Act) == 0 {
		return nil, words.Wrong("", "the rule is empty")
	}
	return p.out, nil
}

// Error is a word of a rule that is not understood.
type Error = words.Error

// parser goes through the words of a rule.
type parser struct {
	words.Words
	out   *Rule
	net   string // what is known of the packet so far: "ip", "ip6"
	proto string // "tcp", "udp", …
}

// ends reports whether nothing can follow e in a rule.
func ends(e expr.Any) bool {
	switch e.(type) {
	case *expr.Verdict, *expr.Reject, *expr.NAT, *expr.Masq, *expr.Redir:
		return true
	}
	return false
}

// clause compiles one match or statement.
func (p *parser) clause() error {
	if p.Take("counter") {
		return nil // every rule has one
	}
	acting, from := len(p.out.Act) > 0, p.Peek(0)
	matching := len(p.out.Match)
	if err := p.part(); err != nil {
		return err
	}
	if acting && len(p.out.Match) > matching {
		return words.Wrong(from, "%q must stand before the action of the rule", from)
	}
	return nil
}

// part compiles one match or statement that is no counter.
func (p *parser) part() error {
	if p.Take("limit", "rate") {
		return p.limit()
	}
	if p.Take("numgen") {
		g, err := p.numgen()
		if err != nil {
			return err
		}
		return p.compare(&field{load: []expr.Any{g}, size: 4, host: true}, "numgen")
	}
	name, f := p.field()
	if f == nil {
		return p.statement()
	}
	if err := p.depend(name, f); err != nil {
		return err
	}
	if p.Take("set") {
		return p.set(name, f)
	}
	return p.compare(f, name)
}

// field takes the words that name a field, nil if there are none.
func (p *parser) field() (string, *field) {
	if long, ok := short[p.Peek(0)]; ok {
		p.Next()
		return long, fields[long]
	}
	name, _ := p.TakeName(4, func(name string) bool { return fields[name] != nil })
	return name, fields[name]
}

// depend makes sure that the packet has the field, as far as that is not known
// yet.
func (p *parser) depend(name string, f *field) error {
	for _, d := range f.deps {
		known, m := &p.net, &expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}
		value := map[string]uint64{"ip": unix.NFPROTO_IPV4, "ip6": unix.NFPROTO_IPV6}[d[1]]
		if d[0] == "l4proto" {
			known, m, value = &p.proto, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, protocols[d[1]]
		}
		switch {
		case *known == d[1]:
			continue
		case *known != "":
			return words.Wrong(name, "%s is of %s, and the rule is about %s already: no packet is both",
				name, d[1], *known)
		}
		*known = d[1]
		p.match(m, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{byte(value)}})
	}
	return nil
}

func (p *parser) match(e ...expr.Any) { p.out.Match = append(p.out.Match, e...) }
func (p *parser) act(e ...expr.Any)   { p.out.Act = append(p.out.Act, e...) }

// learn takes in what a comparison says of the packet.
func (p *parser) learn(name string, value []byte, not bool) error {
	known, names := &p.proto, map[string]uint64{"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
	switch name {
	case "meta nfproto":
		known, names = &p.net, map[string]uint64{"ip": unix.NFPROTO_IPV4, "ip6": unix.NFPROTO_IPV6}
	case "meta l4proto", "ip protocol", "ip6 nexthdr":
	default:
		return nil
	}
	for n, v := range names {
		if uint64(value[0]) != v || not {
			continue
		}
		if *known != "" && *known != n {
			return words.Wrong(name, "the rule is about %s already, and not about %s: no packet is both", *known, n)
		}
		*known = n
	}
	return nil
}
