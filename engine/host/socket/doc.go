//go:build linux

// Package socket is TCP sockets on the hosts of a lab, all on the real kernel: hosts,
// connections, listeners and their options.
//
// It does not break anything and does not look at packets.
//
// Invariant: every socket belongs to one [Host] and is closed with it; no call
// waits longer than its timeout or its context.
package socket
