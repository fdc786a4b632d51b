//go:build linux

// Package wire carries frames between two link ends through the engine: it
// reads a frame on one side, records it, lets faults judge it, holds it for
// the wire's delay and writes it to the other side. One [Relay] serves all
// wires of a lab from a single thread, so that the order of the trace is the
// order in which things happened.
//
// It does not make links (package topology does) and does not know what faults
// mean (package fault does).
//
// Invariant: nothing is delivered that was not recorded before, and a frame
// that the engine or the kernel lost without a fault is counted in
// [Relay.Lost], never passed over in silence.
package wire
