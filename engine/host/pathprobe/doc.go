//go:build linux

// Package pathprobe measures paths from the hosts of a lab as operators do: ping,
// traceroute over UDP, ICMP and TCP, the path MTU, and how long TCP takes to
// connect.
//
// It needs CAP_NET_RAW for ICMP, which every lab has.
//
// Invariant: one packet at a time is on its way, so that what is on the wires is
// the same in every run.
package pathprobe
