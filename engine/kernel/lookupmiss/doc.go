//go:build linux

// Package lookupmiss has the kernel's lookup of a segment's socket miss the connection
// and find the listener, as happens when a segment arrives in the moment in which
// another processor moves the connection in the table of established sockets.
// That race is lost once in a million times; here it is lost when it is asked for,
// and what follows is the kernel's own doing.
//
// Entry: [Make]. It needs privilege over the whole machine. Invariant: only
// segments that a [Rule] means are touched, and nothing outlives the namespace.
package lookupmiss

//go:generate -command compile clang -O2 -g -Wall -Werror -target bpfel -I/usr/include/x86_64-linux-gnu
//go:generate compile -fdebug-compilation-dir=. -c miss.bpf.c -o miss.bpf.o
//go:generate llvm-strip -g miss.bpf.o
