// Package files opens, reads and writes files that people name: what is there
// may be a pipe, a device, a link, or of any size.
//
// Invariant: nothing waits longer than its context, and no file is left half
// written where it was not asked to be written in place.
package files
