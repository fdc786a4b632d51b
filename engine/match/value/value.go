// Package value is what the keys of matches are asked to be: kinds of value, and how
// each is read from a text or a number and written as a script writes it.
package value

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
)

// Kind is a kind of value that keys take.
type Kind struct {
	Name string   // what it is, for a message: "a length"
	Type string   // as editors name it: "integer|string"
	Hint string   // how it is written
	Word []string // the words that it is one of, if it is one of a few
	// Parse makes the value of a string, a number, or true or false; nil if it is
	// no plain value, and can be said in a script alone.
	Parse func(x any) (any, bool)
	Write func(v any) string // as a script writes it
	// Field is the header field that it is a value of, nil for all else.
	Field *field.Field
	Bare  any // what a key of the command line means that has no value, nil if it needs one
}

// Wrong says that a value is not of the kind that a key takes.
type Wrong struct{ Want, Hint string }

// Error implements error.
func (w *Wrong) Error() string { return "not " + w.Want + ": " + w.Hint }

// Read makes a value of a string, a number, or true or false. An error is a [*Wrong].
func (k *Kind) Read(x any) (any, error) {
	if k.Parse != nil {
		if v, ok := k.Parse(x); ok {
			return v, nil
		}
	}
	wrong := &Wrong{k.Name, k.Hint}
	if k.Field != nil && k.Field.Type == field.Number {
		if _, err := KindRange.Read(x); err == nil { // it is a number, but too large
			wrong.Hint = fmt.Sprintf("%s is 0 to %d", k.Field.Name, k.Field.Max)
		}
	}
	return nil, wrong
}

// Plain reports whether values of k can be written as a text. Others can be said in a
// script alone.
func (k *Kind) Plain() bool { return k.Parse != nil }

// Party is a node as a match sees it: a name and its addresses.
type Party struct {
	Name  string
	Addrs []netip.Addr
}

// Has reports whether an address is the node's.
func (y *Party) Has(a netip.Addr) bool { return slices.Contains(y.Addrs, a) }

// Range is an inclusive range of whole numbers; Max below 0 is no bound.
type Range struct{ Min, Max int }

// Has reports whether n is in r.
func (r Range) Has(n int) bool { return n >= r.Min && (r.Max < 0 || n <= r.Max) }

// String writes r as "7", "1..5" or ">= 3".
func (r Range) String() string {
	switch {
	case r.Max < 0:
		return fmt.Sprintf(">= %d", r.Min)
	case r.Min == r.Max:
		return fmt.Sprint(r.Min)
	}
	return fmt.Sprintf("%d..%d", r.Min, r.Max)
}

// maxNumber is the largest number that a range is read with.
const maxNumber = 1<<32 - 1

// ParseRange reads "7", "1..5" or ">= 3".
func ParseRange(s string) (Range, error) {
	number := func(s string) (int, bool) {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		return n, err == nil && n >= 0 && n <= maxNumber
	}
	if lo, hi, ok := strings.Cut(s, ".."); ok {
		a, good := number(lo)
		if b, also := number(hi); good && also && a <= b {
			return Range{a, b}, nil
		}
	} else if rest, more := strings.CutPrefix(strings.TrimSpace(s), ">="); more {
		if n, ok := number(rest); ok {
			return Range{n, -1}, nil
		}
	} else if n, ok := number(s); ok {
		return Range{n, n}, nil
	}
	return Range{}, fmt.Errorf(`%q is not a length: write 18, 1..1448 or ">= 1"`, s)
}

// quoted writes what a script puts in quotes unless it is one number.
func quoted(v any) string {
	if r := v.(Range); r.Min != r.Max {
		return strconv.Quote(r.String())
	}
	return fmt.Sprint(v)
}

func plain(v any) string { return fmt.Sprint(v) }
func text(v any) string  { return fmt.Sprintf("%q", v) }

// Kinds of value.
var (
	// KindRange is a [Range].
	KindRange = &Kind{Name: "a length", Type: "integer|string", Hint: `write 18, "1..1448" or ">= 1"`, Write: quoted,
		Parse: func(x any) (any, bool) {
			switch x.(type) {
			case string, float64:
				r, err := ParseRange(fmt.Sprint(x))
				if f, ok := x.(float64); ok {
					r, err = ParseRange(strconv.FormatFloat(f, 'f', -1, 64))
				}
				return r, err == nil
			}
			return nil, false
		}}
	// KindNumber is a relative sequence number, a uint32.
	KindNumber = &Kind{Name: "a relative sequence number", Type: "integer",
		Hint:  "numbers are relative: the first byte is 1",
		Write: plain, Parse: func(x any) (any, bool) {
			n, ok := whole(x, maxNumber)
			return uint32(n), ok
		}}
	// KindCount is a whole number, an int: of a connection, say.
	KindCount = &Kind{Name: "a number", Type: "integer", Hint: "write a whole number, from 0", Write: plain,
		Parse: func(x any) (any, bool) {
			n, ok := whole(x, 1<<31-1)
			return n, ok
		}}
	// KindPort is a port, an int.
	KindPort = &Kind{Name: "a port", Type: "integer", Hint: "a port is 1 to 65535", Write: plain,
		Parse: func(x any) (any, bool) {
			n, ok := whole(x, 65535)
			return n, ok && n > 0
		}}
	// KindBool is true or false.
	KindBool = &Kind{Name: "true or false", Type: "boolean", Hint: "write true or false", Write: plain, Bare: true,
		Parse: boolean}
	// KindTrue can only be asked for.
	KindTrue = &Kind{Name: "true", Type: "true", Hint: "write true, or leave it out", Write: plain, Bare: true,
		Parse: func(x any) (any, bool) {
			v, ok := boolean(x)
			return v, ok && v == true
		}}
	// KindText is a text that is not empty: an empty one would be in everything.
	KindText = &Kind{Name: "a text to look for", Type: "string", Hint: "leave it out to match everything", Write: text,
		Parse: func(x any) (any, bool) {
			s, ok := x.(string)
			return s, ok && s != ""
		}}
	// KindFlags are TCP flags, [packet.TCPFlags].
	KindFlags = &Kind{Name: "TCP flags", Type: "string", Hint: `write them as tcpdump does: "S", "P.", "none"`,
		Write: text, Parse: func(x any) (any, bool) {
			s, ok := x.(string)
			if s == "none" {
				return packet.TCPFlags(0), ok
			}
			f, good := packet.ParseFlags(s)
			return f, ok && good && s != ""
		}}
	// KindParty is a node, a [*Party]: in a text, an address.
	KindParty = &Kind{Name: "a node with addresses", Type: "Host|Router", Hint: "write net.NAME, of a host or a router",
		Write: func(v any) string { return v.(*Party).Name }, Parse: func(x any) (any, bool) {
			s, _ := x.(string)
			a, err := netip.ParseAddr(s)
			return &Party{Name: s, Addrs: []netip.Addr{a}}, err == nil
		}}
	// KindEnds is a connection by its addresses, *trace.Ends.
	KindEnds = &Kind{Name: "a connection", Type: "Conn|Call|Response", Hint: "give what dial, tls or fetch returned"}
	// KindNode is the name of a node.
	KindNode = &Kind{Name: "a host", Type: "Host|Router", Hint: "write net.NAME", Write: plain}
	// KindFunc is a func(*match.Packet) bool.
	KindFunc = &Kind{Name: "a function", Type: "fun(pkt: Packet): boolean", Hint: "write function(pkt) … end",
		Write: func(any) string { return "function" }}
)

// Words is a kind that is one of a few words, a string.
func Words(name string, of ...string) *Kind {
	return &Kind{Name: "a " + name, Type: `"` + strings.Join(of, `"|"`) + `"`, Word: of, Write: text,
		Hint: "write one of: " + strings.Join(of, ", "),
		Parse: func(x any) (any, bool) {
			s, ok := x.(string)
			return s, ok && slices.Contains(of, s)
		}}
}

// whole reads a whole number up to most.
func whole(x any, most int) (int, bool) {
	switch x := x.(type) {
	case float64:
		return int(x), x == float64(int(x)) && x >= 0 && x <= float64(most)
	case string:
		n, err := strconv.Atoi(x)
		return n, err == nil && n >= 0 && n <= most
	}
	return 0, false
}

func boolean(x any) (any, bool) {
	switch x {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return nil, false
}
