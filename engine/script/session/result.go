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

// Succeeded reports whether something worked, and what there is to say of it. What its Short says
// of an end without an error, as of an answer to half a request, is no success.
func Succeeded(x any) (ok bool, saw string) {
	r, _ := ResultOf(x)
	if s, is := x.(interface{ Short() string }); is && r.OK() && s.Short() != "" {
		return false, s.Short()
	}
	return r.OK(), Describe(r)
}
