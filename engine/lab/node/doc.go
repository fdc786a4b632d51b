//go:build linux

// Package node makes the network namespaces of a lab's nodes and sets them up: their
// settings, devices, addresses, pinned neighbours, tunnels, bridges and routes, and
// what of these a script changes later.
//
// It makes no links between nodes (package lab does) and plans nothing (package
// topology does).
//
// Invariant: when [Node.Start] returns, the node takes and forwards packets: nothing
// is left to a work queue of the kernel's.
package node
