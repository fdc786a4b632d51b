//go:build linux

package session

import "netrepro/engine/script/vm"

// Stop is where a case stands still, for people to look into it.
type Stop string

// Places where a case can stand still.
const (
	StopBefore  Stop = "before"  // before the script's function runs
	StopStep    Stop = "step"    // at a step
	StopPause   Stop = "pause"   // where the script says pause()
	StopFailure Stop = "failure" // at an expectation that did not hold
	StopAfter   Stop = "after"   // when the script's function has ended, before the lab goes down
)

// Command is what somebody who looks into a case wants. One without anything lets it go on.
type Command struct {
	Lua string `json:"lua,omitempty"` // is evaluated
	// Args is a program that runs on Node, at the terminal.
	Node string   `json:"node,omitempty"`
	Args []string `json:"args,omitempty"`
}

// Stand has the case stand still if somebody wants to look into it here; it reports
// whether anybody did. c is the call that it is at.
func (r *Run) Stand(c *vm.Call, at Stop, text string) bool {
	return r.Halt != nil && r.Halt(c, at, text)
}
