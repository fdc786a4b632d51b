//go:build linux

// Package socket is what lives on hosts: scripted sockets, TLS and HTTP
// servers and clients, all on the real kernel.
//
// It does not break anything and does not look at packets.
//
// Invariant: every socket belongs to one [Host] and is closed with it; no call
// waits longer than its timeout or its context.
package socket
