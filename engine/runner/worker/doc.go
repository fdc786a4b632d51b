//go:build linux

// Package worker runs a case in a process of its own: [Run] starts the process and
// takes its events, [Serve] is what that process does. It chooses no cases and
// shows nothing.
//
// A worker is this same binary, executed again as process 1 of new PID, mount,
// network and, without root, user namespaces. It gets one job on its standard
// input and writes events to its standard output, each a line of JSON.
//
// Invariant: ending a worker in whatever way ends everything its case made. A
// worker ends with its parent: the kernel kills it, and should the parent be
// gone before that is arranged, the end of its input tells it.
package worker
