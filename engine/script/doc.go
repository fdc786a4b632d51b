//go:build linux

// Package script is the scenario language: what a file may say, what a case
// is, and running one.
//
// api.go names every class and verb; the files beside it hold them by class.
// It does not start processes and does not print: [Run] runs one case in the
// calling process and reports [Event]s.
//
// Invariant: loading a file touches nothing on the machine. Whatever a case
// makes is closed when Run returns.
package script
