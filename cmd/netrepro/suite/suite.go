// Package suite has the commands that run, list and check scenarios and report what came
// of them. It knows flags and exit codes; the work is the engine's.
//
// Invariant: a command returns an error and never ends the process.
package suite

import (
	"io"
)

// Exit codes.
const (
	Expected     = 0
	Failed       = 1 // a case failed
	Script       = 2 // script or usage error, or output that could not be written
	Cannot       = 3 // this machine cannot, or --require and something was skipped
	Inconclusive = 4 // only inconclusive cases stand in the way
	Interrupted  = 130
)

// Console is what the commands are given of the process.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Terminal bool           // Out is one
	Color    bool           // it shows colours
	Allow    func([]string) // lets escape sequences pass to Out
}

// Exit is an error with an exit code of its own. One without a cause has been told.
type Exit struct {
	Err  error
	Code int
}

// Error implements error.
func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap is the cause.
func (e *Exit) Unwrap() error { return e.Err }
