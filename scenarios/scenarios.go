// Package scenarios carries the shipped library of scenarios.
package scenarios

import "embed"

// Files holds the library; each file documents one failure,
// and golden traces beside it say what its packets mean.
//
//go:embed *.lua *.golden
var Files embed.FS
