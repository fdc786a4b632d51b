//go:build linux

// Package relay is the loop that carries frames between the nodes of a lab: it
// receives from the engine's ends of all links through one socket (package ring),
// passes each frame through the pipeline of its wire (package wire), and sends what
// comes out. One [Relay] serves all wires of a lab from a single thread, so that
// the order of the trace is the order in which things happened.
//
// It does not know what happens to a frame; that is the pipeline's.
//
// Invariant: a frame that the engine or the kernel lost without a fault is counted
// in [Relay.Lost], never passed over in silence.
package relay
