//go:build linux

package httpclient

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/load"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

func quantile(name, doc string, p float64) *vm.Field {
	return vm.NumberOf(name, "number", doc, func(h *load.Histogram) float64 { return h.Percentile(p).Seconds() })
}

var kPercentile = vm.NewKind("percentile", "number", func(_ *vm.Call, x lua.LValue) (float64, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 100 {
		return float64(n), nil
	}
	return 0, args.Wrong(x, "a percentile", "write a number from 0 to 100")
})

var histogramClass = &vm.Class{Name: "Histogram", Doc: "Times in seconds. Each is kept; all values are 0 " +
	"if there are none.",
	Fields: []*vm.Field{
		vm.NumberOf("count", "integer", "How many.", (*load.Histogram).Count),
		vm.NumberOf("mean", "number", "Their mean.", func(h *load.Histogram) float64 { return h.Mean().Seconds() }),
		quantile("min", "The least.", 0), quantile("max", "The greatest.", 100),
		quantile("median", "Half of them are no longer.", 50),
	},
	Methods: []*vm.Method{
		vm.Verb(vm.Method{Name: "percentile", Doc: "The time that this percentage of them does not exceed.",
			Example: `got.latency:percentile(99.9)`, Returns: "number"},
			func(percent *float64) []vm.Argument {
				return []vm.Argument{kPercentile.Param(percent, "percent", "0 to 100")}
			},
			func(c *vm.Call, percent *float64) error {
				c.Return(lua.LNumber(c.Self.(*load.Histogram).Percentile(*percent).Seconds()))
				return nil
			}),
		{Name: "buckets", Doc: "A list of buckets { upto, count }. Their bounds are 1, 2 and 5 times " +
			"powers of ten; each counts the times above the bound before.",
			Example: `for _, b in ipairs(got.latency:buckets()) do print(b.upto, b.count) end`, Returns: "Bucket[]",
			Fn: func(c *vm.Call) error {
				t := c.L.NewTable()
				for _, b := range c.Self.(*load.Histogram).Buckets() {
					r := c.L.NewTable()
					r.RawSetString("upto", lua.LNumber(b.UpTo.Seconds()))
					r.RawSetString("count", lua.LNumber(b.Count))
					t.Append(r)
				}
				c.Return(t)
				return nil
			}},
	}}
