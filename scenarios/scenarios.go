// Package scenarios carries the shipped library of scenarios.
package scenarios

import "embed"

// Files holds the library; each file documents one failure.
//
//go:embed *.lua
var Files embed.FS
