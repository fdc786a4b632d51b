//go:build linux

package suite

import "github.com/spf13/cobra"

// Commands are those of scenarios, but for replay.
func Commands(e Console) []*cobra.Command {
	return []*cobra.Command{runCommand(e), listCommand(e), checkCommand(e), shellCommand(e),
		watchCommand(e)}
}
