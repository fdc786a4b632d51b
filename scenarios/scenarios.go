// Package scenarios carries the shipped library of scenarios.
package scenarios

import "embed"

// Files holds the library, in folders by what breaks; each file documents one
// failure, and golden traces beside it say what its packets mean.
//
//go:embed icmp idle loss nat path pmtu rst tls
var Files embed.FS
