//go:build linux

// Package selection finds the cases that somebody names on the command line: files,
// folders, names of scenarios, globs, and expressions of tags.
//
// It runs nothing, and does not know what is done with the cases.
//
// Invariant: a name that is nobody's selects nothing, and is an error that names what
// is near. No name selects from two places without saying so.
package selection
