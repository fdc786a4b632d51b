// Package topology says what a lab is made of: nodes, which will be network
// namespaces, and wires between them.
//
// A [Spec] is plain data. Package plan works out segments, addresses, routes and
// forwarding, on any machine and without privilege, and package lab makes a plan
// live.
//
// It does not know the script language; positions in a script pass through as
// opaque line numbers.
package topology
