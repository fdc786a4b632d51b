//go:build linux

package matching

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// Row are those of a row of a sequence.
var Row = append(slices.Clone(Seen),
	args.OptDef("times", args.Count, "1", `at least this many before the next row; others may stand between`),
	args.Opt("within", args.Bound, "at most this long after the packet of the row before"))

var rowTable = &vm.Method{Name: "row", Options: Row}

// KRows is a list of rows.
var KRows = &vm.Kind{Name: "list of matches", Type: "Row[]", Table: rowTable,
	Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		t, ok := x.(*lua.LTable)
		if !ok || t.Len() == 0 {
			return nil, args.Wrong(x, "a list of matches", `write { { tcp = "syn" }, { tcp = "synack" } }`)
		}
		items, err := args.List(t, `write { { tcp = "syn" }, { tcp = "synack" } }`)
		if err != nil {
			return nil, err
		}
		var rows []expect.Row
		for i, x := range items {
			rt, ok := x.(*lua.LTable)
			if !ok {
				return nil, args.Wrong(x, "a match", `write { tcp = "syn" }`)
			}
			a := c.Table(rowTable, rt)
			r := expect.Row{Match: Asked(c, a), Times: expect.Count{Min: 1}}
			if n, ok := a["times"].(expect.Count); ok {
				r.Times = n
			}
			if r.Times.Min == 0 {
				return nil, &vm.BadValue{Msg: "a row that may come zero times says " +
					"nothing", Word: "times", Hint: "leave it out, or say never"}
			}
			if r.Within = durationOf(a["within"]); r.Within > 0 && i == 0 {
				return nil, &vm.BadValue{Msg: "the first row has no row before it that within could count " +
					"from", Word: "within", Hint: "leave within out of it"}
			}
			rows = append(rows, r)
		}
		return rows, nil
	}}

func durationOf(x any) time.Duration {
	d, _ := x.(time.Duration)
	return d
}
