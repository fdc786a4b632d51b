// Package topo says what a lab is made of and brings it up: nodes, which are
// network namespaces, and wires between them.
//
// A [Spec] is plain data. [Spec.Plan] checks it and works out addresses, routes
// and forwarding, on any machine and without privilege. Up makes a plan live
// (Linux only) and returns a Lab with Close.
//
// It does not run endpoints and does not know the script language; positions in
// a script pass through as opaque line numbers.
//
// Invariant: nothing in a lab has a name outside it, so any number of labs with
// the same addresses can live side by side, and closing a lab or ending its
// process leaves nothing behind.
package topo
