//go:build linux

package args_test

import (
	"errors"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// want is what a kind makes of a value.
func want[V comparable](k vm.KindOf[V], is V) func(t *testing.T, x lua.LValue) {
	return func(t *testing.T, x lua.LValue) {
		t.Helper()
		if got, err := k.Read(nil, x); err != nil || got != is {
			t.Errorf("%s %s: got %v, %v, want %v", k.Name, vm.Show(x), got, err, is)
		}
	}
}

// refused is a value that a kind does not take.
func refused[V any](k vm.KindOf[V]) func(t *testing.T, x lua.LValue) {
	return func(t *testing.T, x lua.LValue) {
		t.Helper()
		_, err := k.Read(nil, x)
		var bad *vm.BadValue
		if !errors.As(err, &bad) || bad.Hint == "" {
			t.Errorf("%s %s: got %v, want an error with a hint", k.Name, vm.Show(x), err)
		}
	}
}

func TestKinds(t *testing.T) {
	level := args.Enum("level", "low", "high")
	for _, tt := range []struct {
		x     lua.LValue
		check func(*testing.T, lua.LValue)
	}{
		{lua.LString("40ms"), want(args.Duration, 40*time.Millisecond)},
		{lua.LString("2h"), want(args.Duration, 2*time.Hour)},
		{lua.LString("5d"), want(args.Duration, 120*time.Hour)},
		{lua.LString("21d"), refused(args.Duration)},
		{lua.LString("-1s"), refused(args.Duration)},
		{lua.LNumber(1), refused(args.Duration)},
		{lua.LString("4KB"), want(args.Size, 4096)},
		{lua.LString("4KiB"), want(args.Size, 4096)},
		{lua.LString("4kB"), want(args.Size, 4000)},
		{lua.LString("1MiB"), want(args.Size, 1<<20)},
		{lua.LNumber(4096), want(args.Size, 4096)},
		{lua.LNumber(0.5), refused(args.Size)},
		{lua.LString("4 apples"), refused(args.Size)},
		{lua.LString("1%"), want(args.Percent, 0.01)},
		{lua.LString("101%"), refused(args.Percent)},
		{lua.LString("10Mbit"), want(args.Rate, int64(10_000_000))},
		{lua.LString("10"), refused(args.Rate)},
		{lua.LNumber(443), want(args.Port, 443)},
		{lua.LNumber(65536), refused(args.Port)},
		{lua.LNumber(1.5), refused(args.Port)},
		{lua.LString("low"), want(level, "low")},
		{lua.LString("lwo"), refused(level)},
		{lua.LString("default"), want(args.Prefix, "default")},
		{lua.LString("192.0.2.1"), want(args.Prefix, "192.0.2.1/32")},
		{lua.LString("here"), refused(args.Prefix)},
		{lua.LString("50 packets"), want(args.Queue, args.QueueSize{Packets: 50})},
		{lua.LString("64KB"), want(args.Queue, args.QueueSize{Bytes: 64 << 10})},
		{lua.LNumber(0), refused(args.Queue)},
	} {
		tt.check(t, tt.x)
	}
}

// TestRespelled holds the hint for an amount that is written as elsewhere.
func TestRespelled(t *testing.T) {
	hint := func(_ any, err error) string {
		var bad *vm.BadValue
		if !errors.As(err, &bad) {
			return ""
		}
		return bad.Hint
	}
	for text, want := range map[string]string{"40MS": "40ms", "40 ms": "40ms", "1.5 seconds": "1.5s", "5min": "5m"} {
		if got := hint(args.Duration.Read(nil, lua.LString(text))); got != `write "`+want+`"` {
			t.Errorf("%q: %s", text, got)
		}
	}
	for text, want := range map[string]string{"10MBit": `write "10Mbit"`, "1.5 Gbit": `write "1.5Gbit"`,
		"10MB/s": `write "80Mbit"`, "10 MB/S": `write "80Mbit"`, "10MBps": `write "80Mbit"`, "10KB/S": `write "80kbit"`,
		"100kbit/s": `write "100kbit"`, "10M": `write "10Mbit"`,
		"10mbps":   `write "10Mbit", or "80Mbit" if these are bytes, as with tc`,
		"10MBPS":   `write "10Mbit", or "80Mbit" if these are bytes, as with tc`,
		"1.5 Gb/s": `write "1.5Gbit", or "12Gbit" if these are bytes, as with tc`} {
		if got := hint(args.Rate.Read(nil, lua.LString(text))); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	for text, want := range map[string]string{"4mb": "4MiB", "4 KiB": "4KiB", "1K": "1KiB", "9 bytes": "9B", "4 kB": "4kB"} {
		if got := hint(args.Size.Read(nil, lua.LString(text))); got != `write "`+want+`"` {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := hint(args.Duration.Read(nil, lua.LString("21 days"))); got == `write "21d"` {
		t.Errorf("it is told to write what is refused: %s", got)
	}
}
