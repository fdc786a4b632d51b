// Package header knows where each field of a frame's headers stands. The places
// are constants that read and write ([TCPSeq], [IPv4Src]); package field names
// those that matches read and faults rewrite. [Parse] finds the layers of a frame, and
// [Edit] changes a frame and mends what depends on the change.
//
// It does not decode packets for traces (package packet does), makes none (package
// build does) and decides about none (package fault does).
//
// Invariant: a change mends lengths and checksums by the difference alone (RFC
// 1624): a checksum that was wrong stays wrong by as much. But for the places
// themselves, which need a header that is whole, no input makes it panic or read
// outside the bytes it was given.
package header
