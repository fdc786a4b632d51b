//go:build linux

// Package web is HTTP servers and clients on the hosts of a lab, with and
// without TLS. The server has nginx's knobs and does what nginx does with them;
// the client does what curl does, and reports what it reports.
//
// Invariant: nothing is on the wire that was not asked for: no dates, no names
// of programs, no retries.
package web
