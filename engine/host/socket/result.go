//go:build linux

package socket

import "time"

// Result is how something ended.
type Result struct {
	Err     string // empty if it succeeded, else what failed and how: "handshake timeout"
	Started time.Time
	Took    time.Duration
}

// OK reports success.
func (r Result) OK() bool { return r.Err == "" }
