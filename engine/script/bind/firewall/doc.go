// Package firewall has the verbs of nodes that are rules of their kernels: filters,
// address translation, connection tracking, routes and settings.
//
// What a verb installs is text as nft(8) writes rules, which is also what it is
// called in messages; the verb rule takes such text as it is.
package firewall
