// Package lab brings a planned topology to life: namespaces, links, addresses,
// routes, and the relay between them.
//
// It plans nothing (package topology does) and runs nothing on the nodes.
//
// Invariant: on error nothing is left, and when [Up] returns every node takes
// and forwards packets: nothing is left to a work queue of the kernel's.
package lab
