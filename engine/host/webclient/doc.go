//go:build linux

// Package webclient is HTTP clients on the hosts of a lab, with and without TLS. A
// client does what curl does, and reports what it reports.
//
// Invariant: nothing is on the wire that was not asked for: no dates, no names of
// programs, no retries.
package webclient
