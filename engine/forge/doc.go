// Package forge knows the bytes of frames: where each header field stands, how
// to change it, and how to make a packet that no kernel sent.
//
// It does not decode packets for traces (package packet does) and decides about
// none (package fault does).
//
// Invariant: a change mends what depends on it, lengths and checksums, by the
// difference alone (RFC 1624): a checksum that was wrong stays wrong by as much.
// No input makes it panic or read outside the bytes it was given.
package forge
