//go:build linux

package args

import (
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/vm"
)

// QueueSize bounds a queue; 0 is no bound.
type QueueSize struct{ Bytes, Packets int }

// DefaultQueue is how many packets wait for a wire with a rate, unless said
// otherwise: less than the 1000 of a network device, so that a queue that is
// full can be seen.
const DefaultQueue = 100

// Queue is the size of a queue.
var Queue = vm.NewKind("queue", "Size|string", func(_ *vm.Call, x lua.LValue) (QueueSize, error) {
	if digits, ok := strings.CutSuffix(x.String(), " packets"); ok && x.Type() == lua.LTString {
		if n, err := strconv.Atoi(digits); err == nil && n > 0 && n <= 1<<20 {
			return QueueSize{Packets: n}, nil
		}
	}
	if n, ok := parseSize(x); ok && n > 0 {
		return QueueSize{Bytes: n}, nil
	}
	return QueueSize{}, Wrong(x, "a queue", `write it like "64KB" or "50 packets"`)
})

// Wire are the properties of a wire that can change, nil where they are not given.
type Wire struct {
	Delay, Jitter *time.Duration
	Rate          *int64 // bits a second
	Queue         *QueueSize
}

// WireOptions take the properties of a wire.
func WireOptions(w *Wire) []vm.Argument {
	return []vm.Argument{
		Duration.Maybe(&w.Delay, "delay", "one way").Shown("0ms"),
		Duration.Maybe(&w.Jitter, "jitter", "each frame takes up to this much more or less, drawn from the "+
			"case's seed; the order is kept").Shown("0ms"),
		Rate.Maybe(&w.Rate, "rate", "bits a second, counted over whole frames"),
		Queue.Maybe(&w.Queue, "queue", "what may wait for a wire with a rate; what does not fit is dropped").
			Shown(`"100 packets"`),
	}
}
