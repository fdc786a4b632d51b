//go:build linux

package args

import (
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/match/value"
	"netrepro/engine/script/vm"
)

// Kinds of amounts, with their units.
var (
	Duration = vm.NewKind("duration", "Duration", func(_ *vm.Call, x lua.LValue) (time.Duration, error) {
		if s, ok := x.(lua.LString); ok {
			if d, ok := value.ParseDuration(string(s)); ok {
				return d, nil
			}
		}
		return 0, Wrong(x, "a duration", respelled(x, durationWords, isDuration,
			`write it like "40ms", "1.5s" or "2h", at most "20d"`))
	})
	// Bound is a duration that bounds another: no time would be no bound, or one that nothing keeps.
	Bound = vm.NewKind("duration", "Duration", func(c *vm.Call, x lua.LValue) (time.Duration, error) {
		d, err := Duration.Read(c, x)
		if err == nil && d == 0 {
			err = Wrong(x, "a duration above 0", "leave it out, or write how long may pass")
		}
		return d, err
	})
	// Size is in bytes.
	Size = vm.NewKind("size", "Size", func(_ *vm.Call, x lua.LValue) (int, error) {
		if n, ok := parseSize(x); ok {
			return n, nil
		}
		return 0, Wrong(x, "a size",
			respelled(x, sizeWords, isSize, `write it like 4096, "4KB" or "4KiB" (1024 bytes each), or "4kB" (1000 each)`))
	})
	// Percent is a share, from 0 to 1 once read.
	Percent = vm.NewKind("percentage", "Percent", func(_ *vm.Call, x lua.LValue) (float64, error) {
		if s, ok := x.(lua.LString); ok {
			if p, ok := percent(string(s)); ok {
				return p, nil
			}
		}
		return 0, Wrong(x, "a percentage", `write it like "1%"`)
	})
	// Rate is in bits a second.
	Rate = vm.NewKind("rate", "Rate", func(_ *vm.Call, x lua.LValue) (int64, error) {
		if s, ok := x.(lua.LString); ok {
			if n, ok := rate(string(s)); ok {
				return n, nil
			}
		}
		return 0, Wrong(x, "a rate",
			respelled(x, rateWords, isRate, `write it like "10Mbit", which is 10,000,000 bits a second`))
	})
	Count = vm.NewKind("count", "integer|string", parseCount)
)

func isDuration(s string) bool {
	_, ok := value.ParseDuration(s)
	return ok
}

func isSize(s string) bool {
	_, ok := parseSize(lua.LString(s))
	return ok
}

func isRate(s string) bool {
	_, ok := rate(s)
	return ok
}

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30},
	{"B", 1},
}

func parseSize(x lua.LValue) (int, bool) {
	var n float64
	unit := 1.0
	switch x := x.(type) {
	case lua.LNumber:
		n = float64(x)
	case lua.LString:
		text := string(x)
		for _, u := range sizeUnits {
			if rest, ok := strings.CutSuffix(text, u.suffix); ok {
				text, unit = rest, u.bytes
				break
			}
		}
		var err error
		if n, err = strconv.ParseFloat(text, 64); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	n *= unit
	if n != math.Trunc(n) || n < 0 || n > 1<<31 || math.IsNaN(n) {
		return 0, false
	}
	return int(n), true
}

func percent(s string) (float64, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(digits, 64)
	return p / 100, ok && err == nil && p >= 0 && p <= 100
}

var rateUnits = []struct {
	suffix string
	bits   float64
}{{"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {"bit", 1}}

func rate(s string) (int64, bool) {
	for _, u := range rateUnits {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.ParseFloat(digits, 64)
			n *= u.bits
			return int64(n), err == nil && n >= 1 && n <= 1e12
		}
	}
	return 0, false
}

func parseCount(_ *vm.Call, x lua.LValue) (expect.Count, error) {
	switch x.(type) {
	case lua.LNumber, lua.LString:
		c, err := expect.ParseCount(x.String())
		if err == nil && c.OrMore && c.Min == 0 {
			return c, Wrong(x, "a count", "any number is that many: write 0 for none, or leave the expectation out")
		}
		if err == nil {
			return c, nil
		}
	}
	return expect.Count{}, Wrong(x, "a count", `write 3 or ">= 3"`)
}
