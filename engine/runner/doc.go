//go:build linux

// Package runner turns scenario files into cases, runs each in a worker
// process of its own and collects the results.
//
// A worker is this same binary, executed again as process 1 of new PID, mount,
// network and, without root, user namespaces. It gets one job on its standard
// input and streams events on its standard output. It does not print for
// people; package report does.
//
// Invariant: ending a worker in whatever way ends everything its case made. A
// worker ends with its parent: the kernel kills it, and should the parent be
// gone before that is arranged, the end of its input tells it.
package runner
