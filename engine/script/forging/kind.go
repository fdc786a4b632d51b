//go:build linux

package forging

import (
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/vm"
)

// Number is a relative number, or a word for one.
type Number struct {
	Word string // "next", "in window" or "blind"; empty of a number
	N    int64
}

// block is a SACK block in relative numbers.
type block struct{ left, right int64 }

var words = []string{"next", "in window", "blind"}

var (
	kAddress = vm.NewKind("address", "string|Host", func(_ *vm.Call, x lua.LValue) (netip.Addr, error) {
		return matching.AddressOf(x)
	})
	kWord32 = args.Int("number", 0, 1<<32-1, "a number on the wire is 0 to 4294967295")
	kWord16 = args.Int("number", 0, 1<<16-1, "0 to 65535")
	kByte   = args.Int("number", 0, 255, "0 to 255")
	kMSS    = args.Int("MSS", 0, 65535, "0 to 65535")
	kShift  = args.Int("shift", 0, 255, "0 to 255")
	kVLAN   = args.Int("VLAN", 1, 4094, "a VLAN is 1 to 4094")
	kNumber = vm.NewKind("relative number", `integer|"next"|"in window"|"blind"`, parseNumber)
	kBlocks = vm.NewKind("list of SACK blocks", "integer[][]", parseBlocks)
)

func parseNumber(_ *vm.Call, x lua.LValue) (Number, error) {
	switch x := x.(type) {
	case lua.LString:
		if slices.Contains(words, string(x)) {
			return Number{Word: string(x)}, nil
		}
	case lua.LNumber:
		if n := int64(x); float64(n) == float64(x) && n > -1<<32 && n < 1<<32 {
			return Number{N: n}, nil
		}
	}
	return Number{}, args.Wrong(x, "a relative number",
		`write 1, conn.snd_next + 70000, "next", "in window" or "blind"`)
}

func parseBlocks(_ *vm.Call, x lua.LValue) ([]block, error) {
	const hint = "write { { 2897, 4345 } }"
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of SACK blocks", hint)
	}
	items, err := args.List(t, hint)
	if err != nil {
		return nil, err
	}
	out := []block{}
	for _, x := range items {
		b, ok := x.(*lua.LTable)
		if !ok || b.Len() != 2 {
			return nil, args.Wrong(x, "a SACK block", hint)
		}
		l, lok := b.RawGetInt(1).(lua.LNumber)
		r, rok := b.RawGetInt(2).(lua.LNumber)
		whole := func(n lua.LNumber) bool { return float64(n) == float64(int64(n)) && n >= 0 && n < 1<<32 }
		if !lok || !rok || !whole(l) || !whole(r) {
			return nil, args.Wrong(x, "a SACK block", hint)
		}
		out = append(out, block{int64(l), int64(r)})
	}
	return out, nil
}
