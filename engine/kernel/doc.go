//go:build linux

// Package kernel is what the kernel itself says of a node: its counters, its
// sockets, and with privilege the reasons of its resets and drops.
//
// It reads; it changes nothing. What it finds is joined to packets by package
// trace.
//
// Invariant: everything is named as the kernel names it, and what could not be
// read is an error or a count of what was lost, never a zero.
package kernel
