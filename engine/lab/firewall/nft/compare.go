//go:build linux

package nft

import (
	"slices"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall/nft/words"
)

var operators = map[string]expr.CmpOp{"==": expr.CmpOpEq, "!=": expr.CmpOpNeq,
	"<": expr.CmpOpLt, ">": expr.CmpOpGt, "<=": expr.CmpOpLte, ">=": expr.CmpOpGte}

// compare compiles what a field must be.
func (p *parser) compare(f *field, name string) error {
	p.match(f.load...)
	if f.bits && p.Take("&") {
		return p.masked(f, name)
	}
	op, given := operators[p.Peek(0)]
	if given {
		p.Next()
	}
	if p.Peek(0) == "{" {
		if given && op != expr.CmpOpEq && op != expr.CmpOpNeq {
			return words.Wrong("{", "%s is compared with a set by == or !=", name)
		}
		return p.lookup(f, name, op == expr.CmpOpNeq && given)
	}
	if f.bits && given {
		if op != expr.CmpOpEq && op != expr.CmpOpNeq {
			return words.Wrong(name, "%s is compared by == or !=", name)
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
		p.match(f.and(f.top()))
	}
	if f.addr > 0 && slices.Compare(lo, hi) != 0 && !given {
		op = expr.CmpOpEq
	}
	ordered := op == expr.CmpOpLt || op == expr.CmpOpGt || op == expr.CmpOpLte || op == expr.CmpOpGte
	if f.host && (ordered || slices.Compare(lo, hi) != 0) {
		p.match(toNetworkOrder(f.size))
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
		return words.Wrong(name, "%s is compared with a range by == or !=", name)
	case given && op == expr.CmpOpNeq:
		p.match(&expr.Range{Op: expr.CmpOpNeq, Register: 1, FromData: lo, ToData: hi})
	default:
		p.match(&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: lo},
			&expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: hi})
	}
	return p.learn(name, lo, given && op == expr.CmpOpNeq)
}

// and leaves of the register the bits of a value.
func (f *field) and(value uint64) expr.Any {
	return &expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(f.size),
		Mask: f.bytes(value), Xor: make([]byte, f.size)}
}

// toNetworkOrder brings the register, of so many bytes, into network byte order.
func toNetworkOrder(size int) expr.Any {
	return &expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton,
		Len: uint32(size), Size: uint32(size)}
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
	if p.Take("/") { // value / mask
		m, err := p.flags(f, name)
		if err != nil {
			return err
		}
		return p.maskCompare(f, m, v, false)
	}
	p.match(f.and(v), &expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, f.size)})
	return nil
}

// masked compiles "& (syn|ack) == syn".
func (p *parser) masked(f *field, name string) error {
	m, err := p.flags(f, name)
	if err != nil {
		return err
	}
	op := p.Next()
	if op != "==" && op != "!=" {
		return words.Wrong(op, "%s & … is compared by == or !=", name)
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
	p.match(f.and(mask), &expr.Cmp{Op: op, Register: 1, Data: f.bytes(value)})
	return nil
}

// flags reads flags: syn, syn,ack, (syn|ack), or a number.
func (p *parser) flags(f *field, name string) (v uint64, err error) {
	bracket := p.Take("(")
	for {
		w := p.Next()
		n, ok := f.names[w]
		if !ok {
			if n, err = words.ParseUint(w, 8*min(f.size, 8)); err != nil {
				return 0, words.Wrong(w, "%q is not a value of %s", w, name)
			}
		}
		v |= n
		if !p.Take(",") && !p.Take("|") {
			break
		}
	}
	if bracket {
		err = p.Need(")")
	}
	return v, err
}

// value reads a value or a range of the field, both ends of it.
func (p *parser) value(f *field, name string) (lo, hi []byte, err error) {
	w := p.Next()
	bad := words.Wrong(w, "%q is not a value of %s", w, name)
	switch {
	case w == "":
		return nil, nil, words.Wrong(name, "%s is not compared with anything", name)
	case f.text:
		if len(w) >= unix.IFNAMSIZ || strings.Contains(w, "*") {
			return nil, nil, bad
		}
		b := make([]byte, unix.IFNAMSIZ)
		copy(b, w)
		return b, slices.Clone(b), nil
	case f.addr > 0:
		lo, hi, ok := words.Addresses(w, f.addr)
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
	n, err := words.ParseUint(w, 64)
	return n, err == nil && n <= f.top()
}

// lookup compiles a set of values.
func (p *parser) lookup(f *field, name string, not bool) error {
	p.Next() // the bracket
	if f.mask != 0 || f.text {
		return words.Wrong("{", "%s is not compared with a set here: write a rule for each", name)
	}
	s := Set{Size: f.size, Lookup: &expr.Lookup{SourceRegister: 1, Invert: not}}
	for !p.Take("}") {
		if p.Peek(0) == "" {
			return words.Wrong("{", "the set is not closed")
		}
		lo, hi, err := p.value(f, name)
		if err != nil {
			return err
		}
		s.Interval = s.Interval || slices.Compare(lo, hi) != 0
		s.Elements = append(s.Elements, Element{Key: lo}, Element{Key: hi, End: true})
		if !p.Take(",") && p.Peek(0) != "}" && p.Peek(0) != "" {
			return words.Wrong(p.Peek(0), "a comma must stand before %q", p.Peek(0))
		}
	}
	if len(s.Elements) == 0 {
		return words.Wrong("{", "the set is empty")
	}
	if f.host && s.Interval {
		return words.Wrong("{", "%s is not compared with ranges in a set here: write a rule for each", name)
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
