// Package stream is the record of a run: one JSON object a line, written while the
// cases run, from which every report is made.
//
// It runs nothing and shows nothing; package formats writes reports.
//
// Invariant: a record can be read however the run ended. A line that is cut short, and
// a case that never ended, are part of what it says.
package stream
