//go:build linux

// Package wire is what a frame goes through between two nodes: it is recorded, the
// faults of the wire judge it, it waits for the wire's rate and delay, the boxes of
// the node that it reaches judge it, and it is recorded again and sent. One
// [Pipeline] serves all wires of a lab.
//
// It does not receive or send (package relay does), does not make links (package
// lab does), and does not know what faults mean (package fault does).
//
// Invariant: nothing is delivered that was not recorded before, and a frame that
// the engine loses without a fault is counted ([ledger.Ledger.Lose]), never passed
// over in silence.
package wire
