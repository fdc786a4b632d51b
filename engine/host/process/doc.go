//go:build linux

// Package process runs real programs on the nodes of a lab: in the node's
// network namespace, with a hosts file and a resolver of the lab's, trusting the
// lab's authority.
//
// Each program has an init process of its own, process 1 of a PID namespace:
// the same binary, started with [InitArg].
//
// What it starts may read the machine's files, and write few of them, unless it is
// trusted (package confine).
//
// Invariant: whatever a program does - ignore signals, fork away, flood its
// output - all it started ends with its init, and that with the engine.
package process
