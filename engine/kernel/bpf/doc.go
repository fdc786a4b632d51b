//go:build linux

// Package bpf asks the kernel, through BPF programs on its tracepoints, why it
// sent a reset, retransmitted a segment or dropped a packet.
//
// [Load] needs CAP_BPF and CAP_PERFMON, and is done once for any number of
// cases; each case has a ring of its own that takes what happens in its network
// namespaces ([Probe.NewRing], [Ring.Watch], [Ring.Drain]).
//
// Invariant: an event that did not fit, or whose program was not run, is counted
// ([Ring.Lost]); no case hears or silences another; nothing that was loaded
// outlives the process.
package bpf

//go:generate -command compile clang -O2 -g -Wall -Werror -target bpfel -I/usr/include/x86_64-linux-gnu
//go:generate compile -fdebug-compilation-dir=. -c probe.bpf.c -o probe.bpf.o
//go:generate llvm-strip -g probe.bpf.o
