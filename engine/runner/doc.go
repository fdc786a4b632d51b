//go:build linux

// Package runner runs the cases of scenario files, several side by side, each in a
// worker process of its own, and tells a sink what happens.
//
// The rooms below it do one thing each: discover finds the files, task makes tasks
// of them, schedule says when one may begin, machine changes settings of the whole
// machine for it, worker runs it, and sink looks at several runs of it together.
// Nothing here prints for people; package report does.
package runner
