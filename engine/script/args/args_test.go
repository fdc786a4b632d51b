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
