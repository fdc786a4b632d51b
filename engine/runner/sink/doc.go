//go:build linux

// Package sink stands between a run and its report: each sink passes on what
// happens and does one thing more. One compares the rounds of a case, one gathers
// golden traces, one turns the results of a proof around. It shows nothing itself.
//
// Invariant: a sink passes on every beginning and every end, in order.
package sink
