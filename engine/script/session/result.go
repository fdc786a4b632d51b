//go:build linux

package session

import (
	"fmt"

	"netrepro/engine/host/socket"
)

// ResultOf is how x ended, for what ends: a handshake, a fetch.
func ResultOf(x any) (socket.Result, bool) {
	switch x := x.(type) {
	case socket.Result:
		return x, true
	case interface{ Outcome() socket.Result }:
		return x.Outcome(), true
	}
	return socket.Result{}, false
}

// Describe puts a result into words.
func Describe(r socket.Result) string {
	if r.OK() {
		return fmt.Sprintf("success after %.3fs", r.Took.Seconds())
	}
	return fmt.Sprintf("%q after %.3fs", r.Err, r.Took.Seconds())
}
