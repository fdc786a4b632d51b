//go:build linux

// Package nft compiles nftables rules, written as nft(8) does, to the
// expressions that the kernel takes: a part of the language that is enough to
// filter, rewrite and track, not all of it.
//
// It talks to no kernel; package firewall does.
//
// Invariant: what it does not know is an error that names the word, never a rule
// that means something else.
package nft
