//go:build linux

package nft

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
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
	ws, err := words(text)
	if err != nil {
		return nil, err
	}
	p := &parser{words: ws, out: &Rule{}}
	for p.at < len(p.words) {
		if len(p.out.Act) > 0 && ends(p.out.Act[len(p.out.Act)-1]) {
			return nil, wrong(p.peek(0), "%q comes after what ends the rule", p.peek(0))
		}
		if err := p.clause(); err != nil {
			return nil, err
		}
	}
	if len(p.out.Match)+len(p.out.Act) == 0 {
		return nil, wrong("", "the rule is empty")
	}
	return p.out, nil
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
	if p.take("counter") {
		return nil // every rule has one
	}
	acting, from := len(p.out.Act) > 0, p.at
	matching := len(p.out.Match)
	if err := p.part(); err != nil {
		return err
	}
	if acting && len(p.out.Match) > matching {
		return wrong(p.words[from], "%q is to stand before what the rule does", p.words[from])
	}
	return nil
}

// part compiles one match or statement that is no counter.
func (p *parser) part() error {
	if p.take("limit", "rate") {
		return p.limit()
	}
	if p.take("numgen") {
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
	if p.take("set") {
		return p.set(name, f)
	}
	return p.compare(f, name)
}

// field takes the words that name a field, nil if there are none.
func (p *parser) field() (string, *field) {
	if long, ok := short[p.peek(0)]; ok {
		p.at++
		return long, fields[long]
	}
	for n := 4; n >= 2; n-- {
		if p.at+n > len(p.words) {
			continue
		}
		name := strings.Join(p.words[p.at:p.at+n], " ")
		if f := fields[name]; f != nil {
			p.at += n
			return name, f
		}
	}
	return "", nil
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
			return wrong(name, "%s is of %s, and the rule is about %s already: no packet is both", name, d[1], *known)
		}
		*known = d[1]
		p.match(m, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{byte(value)}})
	}
	return nil
}

func (p *parser) match(e ...expr.Any) { p.out.Match = append(p.out.Match, e...) }
func (p *parser) act(e ...expr.Any)   { p.out.Act = append(p.out.Act, e...) }

var operators = map[string]expr.CmpOp{"==": expr.CmpOpEq, "!=": expr.CmpOpNeq, "<": expr.CmpOpLt, ">": expr.CmpOpGt, "<=": expr.CmpOpLte, ">=": expr.CmpOpGte}

// compare compiles what a field must be.
func (p *parser) compare(f *field, name string) error {
	p.match(f.load...)
	if f.bits && p.take("&") {
		return p.masked(f, name)
	}
	op, given := operators[p.peek(0)]
	if given {
		p.at++
	}
	if p.peek(0) == "{" {
		if given && op != expr.CmpOpEq && op != expr.CmpOpNeq {
			return wrong("{", "%s is compared with a set by == or !=", name)
		}
		return p.lookup(f, name, op == expr.CmpOpNeq && given)
	}
	if f.bits && given {
		if op != expr.CmpOpEq && op != expr.CmpOpNeq {
			return wrong(name, "%s is compared by == or !=", name)
		}
		return p.exactly(f, name, op)
	}
	if f.bits {
		return p.anyOf(f, name)
	}
	lo, hi, err := p.value(f, name)
	if err != nil {
		return err
	}
	if f.mask != 0 {
		p.match(&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(f.size), Mask: f.bytes(f.top()), Xor: make([]byte, f.size)})
	}
	if f.addr > 0 && slices.Compare(lo, hi) != 0 && !given {
		op = expr.CmpOpEq
	}
	ordered := op == expr.CmpOpLt || op == expr.CmpOpGt || op == expr.CmpOpLte || op == expr.CmpOpGte
	if f.host && (ordered || slices.Compare(lo, hi) != 0) {
		p.match(&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: uint32(f.size), Size: uint32(f.size)})
		slices.Reverse(lo)
		slices.Reverse(hi)
	}
	switch {
	case slices.Compare(lo, hi) == 0:
		if !given {
			op = expr.CmpOpEq
		}
		p.match(&expr.Cmp{Op: op, Register: 1, Data: lo})
	case ordered:
		return wrong(name, "%s is compared with a range by == or !=", name)
	case given && op == expr.CmpOpNeq:
		p.match(&expr.Range{Op: expr.CmpOpNeq, Register: 1, FromData: lo, ToData: hi})
	default:
		p.match(&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: lo}, &expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: hi})
	}
	return p.learn(name, lo, given && op == expr.CmpOpNeq)
}

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
			return wrong(name, "the rule is about %s already, and not about %s: no packet is both", *known, n)
		}
		*known = n
	}
	return nil
}

// exactly matches if the flags are these and no others, or are not.
func (p *parser) exactly(f *field, name string, op expr.CmpOp) error {
	v, err := p.flags(f, name)
	if err == nil {
		p.match(&expr.Cmp{Op: op, Register: 1, Data: f.bytes(v)})
	}
	return err
}

// anyOf matches if any of a list of flags is set.
func (p *parser) anyOf(f *field, name string) error {
	v, err := p.flags(f, name)
	if err != nil {
		return err
	}
	if p.take("/") { // value / mask
		m, err := p.flags(f, name)
		if err != nil {
			return err
		}
		return p.maskCompare(f, m, v, false)
	}
	p.match(&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(f.size), Mask: f.bytes(v), Xor: make([]byte, f.size)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, f.size)})
	return nil
}

// masked compiles "& (syn|ack) == syn".
func (p *parser) masked(f *field, name string) error {
	m, err := p.flags(f, name)
	if err != nil {
		return err
	}
	op := p.next()
	if op != "==" && op != "!=" {
		return wrong(op, "%s & … is compared by == or !=", name)
	}
	v, err := p.flags(f, name)
	if err != nil {
		return err
	}
	return p.maskCompare(f, m, v, op == "!=")
}

func (p *parser) maskCompare(f *field, mask, value uint64, not bool) error {
	op := expr.CmpOpEq
	if not {
		op = expr.CmpOpNeq
	}
	p.match(&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(f.size), Mask: f.bytes(mask), Xor: make([]byte, f.size)},
		&expr.Cmp{Op: op, Register: 1, Data: f.bytes(value)})
	return nil
}

// flags reads flags: syn, syn,ack, (syn|ack), or a number.
func (p *parser) flags(f *field, name string) (v uint64, err error) {
	bracket := p.take("(")
	for {
		w := p.next()
		n, ok := f.names[w]
		if !ok {
			if n, err = parseUint(w, 8*min(f.size, 8)); err != nil {
				return 0, wrong(w, "%q is not a value of %s", w, name)
			}
		}
		v |= n
		if !p.take(",") && !p.take("|") {
			break
		}
	}
	if bracket {
		err = p.need(")")
	}
	return v, err
}

// value reads a value or a range of the field, both ends of it.
func (p *parser) value(f *field, name string) (lo, hi []byte, err error) {
	w := p.next()
	bad := wrong(w, "%q is not a value of %s", w, name)
	switch {
	case w == "":
		return nil, nil, wrong(name, "%s is compared with nothing", name)
	case f.text:
		if len(w) >= unix.IFNAMSIZ || strings.Contains(w, "*") {
			return nil, nil, bad
		}
		b := make([]byte, unix.IFNAMSIZ)
		copy(b, w)
		return b, slices.Clone(b), nil
	case f.addr > 0:
		lo, hi, ok := addresses(w, f.addr)
		if !ok {
			return nil, nil, bad
		}
		return lo, hi, nil
	}
	from, to, ranged := strings.Cut(w, "-")
	if _, isName := f.names[w]; isName || !ranged {
		from, to = w, w
	}
	a, aok := f.number(from)
	b, bok := f.number(to)
	if !aok || !bok || a > b {
		return nil, nil, bad
	}
	return f.bytes(a), f.bytes(b), nil
}

func (f *field) number(w string) (uint64, bool) {
	if n, ok := f.names[w]; ok {
		return n, true
	}
	n, err := parseUint(w, 64)
	return n, err == nil && n <= f.top()
}

// addresses are the first and the last of an address, a prefix or a range.
func addresses(w string, size int) (lo, hi []byte, ok bool) {
	if from, to, ranged := strings.Cut(w, "-"); ranged {
		a, aerr := netip.ParseAddr(from)
		b, berr := netip.ParseAddr(to)
		ok = aerr == nil && berr == nil && a.BitLen() == size && b.BitLen() == size && !b.Less(a)
		return a.AsSlice(), b.AsSlice(), ok
	}
	p, err := netip.ParsePrefix(w)
	if a, aerr := netip.ParseAddr(w); aerr == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().BitLen() != size {
		return nil, nil, false
	}
	lo = p.Masked().Addr().AsSlice()
	hi = slices.Clone(lo)
	for i := p.Bits(); i < size; i++ {
		hi[i/8] |= 0x80 >> (i % 8)
	}
	return lo, hi, true
}

// lookup compiles a set of values.
func (p *parser) lookup(f *field, name string, not bool) error {
	p.at++ // the bracket
	if f.mask != 0 || f.text {
		return wrong("{", "%s is not compared with a set here: write a rule for each", name)
	}
	s := Set{Size: f.size, Lookup: &expr.Lookup{SourceRegister: 1, Invert: not}}
	for !p.take("}") {
		if p.peek(0) == "" {
			return wrong("{", "the set is not closed")
		}
		lo, hi, err := p.value(f, name)
		if err != nil {
			return err
		}
		s.Interval = s.Interval || slices.Compare(lo, hi) != 0
		s.Elements = append(s.Elements, Element{Key: lo}, Element{Key: hi, End: true})
		if !p.take(",") && p.peek(0) != "}" && p.peek(0) != "" {
			return wrong(p.peek(0), "a comma is to stand before %q", p.peek(0))
		}
	}
	if len(s.Elements) == 0 {
		return wrong("{", "the set is empty")
	}
	if f.host && s.Interval {
		return wrong("{", "%s is not compared with ranges in a set here: write a rule for each", name)
	}
	s.finish()
	p.out.Sets = append(p.out.Sets, s)
	p.match(s.Lookup)
	return nil
}

// finish leaves of the elements what the kernel wants: the keys alone, or of
// ranges the first and the one after the last.
func (s *Set) finish() {
	var out []Element
	for i := 0; i < len(s.Elements); i += 2 {
		out = append(out, s.Elements[i])
		if !s.Interval {
			continue
		}
		end := slices.Clone(s.Elements[i+1].Key)
		for j := len(end) - 1; j >= 0; j-- {
			if end[j]++; end[j] != 0 {
				out = append(out, Element{Key: end, End: true})
				break
			}
		}
	}
	s.Elements = out
}
