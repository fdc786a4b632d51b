//go:build linux

// Package ring is the packet socket of a relay: a [Ring] receives from every
// device of its namespace into memory that is shared with the kernel
// (TPACKET_V2), a [Batch] sends many frames with one system call.
//
// It does not know what the frames are or which wire they cross. What it knows
// of wires is how many frames wait for each, for that bounds what a crowd is let in.
package ring
