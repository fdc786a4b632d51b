//go:build linux

// Package load makes many requests from one host, over many connections, at a
// rate that does not wait for the answers, and accounts for each of them.
//
// Invariants: every request that was due is in exactly one outcome, every
// connection that was begun in exactly one end, and the time of an answer counts
// from when its request was due, so that a server that stalls cannot hide it by
// keeping the clients busy.
package load
