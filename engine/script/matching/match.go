//go:build linux

// Package matching reads the matches of scripts. What can be asked for is the table
// of keys in package match; here is only how Lua says it.
package matching

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/match"
	"netrepro/engine/match/possible"
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Kinds that other verbs share with matches.
var (
	KICMP = args.Enum("ICMP message", slices.Sorted(maps.Keys(packet.ICMPNames))...)
	KLen  = kindOf(value.KindRange)
)

// Options are the keys of a match of packets that pass a wire, and Seen those of one
// of recorded packets, of which the analysis can tell more.
var (
	Options = options((*match.Key).Passing)
	Seen    = options(func(*match.Key) bool { return true })
)

// options are the keys that a script can name, but for where: that is a function
// which the verbs of faults take.
func options(of func(*match.Key) bool) []vm.Option {
	var out []vm.Option
	for _, k := range match.Keys {
		if of(k) && k.Kind != value.KindFunc {
			o := args.Opt(k.Name, kindOf(k.Kind), k.Doc)
			o.Was = k.Was
			out = append(out, o)
		}
	}
	return out
}

// relative is a relative sequence number, as an int.
var relative = args.Int("relative number", 0, 1<<32-1, value.KindNumber.Hint)

// own are the kinds that scripts have objects for, or words.
var own = map[*value.Kind]*vm.Kind{
	value.KindPort: args.Port.Kind, value.KindBool: args.Bool.Kind,
	value.KindNumber: vm.NewKind("relative number", "integer", func(c *vm.Call, x lua.LValue) (uint32, error) {
		n, err := relative.Read(c, x)
		return uint32(n), err
	}).Kind,
	value.KindCount: args.Int("number", 0, 1<<31-1, value.KindCount.Hint).Kind,
	value.KindEnds:  session.KEnds.Kind,
	match.KindHit: {Name: "fault", Type: session.KFault.Type, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		f, err := session.KFault.Parse(c, x)
		if err != nil {
			return nil, err
		}
		return f.(fault.Handle).First, nil
	}},
	value.KindNode: {Name: "host", Type: session.KHost.Type, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		n, err := session.KHost.Parse(c, x)
		if err != nil {
			return nil, err
		}
		return n.(*session.Node).Name, nil
	}},
	value.KindParty: {Name: "host", Type: value.KindParty.Type, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		n, ok := vm.As(x, session.Host, session.Router)
		if !ok {
			return nil, args.Wrong(x, value.KindParty.Name, value.KindParty.Hint)
		}
		return n.(*session.Node).Party(), nil
	}},
}

// kindOf is a kind of match as scripts write it.
func kindOf(k *value.Kind) *vm.Kind {
	if mine := own[k]; mine != nil {
		return mine
	}
	if k.Word != nil {
		return args.Enum(strings.TrimPrefix(k.Name, "a "), k.Word...).Kind
	}
	out := &vm.Kind{Name: strings.TrimPrefix(k.Name, "a "), Type: k.Type,
		Parse: func(c *vm.Call, x lua.LValue) (any, error) { return parse(c, k, x) }}
	if k == value.KindReset {
		out.Table = resetTable
	}
	return out
}

// parse reads a value of a kind that takes plain values, or a table of a reset.
func parse(c *vm.Call, k *value.Kind, x lua.LValue) (any, error) {
	var in any
	switch v := x.(type) {
	case lua.LString:
		in = string(v)
	case lua.LNumber:
		in = float64(v)
	case lua.LBool:
		in = bool(v)
	case *lua.LTable:
		if k == value.KindReset {
			return resetOf(c, v), nil
		}
	}
	if k.Field != nil && k.Field.Type == field.Address {
		if s, ok := in.(string); !ok || !strings.Contains(s, "/") {
			a, err := AddressOf(x)
			if err != nil {
				return nil, err
			}
			in = a.String()
		}
	}
	v, err := k.Read(in)
	if n, number := x.(lua.LNumber); number && err != nil && k == value.KindTrue {
		return nil, args.Wrong(x, wrongTrue, fmt.Sprintf("for a port write dport = %s or sport = %s", n, n))
	}
	if wrong := (*value.Wrong)(nil); errors.As(err, &wrong) {
		return nil, args.Wrong(x, wrong.Want, wrong.Hint)
	}
	return v, err
}

// wrongTrue is what a key takes that says which protocol is meant.
const wrongTrue = "true"

// resetTable has the keys of a reset.
var resetTable = func() *vm.Method {
	m := &vm.Method{Name: "rst"}
	for _, k := range value.ResetKeys {
		kind := args.String
		if k.Word != nil {
			kind = args.Enum(k.Name+" of a reset", k.Word...)
		}
		if k.Name == "evidence" {
			kind = args.Enum("kind of evidence", k.Word...)
		}
		m.Options = append(m.Options, args.Opt(k.Name, kind, k.Doc))
	}
	return m
}()

func resetOf(c *vm.Call, t *lua.LTable) *value.Reset {
	a, r := c.Table(resetTable, t), &value.Reset{}
	for _, k := range value.ResetKeys {
		if s, ok := a[k.Name].(string); ok {
			*k.Field(r) = s
		}
	}
	return r
}

// Of builds the match that options say. Options that are no keys of matches are
// another's.
func Of(a map[string]any) match.Match {
	values := map[string]any{}
	for name, v := range a {
		if k := match.KeyNamed(name); k != nil && k.Kind != value.KindFunc {
			values[name] = v
		}
	}
	return match.Of(values)
}

// Checked is the match that the options of a verb say, if any packet can ever
// match it.
func Checked(c *vm.Call, a map[string]any) (match.Match, error) {
	m := Of(a)
	if word, err := possible.Check(&m); err != nil {
		return m, c.VM.At(c.File, c.VM.KeyLine(c.File, c.Line, word), word, err.Error(), NeverHint)
	}
	return m, nil
}

// NeverHint is what to do about a match that no packet can satisfy.
const NeverHint = "leave one of the two out"

// Asked is [Checked], and raises its error in the script.
func Asked(c *vm.Call, a map[string]any) match.Match {
	m, err := Checked(c, a)
	if err != nil {
		c.VM.Throw(c.L, err)
	}
	return m
}
