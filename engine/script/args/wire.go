//go:build linux

package args

import (
	"strconv"
	"strings"

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
var Queue = &vm.Kind{Name: "queue", Type: "Size|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if digits, ok := strings.CutSuffix(x.String(), " packets"); ok && x.Type() == lua.LTString {
		if n, err := strconv.Atoi(digits); err == nil && n > 0 && n <= 1<<20 {
			return QueueSize{Packets: n}, nil
		}
	}
	if n, ok := parseSize(x); ok && n > 0 {
		return QueueSize{Bytes: n}, nil
	}
	return nil, Wrong(x, "a queue", `write it like "64KB" or "50 packets"`)
}}

// WireOptions are the properties of a wire that can change.
var WireOptions = []vm.Option{
	OptDef("delay", Duration, "0ms", "one way"),
	OptDef("jitter", Duration, "0ms", "at most so much more or less delay for each frame, drawn from the case's seed; order is kept"),
	Opt("rate", Rate, "bits a second, counted over whole frames"),
	OptDef("queue", Queue, `"100 packets"`, "what may wait for a wire with a rate; what does not fit is dropped"),
}
