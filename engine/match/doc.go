// Package match says which packets are meant: the one language for it that Lua
// matches, the lines of reads, faults and trace --filter share.
//
// A [Key] is what can be asked of a packet; [Keys] is the table of all. To add one,
// add a row there: Lua, the command line, messages and the reference read the table.
//
// Invariant: a match asks and changes nothing, and one packet gives one answer
// wherever it is asked: what a recorded segment was is judged at its sender, as every
// view of a trace shows it.
package match
