//go:build linux

// Package script is the scenario language: what a file may say, what a case
// is, and running one.
//
// It puts the language together from the rooms of verbs below bind. It does not
// start processes and does not print: [File.Run] runs one case in the calling
// process and reports events of package session.
//
// Invariant: loading a file touches nothing on the machine. Whatever a case
// makes is closed when Run returns.
package script
