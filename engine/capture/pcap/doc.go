// Package pcap reads and writes capture files.
//
// It knows the block layout of pcapng (IETF draft-ietf-opsawg-pcapng) and
// nothing of what the packets mean.
//
// Invariant of writing: blocks reach the file whole and in order, so that what
// a crash leaves behind is readable up to the last write; [Repair] cuts a torn
// end off.
package pcap
