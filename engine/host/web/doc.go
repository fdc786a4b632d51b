//go:build linux

// Package web is HTTP servers on the hosts of a lab, with and without TLS. A server
// has nginx's knobs and does what nginx does with them.
//
// Invariant: nothing is on the wire that was not asked for: no dates, no names of
// programs.
package web
