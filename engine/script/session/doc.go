// Package session is what the verbs of a running case share: the case's [Run],
// its nodes and wires as scripts see them, and the classes of what several
// rooms of verbs speak of.
//
// It has no verbs. Those are in the rooms beside it, and package script hangs
// them on the classes.
package session
