// Package trace is what the wires saw: packets in the order the engine handled
// them, the connections they belong to, and what each segment was, new data or
// a retransmission and which kind.
//
// It does not read sockets or files and does not judge; package expect does.
//
// Invariant: a packet is recorded once where it left a node and, if it arrived,
// once where it arrived; its frame number is the one in trace.pcapng. Recorded
// packets never change.
package trace
